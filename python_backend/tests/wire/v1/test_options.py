"""The options of a run act: what the model's server is asked is what the program set."""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from tests.faults.upstream import Chat, Upstream, call
from tests.server_process import ServerProcess
from tests.wire.v1.clients import async_client
from tests.wire.v1.conftest import WEATHER
from tests.wire.v1.surface import Surface

FORMAT = {"type": "json_schema", "json_schema": {"name": "soil", "schema": {"type": "object"}, "strict": True}}


class House:
    """A server, the model's server behind it, an assistant, and a thread with one message."""

    def __init__(self, upstream: Upstream, client: openai.AsyncOpenAI) -> None:
        self.upstream = upstream
        self.beta = client.beta

    async def thread(self, *texts: str) -> str:
        messages = [{"role": "user", "content": text} for text in texts]
        return (await self.beta.threads.create(messages=messages)).id

    async def asked(self, thread_id: str, **options: Any) -> dict[str, Any]:
        """What the model's server is asked by a run with these options."""
        before = len(self.upstream.asked)
        assistant = options.pop("assistant_id", None) or (await self.assistant()).id
        run = await self.beta.threads.runs.create_and_poll(thread_id=thread_id, assistant_id=assistant, **options)
        assert run.status == "completed", run.last_error
        assert len(self.upstream.asked) == before + 1
        body: dict[str, Any] = self.upstream.asked[-1].json
        return body

    async def assistant(self, **fields: Any) -> Any:
        return await self.beta.assistants.create(**{"model": "m", "instructions": "Be brief.", **fields})


@pytest.fixture
async def house(tmp_path, surface: Surface) -> AsyncIterator[House]:
    async with Upstream() as upstream:
        with ServerProcess(tmp_path / "data", OPENAI_BASE_URL=upstream.base_url, OPENAI_MODEL="m") as server:
            async with async_client(server.base_url, surface) as client:
                yield House(upstream, client)


async def test_every_option_reaches_the_model(house: House):
    thread = await house.thread("What is clay?")
    plain = await house.asked(thread)
    assert plain["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is clay?"}]
    assert set(plain) == {"model", "messages", "stream", "stream_options"}, "nothing is sent that nobody set"
    asked = await house.asked(
        thread, model="other", instructions="Be long.", tools=[WEATHER], tool_choice="none", parallel_tool_calls=False,
        temperature=0.2, top_p=0.5, response_format=FORMAT, reasoning_effort="low", max_completion_tokens=300,
        max_prompt_tokens=5000,
    )  # fmt: skip
    system, *others = asked.pop("messages")
    assert system == {"role": "system", "content": "Be long."}
    assert [one["role"] for one in others] == ["user", "assistant"]
    assert asked == {
        "model": "m", "stream": True, "stream_options": {"include_usage": True}, "tools": [WEATHER], "tool_choice": "none",
        "parallel_tool_calls": False, "temperature": 0.2, "top_p": 0.5, "response_format": FORMAT, "reasoning_effort": "low",
        "max_completion_tokens": 300,
    }  # fmt: skip


async def test_the_assistants_settings_hold_where_the_run_sets_none(house: House):
    assistant = await house.assistant(
        temperature=0.3, top_p=0.6, response_format={"type": "json_object"}, tools=[WEATHER], reasoning_effort="high"
    )
    asked = await house.asked(await house.thread("Hello."), assistant_id=assistant.id)
    assert (asked["temperature"], asked["top_p"], asked["response_format"]) == (0.3, 0.6, {"type": "json_object"})
    assert (asked["tools"], asked["reasoning_effort"]) == ([WEATHER], "high")


