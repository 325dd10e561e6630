"""The SDK's own helpers, sync and async: event handlers, streams that continue after tool outputs, pollers; and resuming."""

import asyncio
import time
from typing import Any

import httpx
import openai
from openai import AssistantEventHandler, AsyncAssistantEventHandler
from openai.types.beta import Assistant
from typing_extensions import override

from tests.server_process import ServerProcess
from tests.wire.v1.asking import answer, ask, outputs, stream
from tests.wire.v1.surface import sse_events

SCRIPT = 'say "Let me look."\ncall get_weather {"city": "Paris"}\ncall get_weather {"city": "Rome"}\nsay "It is $1 and $2."'


class Handler(AssistantEventHandler):
    """What was called, in its order, and what came together."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.text = ""
        self.arguments: list[str] = []

    @override
    def on_run_step_created(self, run_step: Any) -> None:
        self.calls.append(f"step created {run_step.type}")

    @override
    def on_run_step_done(self, run_step: Any) -> None:
        self.calls.append(f"step done {run_step.status}")

    @override
    def on_message_created(self, message: Any) -> None:
        self.calls.append("message created")

    @override
    def on_message_done(self, message: Any) -> None:
        self.calls.append("message done")

    @override
    def on_text_created(self, text: Any) -> None:
        self.calls.append("text created")

    @override
    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text += delta.value
        assert snapshot.value.endswith(delta.value)

    @override
    def on_text_done(self, text: Any) -> None:
        self.calls.append(f"text done {text.value}")

    @override
    def on_tool_call_created(self, tool_call: Any) -> None:
        self.calls.append("tool call created")

    @override
    def on_tool_call_done(self, tool_call: Any) -> None:
        self.calls.append("tool call done")
        self.arguments.append(tool_call.function.arguments)

    @override
    def on_end(self) -> None:
        self.calls.append("end")


def test_an_event_handler_is_called_for_everything(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, SCRIPT)
    runs = client.beta.threads.runs
    with runs.stream(thread_id=thread.id, assistant_id=assistant.id, event_handler=Handler()) as asked:
        asked.until_done()
    waiting = asked.get_final_run()
    assert waiting.status == "requires_action"
    assert asked.calls == [
        "step created message_creation", "message created", "text created", "text done Let me look.", "message done",
        "step done completed", "step created tool_calls", "tool call created", "tool call done", "tool call created",
        "tool call done", "end",
    ]  # fmt: skip
    assert asked.text == "Let me look."
    assert asked.arguments == ['{"city": "Paris"}', '{"city": "Rome"}']
    given = outputs(waiting, "rain", "sun")
    with runs.submit_tool_outputs_stream(
        thread_id=thread.id, run_id=waiting.id, tool_outputs=given, event_handler=Handler()
    ) as answered:
        answered.until_done()
    assert answered.get_final_run().status == "completed"
    assert answered.get_final_messages()[0].content[0].text.value == answered.text == "It is rain and sun."
    assert answered.calls == [
        "step done completed", "step created message_creation", "message created", "text created",
        "text done It is rain and sun.", "message done", "step done completed", "end",
    ]  # fmt: skip


class AsyncHandler(AsyncAssistantEventHandler):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.ended = False

    @override
    async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text += delta.value

    @override
    async def on_end(self) -> None:
        self.ended = True


async def test_the_async_client_does_all_of_it_too(aclient: openai.AsyncOpenAI, assistant: Assistant):
    threads = aclient.beta.threads
    thread = {"messages": [{"role": "user", "content": SCRIPT}]}
    async with threads.create_and_run_stream(assistant_id=assistant.id, thread=thread, event_handler=AsyncHandler()) as asked:
        await asked.until_done()
    waiting = await asked.get_final_run()
    given = outputs(waiting, "rain", "sun")
    async with threads.runs.submit_tool_outputs_stream(
        thread_id=waiting.thread_id, run_id=waiting.id, tool_outputs=given, event_handler=AsyncHandler()
    ) as answered:
        await answered.until_done()
    assert (asked.text, asked.ended, answered.text, answered.ended) == ("Let me look.", True, "It is rain and sun.", True)
    ended = await threads.runs.retrieve(waiting.id, thread_id=waiting.thread_id)
    assert ended.status == "completed"
    steps = [step async for step in threads.runs.steps.list(ended.id, thread_id=ended.thread_id)]
    assert len(steps) == 3


async def test_many_runs_at_once(aclient: openai.AsyncOpenAI, assistant: Assistant):
    async def one(number: int) -> str:
        thread = {"messages": [{"role": "user", "content": f"Number {number}."}]}
        run = await aclient.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=thread)
        [message] = [m async for m in aclient.beta.threads.messages.list(run.thread_id, run_id=run.id)]
        return message.content[0].text.value

    assert await asyncio.gather(*map(one, range(20))) == [f"Number {number}." for number in range(20)]


async def test_two_runs_at_once_on_one_thread_are_one(aclient: openai.AsyncOpenAI, assistant: Assistant):
    for _ in range(20):
        thread = await aclient.beta.threads.create(messages=[{"role": "user", "content": "call get_weather {}"}])
        starts = [aclient.beta.threads.runs.create(thread.id, assistant_id=assistant.id) for _ in range(4)]
        made = await asyncio.gather(*starts, return_exceptions=True)
        refusals = [one for one in made if isinstance(one, openai.BadRequestError)]
        assert len(refusals) == 3
        [run] = [one for one in made if not isinstance(one, BaseException)]
        assert {one.body["message"] for one in refusals} == {f"Thread {thread.id} already has an active run {run.id}."}
        assert [one.id async for one in aclient.beta.threads.runs.list(thread.id)] == [run.id]


def test_a_poller_waits_as_briefly_as_it_is_told(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, 'wait 150\nsay "Done"')
    began = time.monotonic()
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "completed"
    assert time.monotonic() - began < 0.9, "without the header the SDK waits for a second"
    raw = client.beta.threads.runs.with_raw_response.retrieve(run.id, thread_id=thread.id)
    assert raw.headers["openai-poll-after-ms"] == "100"


def test_outputs_are_submitted_and_polled(client: openai.OpenAI, assistant: Assistant):
    waiting = stream(client, assistant, SCRIPT)[-1].data
    ended = client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=waiting.id, thread_id=waiting.thread_id, tool_outputs=outputs(waiting, "a", "b")
    )
    assert answer(client, ended) == "It is a and b."


def test_a_stream_that_was_cut_is_resumed_by_its_number(server: ServerProcess, client: openai.OpenAI, assistant: Assistant):
    events = stream(client, assistant, "words 20")
    run = events[-1].data
    path = f"{server.base_url}/v1/threads/{run.thread_id}/runs/{run.id}"
    whole = httpx.get(path, params={"stream": "true"}).content
    numbered = sse_events(whole)
    assert [name for name, _, _ in numbered] == [*(event.event for event in events), "done"]
    for at in (0, 1, 7, len(numbered) - 2):
        number = numbered[at][2]
        rest = httpx.get(path, params={"stream": "true"}, headers={"Last-Event-ID": str(number)}).content
        assert sse_events(rest) == numbered[at + 1 :]
        assert httpx.get(path, params={"stream": "true", "starting_after": number}).content == rest
    assert httpx.get(path, params={"stream": "true"}, headers={"Last-Event-ID": "x"}).status_code == 400


def test_a_client_that_goes_away_does_not_end_the_run(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, "delay 5\nwords 40")
    runs = client.beta.threads.runs
    with runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True) as events:
        run = next(iter(events)).data
    ended = runs.poll(run.id, thread_id=thread.id)
    assert ended.status == "completed"
    assert len(answer(client, ended).split()) == 40


def test_openais_header_is_taken_and_not_asked_for(http: httpx.Client):
    for headers in ({}, {"OpenAI-Beta": "assistants=v2"}, {"Authorization": "Bearer anything"}, {"Authorization": "nonsense"}):
        assert http.get("/v1/assistants", headers=headers).status_code == 200


def test_the_chat_takes_over_from_a_run_of_the_api(client: openai.OpenAI, assistant: Assistant, http: httpx.Client):
    waiting = stream(client, assistant, "call get_weather {}")[-1].data
    http.post("/chat", json={"content": "Hello.", "threadId": waiting.thread_id}).raise_for_status()
    runs = client.beta.threads.runs
    assert runs.retrieve(waiting.id, thread_id=waiting.thread_id).status == "cancelled"


def test_messages_of_the_api_are_told_to_who_follows_the_thread(client: openai.OpenAI, assistant: Assistant, http: httpx.Client):
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "One."}])
    two = client.beta.threads.messages.create(thread.id, role="user", content="Two.")
    more = [{"role": "user", "content": "Three."}]
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, additional_messages=more)
    client.beta.threads.messages.delete(two.id, thread_id=thread.id)
    told: list[str] = []
    headers = {"Accept": "application/x-ndjson"}
    with http.stream("GET", f"/threads/{thread.id}/events?after=0", headers=headers) as events:
        for line in events.iter_lines():
            told += [line.split('"event":"')[1].split('"')[0]] if line else []
            if told[-1:] == ["thread.message.deleted"]:
                break
    assert told == [
        "thread.message.added", "thread.message.added", "thread.message.added", "thread.run.started", "thread.message.added",
        "thread.run.ended", "thread.message.deleted",
    ]  # fmt: skip
