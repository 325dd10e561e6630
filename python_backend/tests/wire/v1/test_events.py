"""The order of events of every kind of run, as the protocol page has it (§5). What each event holds is checked by the client."""

import time

import openai
import pytest
from openai.types.beta import Assistant

from tests.server_process import ServerProcess
from tests.wire.v1.asking import ask, names, outputs, stream
from tests.wire.v1.clients import sync_client
from tests.wire.v1.surface import Surface

BEGUN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
SAYING = ["thread.run.step.created", "thread.run.step.in_progress", "thread.message.created", "thread.message.in_progress"]
SAID = [*SAYING, "thread.message.delta", "thread.message.completed", "thread.run.step.completed"]
CALLED = ["thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta"]


def test_an_answer(client: openai.OpenAI, assistant: Assistant):
    events = stream(client, assistant, "Clay is a soil.")
    assert names(events) == [*BEGUN, *SAID, "thread.run.completed"]
    created, completed = events[0].data, events[-1].data
    assert (created.status, created.usage, created.started_at) == ("queued", None, None)
    assert created.expires_at == created.created_at + 600
    assert completed.status == "completed"
    assert completed.expires_at is None
    assert completed.completed_at >= completed.started_at >= completed.created_at
    assert completed.usage.total_tokens == completed.usage.prompt_tokens + completed.usage.completion_tokens > 0


def test_the_first_delta_alone_has_annotations(client: openai.OpenAI, assistant: Assistant):
    deltas = [e.data.delta for e in stream(client, assistant, "One two three.") if e.event == "thread.message.delta"]
    first, *others = [delta.to_dict() for delta in deltas]
    assert first == {"content": [{"index": 0, "type": "text", "text": {"value": "One", "annotations": []}}]}
    assert others[0] == {"content": [{"index": 0, "type": "text", "text": {"value": " two"}}]}


def test_a_thread_made_with_its_run(client: openai.OpenAI, assistant: Assistant):
    thread = {"messages": [{"role": "user", "content": "Hello."}], "metadata": {"a": "b"}}
    events = list(client.beta.threads.create_and_run(assistant_id=assistant.id, thread=thread, stream=True))
    assert names(events) == ["thread.created", *BEGUN, *SAID, "thread.run.completed"]
    assert events[0].data.metadata == {"a": "b"}
    assert events[1].data.thread_id == events[0].data.id


def test_tools_that_the_client_runs(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, 'call get_weather {"city": "Paris"}\nsay "It is $1."')
    runs = client.beta.threads.runs
    events = list(runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True))
    assert names(events) == [*BEGUN, *CALLED, "thread.run.requires_action"]
    waiting = events[-1].data
    assert waiting.usage is None
    steps = client.beta.threads.runs.steps.list(waiting.id, thread_id=thread.id).data
    assert [step.status for step in steps] == ["in_progress"]
    events = list(runs.submit_tool_outputs(waiting.id, thread_id=thread.id, tool_outputs=outputs(waiting, "rain"), stream=True))
    after = ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress", *SAID, "thread.run.completed"]
    assert names(events) == after
    [call] = events[0].data.step_details.tool_calls
    assert (call.function.arguments, call.function.output) == ('{"city": "Paris"}', "rain")
    assert events[0].data.usage.total_tokens > 0


def test_step_deltas_tell_parallel_calls_apart_by_index(client: openai.OpenAI, assistant: Assistant):
    script = 'call get_weather {"city": "Paris"}\ncall get_weather {"city": "Rome"}'
    events = stream(client, assistant, script)
    deltas = [e.data.delta.step_details.tool_calls[0] for e in events if e.event == "thread.run.step.delta"]
    first = deltas[0].to_dict()
    assert first == {
        "index": 0, "id": first["id"], "type": "function",
        "function": {"name": "get_weather", "arguments": "", "output": None},
    }  # fmt: skip
    assert deltas[1].to_dict() == {"index": 0, "type": "function", "function": {"arguments": '{"city":'[:8]}}
    assert [call.index for call in deltas] == sorted(call.index for call in deltas)
    arguments = {at: "".join(call.function.arguments for call in deltas if call.index == at) for at in (0, 1)}
    assert arguments == {0: '{"city": "Paris"}', 1: '{"city": "Rome"}'}
    calls = events[-1].data.required_action.submit_tool_outputs.tool_calls
    assert [call.function.arguments for call in calls] == list(arguments.values())
    assert len({call.id for call in calls}) == 2


def test_words_before_a_call_are_a_message_of_their_own(client: openai.OpenAI, assistant: Assistant):
    events = stream(client, assistant, 'say "Let me look."\ncall get_weather {}')
    assert names(events) == [*BEGUN, *SAID, *CALLED, "thread.run.requires_action"]


def test_a_cancelled_answer(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, 'say "One"\nhang')
    runs = client.beta.threads.runs
    events = []
    for event in runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True):
        events.append(event)
        if event.event == "thread.message.delta":
            assert runs.cancel(events[0].data.id, thread_id=thread.id).status == "cancelling"
    ended = ["thread.run.cancelling", "thread.message.incomplete", "thread.run.step.cancelled", "thread.run.cancelled"]
    assert names(events) == [*BEGUN, *SAYING, "thread.message.delta", *ended]
    assert events[-3].data.incomplete_details.reason == "run_cancelled"
    assert events[-3].data.content[0].text.value == "One"
    assert events[-1].data.cancelled_at is not None
    assert events[-1].data.usage is not None