async def test_additional_instructions_and_messages_are_added(house: House):
    thread = await house.thread("What is clay?")
    more = [{"role": "assistant", "content": "A soil."}, {"role": "user", "content": "And silt?", "metadata": {"a": "b"}}]
    asked = await house.asked(thread, additional_instructions="Name the unit.", additional_messages=more)
    assert [(one["role"], one["content"]) for one in asked["messages"]] == [
        ("system", "Be brief.\n\nName the unit."), ("user", "What is clay?"), ("assistant", "A soil."), ("user", "And silt?"),
    ]  # fmt: skip
    kept = [message async for message in house.beta.threads.messages.list(thread, order="asc")]
    assert [message.role for message in kept] == ["user", "assistant", "user", "assistant"]
    assert kept[2].metadata == {"a": "b"}
    assert (kept[2].run_id, kept[3].run_id is None) == (None, False)


async def test_last_messages_cut_the_thread(house: House):
    thread = await house.thread("One.", "Two.", "Three.")
    asked = await house.asked(thread, truncation_strategy={"type": "last_messages", "last_messages": 2})
    assert [one["content"] for one in asked["messages"]] == ["Be brief.", "Two.", "Three."]


async def test_auto_drops_what_does_not_fit(house: House):
    thread = await house.thread(*(f"{number:<400}" for number in range(8)))
    asked = await house.asked(thread, max_prompt_tokens=400)
    assert [int(one["content"]) for one in asked["messages"][1:]] == [0, 6, 7]


async def test_a_prompt_that_cannot_fit_ends_incomplete(house: House):
    thread = await house.thread("x" * 5000)
    assistant = await house.assistant()
    run = await house.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant.id, max_prompt_tokens=256)
    assert (run.status, run.incomplete_details.reason) == ("incomplete", "max_prompt_tokens")
    assert house.upstream.asked == []


async def test_tokens_are_counted_over_the_whole_run(house: House):
    assistant = await house.assistant(tools=[WEATHER])
    thread = await house.thread("Weather?")
    asking = Chat(call(0, "get_weather", "{}", "call_1"), finish="tool_calls", usage=(50, 200))
    house.upstream.behave(asking, asking)
    runs = house.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread, assistant_id=assistant.id, max_completion_tokens=300)
    given = [{"tool_call_id": "call_1", "output": "rain"}]
    run = await runs.submit_tool_outputs_and_poll(run_id=run.id, thread_id=thread, tool_outputs=given)
    assert [asked.json["max_completion_tokens"] for asked in house.upstream.asked] == [300, 100]
    run = await runs.submit_tool_outputs_and_poll(run_id=run.id, thread_id=thread, tool_outputs=given)
    assert (run.status, run.incomplete_details.reason) == ("incomplete", "max_completion_tokens")
    assert run.usage.to_dict() == {"prompt_tokens": 100, "completion_tokens": 400, "total_tokens": 500}
    assert len(house.upstream.asked) == 2


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
async def test_a_forced_tool_is_forced_once(house: House, choice: Any):
    assistant = await house.assistant(tools=[WEATHER])
    thread = await house.thread("Weather?")
    house.upstream.behave(Chat(call(0, "get_weather", "{}", "call_1"), finish="tool_calls"), Chat("Rain."))
    runs = house.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread, assistant_id=assistant.id, tool_choice=choice)
    assert run.to_dict()["tool_choice"] == choice
    given = [{"tool_call_id": "call_1", "output": "rain"}]
    run = await runs.submit_tool_outputs_and_poll(run_id=run.id, thread_id=thread, tool_outputs=given)
    assert run.status == "completed"
    first, second = (asked.json for asked in house.upstream.asked)
    assert first["tool_choice"] == choice
    assert "tool_choice" not in second
    assert second["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "rain"}


async def test_the_model_sees_images(house: House):
    parts = [
        {"type": "text", "text": "Which soil?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/soil.png", "detail": "high"}},
    ]
    thread = (await house.beta.threads.create(messages=[{"role": "user", "content": parts}])).id
    [message] = [one async for one in house.beta.threads.messages.list(thread)]
    assert message.content[1].to_dict() == parts[1]
    asked = await house.asked(thread)
    assert asked["messages"][1]["content"][1]["image_url"]["url"] == "https://example.com/soil.png"
