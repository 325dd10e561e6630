"""Runs of several turns: what goes back to the model's server of the calls that it made, however broken they were."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.faults.inside import Inside, Talk
from tests.faults.upstream import Chat, Upstream, call, chunk
from tests.unit.models.test_recordings import SIGNED, recorded

FUNCTION = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def talk(upstream: Upstream, tmp_path) -> AsyncIterator[Talk]:
    async with Inside(tmp_path, openai_base_url=upstream.base_url, openai_model="m") as server:
        yield await server.talk()


def played(name: str) -> Chat:
    return Chat(recorded(name), finish=None, usage=None, done=False)


async def ask_with_a_function(talk: Talk) -> tuple[str, list[dict[str, object]]]:
    """A message whose assistant has a function of the client's; the run's id and what it is to call."""
    made = await talk.http.post("/v1/assistants", json={"model": "auto", "tools": [FUNCTION]})
    body = {"content": "How is the weather?", "threadId": talk.thread_id, "assistantId": made.json()["id"]}
    response = await talk.http.post("/chat/stream", json=body)
    run_id = response.headers["x-run-id"]
    *_, waiting = await talk.follow(run_id)
    assert waiting.name == "thread.run.requires_action"
    return run_id, waiting.data["required_action"]["submit_tool_outputs"]["tool_calls"]


async def answer_calls(talk: Talk, run_id: str, *outputs: tuple[object, str]) -> str:
    """Hand in the outputs; how the run ends."""
    body = {"runId": run_id, "toolCallOutputs": [{"tool_call_id": of, "output": said} for of, said in outputs]}
    await talk.http.post(f"/threads/{talk.thread_id}/actions", json=body)
    return (await talk.follow(run_id))[-1].name


async def test_a_signed_call_goes_back_signed_within_a_run(talk, upstream):
    upstream.behave(played("gemini_tool_calls"), Chat("Clay and silt."))
    told = await talk.stream()
    assert (told.end.name, told.text) == ("thread.run.completed", "Clay and silt.")
    said, *outputs = upstream.asked[1].json["messages"][-3:]
    assert [call.get("extra_content") for call in said["tool_calls"]] == [SIGNED, None]
    assert [output["tool_call_id"] for output in outputs] == ["call_297140", "call_297141"]
    assert all("passages" in json.loads(output["content"]) for output in outputs)


async def test_a_signed_call_goes_back_signed_after_the_client_has_answered(talk, upstream):
    signed = call(None, "get_weather", "{}", "call_9")
    signed["choices"][0]["delta"]["tool_calls"][0]["extra_content"] = SIGNED
    upstream.behave(Chat(signed, finish="stop"), Chat("Sunny."))
    run_id, calls = await ask_with_a_function(talk)
    assert [call["id"] for call in calls] == ["call_9"]
    assert "extra" not in json.dumps(calls)
    assert await answer_calls(talk, run_id, ("call_9", "sun")) == "thread.run.completed"
    said, output = upstream.asked[1].json["messages"][-2:]
    assert said["tool_calls"][0]["extra_content"] == SIGNED
    assert output == {"role": "tool", "tool_call_id": "call_9", "content": "sun"}


async def test_broken_arguments_reach_the_client_as_they_are_and_go_back_as_none(talk, upstream):
    upstream.behave(Chat(call(0, "get_weather", '{"city": "Zür', "call_9"), finish="tool_calls"), Chat("No matter."))
    run_id, [asked] = await ask_with_a_function(talk)
    assert asked["function"] == {"name": "get_weather", "arguments": '{"city": "Zür'}
    assert await answer_calls(talk, run_id, ("call_9", "not understood")) == "thread.run.completed"
    assert upstream.asked[1].json["messages"][-2]["tool_calls"][0]["function"]["arguments"] == "{}"


async def test_calls_of_one_id_are_answered_each(talk, upstream):
    twice = [call(0, "file_search", '{"query": "clay"}', "same"), call(1, "file_search", '{"query": "silt"}', "same")]
    upstream.behave(Chat(*twice, finish="tool_calls"), Chat("Both."))
    assert (await talk.stream()).text == "Both."
    said, *outputs = upstream.asked[1].json["messages"][-3:]
    ids = [call["id"] for call in said["tool_calls"]]
    assert len(set(ids)) == 2
    assert [output["tool_call_id"] for output in outputs] == ids


async def test_a_model_that_calls_without_end_is_stopped_and_its_words_kept(talk, upstream):
    again = Chat(chunk({"content": "Again. "}), call(0, "file_search", '{"query": "clay"}', "c"), finish="tool_calls")
    upstream.behave(again)
    told = await talk.stream()
    assert told.end.name == "thread.run.failed"
    assert "asked for tools 24 times in a row" in told.end.data["last_error"]["message"]
    assert len(upstream.asked) == 24
    assert (await talk.messages())[1:] == [("assistant", "completed", "Again. ")] * 24
    upstream.behave(Chat("Free."))
    assert (await talk.stream()).text == "Free."