def test_a_run_that_waits_for_outputs_is_cancelled(client: openai.OpenAI, assistant: Assistant):
    run = stream(client, assistant, "call get_weather {}")[-1].data
    cancelled = client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)
    assert cancelled.status == "cancelling"
    ended = client.beta.threads.runs.poll(run.id, thread_id=run.thread_id)
    assert ended.status == "cancelled"
    assert ended.required_action is None
    [step] = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id).data
    assert step.status == "cancelled"


def test_a_failed_answer(client: openai.OpenAI, assistant: Assistant):
    events = stream(client, assistant, 'say "Half "\nfail rate_limited "Rate limit is exceeded."')
    ended = ["thread.message.incomplete", "thread.run.step.failed", "thread.run.failed"]
    assert names(events) == [*BEGUN, *SAYING, "thread.message.delta", *ended]
    assert events[-3].data.incomplete_details.reason == "run_failed"
    for event in events[-2:]:
        assert event.data.last_error.to_dict() == {"code": "rate_limit_exceeded", "message": "Rate limit is exceeded."}
    assert events[-1].data.failed_at is not None


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("key", "server_error"),
        ("unknown", "invalid_prompt"),
        ("rate_limited", "rate_limit_exceeded"),
        ("refused", "invalid_prompt"),
        ("unreachable", "server_error"),
        ("broken", "server_error"),
    ],
)
def test_a_model_that_says_nothing_fails_the_run_and_not_the_request(client, assistant: Assistant, kind: str, code: str):
    events = stream(client, assistant, f"fail {kind}")
    assert names(events) == [*BEGUN, "thread.run.failed"]
    assert events[-1].data.last_error.code == code


def test_a_failed_step_has_a_code_that_steps_may_have(client: openai.OpenAI, assistant: Assistant):
    events = stream(client, assistant, 'say "Half "\nfail refused')
    assert (events[-2].data.last_error.code, events[-1].data.last_error.code) == ("server_error", "invalid_prompt")


def test_an_answer_that_is_cut_off_by_the_model(client: openai.OpenAI, assistant: Assistant):
    events = stream(client, assistant, 'say "Cut off"\nfinish length')
    ended = ["thread.message.incomplete", "thread.run.step.completed", "thread.run.incomplete"]
    assert names(events) == [*BEGUN, *SAYING, "thread.message.delta", *ended]
    assert events[-3].data.incomplete_details.reason == "max_tokens"
    assert events[-1].data.incomplete_details.reason == "max_completion_tokens"
    assert events[-1].data.completed_at is None


@pytest.fixture(scope="module")
def hasty(tmp_path_factory, surface: Surface):
    """A client of a server whose runs expire after a second."""
    data = tmp_path_factory.mktemp("hasty") / "data"
    with (
        ServerProcess(data, OPENAI_MODEL="scripted", RUN_TIMEOUT_S=1, SWEEP_S=0.2) as server,
        sync_client(server.base_url, surface) as client,
    ):
        yield client


def test_an_answer_that_takes_too_long_expires(hasty: openai.OpenAI):
    assistant = hasty.beta.assistants.create(model="gpt-4o")
    events = stream(hasty, assistant, 'say "Slow "\nhang')
    ended = ["thread.message.incomplete", "thread.run.step.expired", "thread.run.expired"]
    assert names(events) == [*BEGUN, *SAYING, "thread.message.delta", *ended]
    assert events[-3].data.incomplete_details.reason == "run_expired"
    assert events[-2].data.expired_at is not None
    assert events[-1].data.last_error is None


@pytest.fixture
def unswept(tmp_path, surface: Surface):
    """A client of a server whose runs expire after a second, and that looks for expired ones much later."""
    with (
        ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted", RUN_TIMEOUT_S=1, SWEEP_S=600) as server,
        sync_client(server.base_url, surface) as client,
    ):
        yield client


def test_outputs_that_come_too_late_are_refused_before_the_sweep(unswept: openai.OpenAI):
    assistant = unswept.beta.assistants.create(model="gpt-4o", tools=[{"type": "function", "function": {"name": "f"}}])
    run = stream(unswept, assistant, "call f {}")[-1].data
    late, runs = outputs(run, "late"), unswept.beta.threads.runs
    deadline = time.monotonic() + 20
    while time.time() < run.expires_at + 1.1:  # it is in whole seconds
        assert runs.retrieve(run.id, thread_id=run.thread_id).status == "requires_action"
        assert time.monotonic() < deadline
    with pytest.raises(openai.BadRequestError) as refused:
        runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=late)
    assert refused.value.body["message"] == 'Runs in status "expired" do not accept tool outputs.'
    assert runs.retrieve(run.id, thread_id=run.thread_id).status == "expired"


def test_outputs_that_never_come_expire_the_run(hasty: openai.OpenAI):
    assistant = hasty.beta.assistants.create(model="gpt-4o", tools=[{"type": "function", "function": {"name": "f"}}])
    run = stream(hasty, assistant, "call f {}")[-1].data
    runs = hasty.beta.threads.runs
    deadline = time.monotonic() + 20
    while (status := runs.retrieve(run.id, thread_id=run.thread_id).status) != "expired":
        assert status == "requires_action"
        assert time.monotonic() < deadline
    late = outputs(run, "late")
    with pytest.raises(openai.BadRequestError) as refused:
        runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=late)
    assert refused.value.body["message"] == 'Runs in status "expired" do not accept tool outputs.'
    [step] = runs.steps.list(run.id, thread_id=run.thread_id).data
    assert step.status == "expired"
    hasty.beta.threads.messages.create(run.thread_id, role="user", content="The thread is free.")
