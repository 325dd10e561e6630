"""The client against a real model's server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from tests.wire.real_model import NAME, RealModel, real_model  # noqa: F401
from underpin.models.base import ChatMessage, Finish, FunctionSpec, ModelRequest, TextDelta, UsageFact
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


async def test_tools_are_understood_whether_or_not_it_calls_one(model):
    tool = FunctionSpec("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
    request = ModelRequest(NAME, QUESTION, tools=(tool,), tool_choice="auto", temperature=0, max_completion_tokens=8)
    facts = [fact async for batch in model.stream(request) for fact in batch]
    assert isinstance(facts[-1], Finish)


async def test_the_catalog_finds_its_model(model):
    models = Catalog(model, embedded={})
    assert (await models.choose("auto")).name == NAME
    assert (await models.choose("gpt-4o")).name == NAME
    assert await models.check() is None
