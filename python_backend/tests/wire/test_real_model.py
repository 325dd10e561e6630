"""The client, and a server with it, against a real model's server: llama.cpp with a small model."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from tests.faults.inside import Inside
from tests.wire.real_model import NAME, RealModel, real_model  # noqa: F401
from underpin.errors import ModelRefusedRequest
from underpin.models.base import (
    ChatMessage,
    Finish,
    FunctionSpec,
    ModelRequest,
    TextDelta,
    ToolCallDelta,
    ToolCallSaid,
    UsageFact,
)
from underpin.models.catalog import Catalog
from underpin.models.chat_completions import ChatCompletions

QUESTION = (ChatMessage("system", "Answer in a few words."), ChatMessage("user", "What is clay?"))


@pytest.fixture
async def model(real_model: RealModel) -> AsyncIterator[ChatCompletions]:  # noqa: F811
    model = ChatCompletions(
        real_model.base_url, "sk-unknown", connect_timeout_s=5, first_byte_timeout_s=60, between_bytes_timeout_s=30
    )
    yield model
    await model.close()


async def test_it_streams_tokens_and_reports_usage(model):
    request = ModelRequest(NAME, QUESTION, temperature=0, max_completion_tokens=12)
    batches = [batch async for batch in model.stream(request)]
    facts = [fact for batch in batches for fact in batch]
    usage, finish = facts[-2:]
    assert sum(isinstance(fact, TextDelta) for fact in facts) > 5
    assert len(batches) > 3, "tokens come while the answer is being written"
    assert finish == Finish("length")
    assert isinstance(usage, UsageFact)
    assert usage.completion_tokens == 12
    assert usage.prompt_tokens > 10


async def test_an_answer_that_is_closed_is_no_longer_written(model, real_model):  # noqa: F811
    request = ModelRequest(NAME, (ChatMessage("user", "Count from 1 to 1000."),), temperature=0, max_completion_tokens=4000)
    async with aclosing(model.stream(request)) as stream:
        await anext(stream)
        assert await asyncio.to_thread(real_model.answers_in_work) == 1
    await asyncio.to_thread(real_model.wait_until_idle, within_s=5)


SEARCH = FunctionSpec("search", "Searches.", {"type": "object", "properties": {"query": {"type": "string"}}})


def searched(word: str, arguments: str | None = None) -> tuple[ChatMessage, ...]:
    """A turn in which the model called the function: it goes on in the same manner."""
    called = ToolCallSaid(f"call_{word}", "search", arguments if arguments is not None else json.dumps({"query": word}))
    return ChatMessage("user", word), ChatMessage("assistant", tool_calls=(called,))


async def test_it_calls_a_function_and_the_arguments_come_in_pieces(model):
    shown = [message for word in ("sand", "silt", "gravel") for message in searched(word)]
    messages = (*shown, ChatMessage("user", "clay"))
    request = ModelRequest(NAME, messages, tools=(SEARCH,), temperature=0, max_completion_tokens=60)
    facts = [fact async for batch in model.stream(request) for fact in batch]
    pieces = [fact for fact in facts if isinstance(fact, ToolCallDelta)]
    assert len(pieces) > 3
    assert {piece.index for piece in pieces} == {0}
    assert (pieces[0].name, bool(pieces[0].id)) == ("search", True)
    assert json.loads("".join(piece.arguments for piece in pieces)) == {"query": "clay"}
    assert facts[-1] == Finish("tool_calls")


async def test_arguments_that_a_model_broke_do_not_stop_it_for_ever(model):
    """It answers 500 to arguments that are no JSON, as often as they are sent back."""
    messages = (*searched("sand", '{"query": "sa'), ChatMessage("tool", "not understood", tool_call_id="call_sand"))
    request = ModelRequest(NAME, messages, tools=(SEARCH,), temperature=0, max_completion_tokens=8)
    facts = [fact async for batch in model.stream(request) for fact in batch]
    assert isinstance(facts[-1], Finish)


async def test_tools_are_taken_whether_or_not_it_calls_one(model):
    request = ModelRequest(NAME, QUESTION, tools=(SEARCH,), tool_choice="auto", temperature=0, max_completion_tokens=8)
    facts = [fact async for batch in model.stream(request) for fact in batch]
    assert isinstance(facts[-1], Finish)


async def test_what_it_refuses_is_told_in_its_words(model):
    request = ModelRequest(NAME, (ChatMessage("user", "clay " * 9000),))
    with pytest.raises(ModelRefusedRequest, match=r"refused the request: .*exceeds the available context size"):
        await anext(model.stream(request))


async def test_the_catalog_finds_its_model(model):
    models = Catalog(model, embedded={})
    assert (await models.choose("auto")).name == NAME
    assert (await models.choose("gpt-4o")).name == NAME
    assert await models.check() is None


@pytest.fixture
async def server(real_model: RealModel, tmp_path) -> AsyncIterator[Inside]:  # noqa: F811
    """No model is named: it takes the first that is listed."""
    settings = {"openai_base_url": real_model.base_url, "openai_model": None, "max_completion_tokens": 12}
    async with Inside(tmp_path, **settings) as server:
        yield server


async def test_a_server_answers_with_it_and_counts(server):
    talk = await server.talk()
    told = await talk.stream()
    assert told.end.name in ("thread.run.completed", "thread.run.incomplete")
    assert told.end.data["model"] == NAME
    assert 0 < told.end.data["usage"]["completion_tokens"] <= 12
    assert told.end.data["usage"]["prompt_tokens"] > 10
    assert told.text
    assert (await talk.messages())[1][2] == told.text
    assert (await server.http.get("/ready")).status_code == 200


async def test_a_stop_ends_its_work_at_once(server, real_model):  # noqa: F811
    made = await server.http.post("/v1/assistants", json={"model": "auto"})
    talk = await server.talk()
    body = {"content": "Count from 1 to 1000.", "threadId": talk.thread_id, "assistantId": made.json()["id"]}
    run_id = (await server.http.post("/chat", json=body)).headers["x-run-id"]
    await asyncio.to_thread(real_model.wait_until_busy, within_s=20)
    await talk.stop()
    await asyncio.to_thread(real_model.wait_until_idle, within_s=4)
    assert (await talk.follow(run_id))[-1].name == "thread.run.cancelled"


async def test_a_configured_name_that_it_does_not_know_is_answered_all_the_same(model):
    """llama.cpp's server with one model does not look at the name."""
    request = ModelRequest("no-such-model", QUESTION, temperature=0, max_completion_tokens=4)
    facts = [fact async for batch in model.stream(request) for fact in batch]
    assert facts[-1] == Finish("length")
