"""What a run says, in the order of the protocol, and what it leaves in the store."""

import msgspec
import pytest

from tests.unit.runs.house import House, data, names, shown
from underpin.objects.run import LastError, Run, RunIncomplete
from underpin.objects.run_step import FunctionToolCall, ToolCallsDetails
from underpin.objects.thread import Thread

BEGUN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
STEP_BEGUN = ["thread.run.step.created", "thread.run.step.in_progress"]
MESSAGE_BEGUN = [*STEP_BEGUN, "thread.message.created", "thread.message.in_progress", "thread.message.delta"]
MESSAGE = [*MESSAGE_BEGUN, "thread.message.completed", "thread.run.step.completed"]
CALLS = [*STEP_BEGUN, "thread.run.step.delta"]


async def told(house: House, script: str, **more: object) -> tuple[Thread, Run, list[str]]:
    thread = await house.thread()
    run = await house.answer(thread, script, **more)
    return thread, run, names(await house.events(run))


async def test_a_normal_run_in_the_order_of_the_protocol(house: House) -> None:
    thread, run, order = await told(house, "words 5\nusage 7 5")
    assert order == [*BEGUN, *MESSAGE, "thread.run.completed"]
    events = await house.events(run)
    created, queued, begun, ended = (
        data(events, f"thread.run.{name}")[0] for name in ("created", "queued", "in_progress", "completed")
    )
    assert [one["status"] for one in (created, queued, begun, ended)] == ["queued", "queued", "in_progress", "completed"]
    assert (created["started_at"], created["usage"], created["expires_at"]) == (None, None, run.created_at + 600)
    assert begun["started_at"] is not None
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    assert (ended["usage"], ended["expires_at"], ended["model"]) == (usage, None, "scripted")
    assert ended["completed_at"] is not None
    assert ended == run.wire() == (await house.run(run)).wire()
    step = data(events, "thread.run.step.completed")[0]
    assert (step["usage"], step["status"], step["type"]) == (usage, "completed", "message_creation")
    assert step == (await house.steps(run))[0].wire()
    message = (await house.messages(thread))[1]
    assert data(events, "thread.message.created")[0]["content"] == []
    assert data(events, "thread.message.completed") == [message.wire()]
    assert step["step_details"]["message_creation"]["message_id"] == message.id
    assert (message.run_id, message.assistant_id, message.text()) == (run.id, "asst_a", "word1 word2 word3 word4 word5")


async def test_only_the_first_delta_carries_annotations(house: House) -> None:
    _, run, _ = await told(house, 'say "Clay \\"is\\" 🪨\\n汉."')
    deltas = data(await house.events(run), "thread.message.delta")
    texts = [delta["delta"]["content"][0] for delta in deltas]
    assert texts[0] == {"index": 0, "type": "text", "text": {"value": "Clay", "annotations": []}}
    assert texts[1:] == [{"index": 0, "type": "text", "text": {"value": value}} for value in (' "is"', " 🪨", "\n汉.")]
    assert {(delta["id"], delta["object"]) for delta in deltas} == {(deltas[0]["id"], "thread.message.delta")}


async def test_parallel_calls_pause_the_run_with_their_step_open(house: House) -> None:
    thread, run, order = await told(house, 'call f {"city": "Paris"}\ncall g {}\nsay "It is $1 and $2."\nusage 3 4')
    assert order == [*BEGUN, *CALLS, "thread.run.requires_action"]
    events = await house.events(run)
    created = data(events, "thread.run.step.created")[0]
    assert (created["type"], created["step_details"]["tool_calls"]) == ("tool_calls", [])
    calls: dict[int, dict[str, str]] = {}
    for delta in data(events, "thread.run.step.delta"):
        assert (delta["id"], delta["object"]) == (created["id"], "thread.run.step.delta")
        (call,) = delta["delta"]["step_details"]["tool_calls"]
        if call["index"] not in calls:
            assert call["function"]["output"] is None
            assert call["function"]["arguments"] == ""
            calls[call["index"]] = {"id": call["id"], **call["function"]}
        else:
            assert set(call) == {"index", "type", "function"}
            calls[call["index"]]["arguments"] += call["function"]["arguments"]
    assert [(call["name"], call["arguments"]) for call in calls.values()] == [("f", '{"city": "Paris"}'), ("g", "{}")]
    assert run.status == "requires_action"
    assert run.required_action is not None
    required = run.required_action.submit_tool_outputs.tool_calls
    assert [(call.id, call.function.arguments) for call in required] == [(c["id"], c["arguments"]) for c in calls.values()]
    assert data(events, "thread.run.requires_action") == [run.wire()]
    step = (await house.steps(run))[0]
    assert (step.status, step.id) == ("in_progress", created["id"])
    assert await house.active(thread) == run.id
    assert len(await house.messages(thread)) == 1


async def test_outputs_go_on_without_a_second_created(house: House) -> None:
    thread, run, _ = await told(house, 'usage 3 4\ncall f {}\ncall g {}\nsay "It is $1 and $2."\nusage 5 6')
    assert run.required_action is not None
    ids = [call.id for call in run.required_action.submit_tool_outputs.tool_calls]
    going, after = await house.runner.submit(run, dict(zip(ids, ("cold", "wet"), strict=True)))
    assert going.status == "in_progress"
    ended = await house.over(run)
    events = await house.events(run, after)
    go_on = ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"]
    assert names(events) == [*go_on, *MESSAGE, "thread.run.completed"]
    step = data(events, "thread.run.step.completed")[0]
    outputs = [(call["id"], call["function"]["output"]) for call in step["step_details"]["tool_calls"]]
    assert outputs == list(zip(ids, ("cold", "wet"), strict=True))
    assert step["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    assert ended.usage is not None
    assert (ended.usage.prompt_tokens, ended.usage.completion_tokens, ended.required_action) == (8, 10, None)
    assert (await house.texts(thread))[1:] == [("assistant", "completed", "It is cold and wet.")]
    assert [one.status for one in await house.steps(run)] == ["completed", "completed"]
    whole = names(await house.events(run))
    assert whole == [*BEGUN, *CALLS, "thread.run.requires_action", *go_on, *MESSAGE, "thread.run.completed"]


async def test_text_before_a_call_is_a_message_of_its_own(house: House) -> None:
    thread, run, order = await told(house, 'say "Let me look."\ncall f {}\nsay "Found $1."')
    assert order == [*BEGUN, *MESSAGE, *CALLS, "thread.run.requires_action"]
    assert run.required_action is not None
    await house.runner.submit(run, {run.required_action.submit_tool_outputs.tool_calls[0].id: "it"})
    assert (await house.over(run)).status == "completed"
    assert [text for _, _, text in await house.texts(thread)][1:] == ["Let me look.", "Found it."]
    steps = await house.steps(run)
    assert [(step.type, step.status, step.seq) for step in steps] == [
        ("message_creation", "completed", 1),
        ("tool_calls", "completed", 2),
        ("message_creation", "completed", 3),
    ]
    assert isinstance(steps[1].step_details, ToolCallsDetails)
    assert isinstance(steps[1].step_details.tool_calls[0], FunctionToolCall)


async def test_a_cancelled_run_keeps_the_partial_answer(house: House) -> None:
    thread = await house.thread()
    run = await house.start(thread, "words 3\nhang")
    await house.said(run, 3)
    stopped = await house.runner.stop(run)
    assert (stopped.status, stopped.settled) == ("cancelled", True)
    assert stopped.cancelled_at is not None
    events = await house.events(run)
    end = ["thread.run.cancelling", "thread.message.incomplete", "thread.run.step.cancelled", "thread.run.cancelled"]
    assert names(events) == [*BEGUN, *MESSAGE_BEGUN, *end]
    assert data(events, "thread.run.cancelling")[0]["status"] == "cancelling"
    message = (await house.messages(thread))[1]
    assert message.incomplete_details is not None
    assert (message.text(), message.status, message.incomplete_details.reason) == (
        "word1 word2 word3",
        "incomplete",
        "run_cancelled",
    )
    assert (await house.steps(run))[0].status == "cancelled"
    assert await house.active(thread) is None


async def test_a_failed_run_tells_why_in_its_order(house: House) -> None:
    thread, run, order = await told(house, 'words 2\nfail rate_limited "Not now." 20')
    end = ["thread.message.incomplete", "thread.run.step.failed", "thread.run.failed"]
    assert order == [*BEGUN, *MESSAGE_BEGUN, *end]
    assert run.last_error == LastError(code="rate_limit_exceeded", message="Not now.")
    assert not run.refused
    assert (await house.steps(run))[0].last_error == run.last_error
    message = (await house.messages(thread))[1]
    assert message.incomplete_details is not None
    assert message.incomplete_details.reason == "run_failed"


async def test_a_refusal_is_a_failed_run_without_a_message(house: House) -> None:
    thread, run, order = await told(house, "fail key")
    assert order == [*BEGUN, "thread.run.failed"]
    assert (run.refused, len(await house.messages(thread)), await house.steps(run)) == (True, 1, [])


async def test_an_answer_that_was_cut_short_is_incomplete(house: House) -> None:
    thread = await house.thread()
    few = house.assistant.model_copy(update={"max_completion_tokens": 3})
    run = await house.answer(thread, "words 9", assistant=few)
    end = ["thread.message.incomplete", "thread.run.step.completed", "thread.run.incomplete"]
    assert names(await house.events(run)) == [*BEGUN, *MESSAGE_BEGUN, *end]
    assert (run.status, run.incomplete_details) == ("incomplete", RunIncomplete(reason="max_completion_tokens"))
    message = (await house.messages(thread))[1]
    assert message.incomplete_details is not None
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "max_tokens")


async def test_a_filtered_answer_is_a_failed_run(house: House) -> None:
    thread, _, order = await told(house, "words 2\nfinish content_filter")
    assert order == [*BEGUN, *MESSAGE_BEGUN, "thread.message.incomplete", "thread.run.step.completed", "thread.run.failed"]
    message = (await house.messages(thread))[1]
    assert message.incomplete_details is not None
    assert message.incomplete_details.reason == "content_filter"


async def test_citations_stand_in_deltas_and_in_the_message_by_code_points(house: House) -> None:
    thread, run, _ = await told(house, 'say "🪨 Clay"\ncite file-a "Clay is a soil."\nsay " and silt"\ncite file-b "Silt."')
    events = await house.events(run)
    message = (await house.messages(thread))[1]
    value = message.text()
    assert value == "🪨 Clay【1†source】 and silt【2†source】"
    kept = data(events, "thread.message.completed")[0]["content"][0]["text"]["annotations"]
    assert [value[one["start_index"] : one["end_index"]] for one in kept] == ["【1†source】", "【2†source】"]
    assert [one["file_citation"]["file_id"] for one in kept] == ["file-a", "file-b"]
    streamed = [
        annotation
        for delta in data(events, "thread.message.delta")
        for annotation in delta["delta"]["content"][0]["text"].get("annotations", [])
    ]
    assert [one.pop("index") for one in streamed] == [0, 1]
    assert streamed == kept
    assert shown(events) == {message.id: value}


async def test_every_line_is_the_envelope_of_its_name_and_data(house: House) -> None:
    _, run, _ = await told(house, 'say "a\\u2028b \\u0001 \\\\ \\" 🪨"\ncall f {"a": "\\"}"}')
    for event in await house.events(run):
        assert msgspec.json.decode(event.line) == {"event": event.name, "data": msgspec.json.decode(event.data)}
        assert b"\n" not in event.line


@pytest.mark.parametrize("script", ["words 200", "batch 7\nwords 200", "delay 1\nwords 30"])
async def test_what_is_streamed_is_what_is_kept(house: House, script: str) -> None:
    thread, run, _ = await told(house, script)
    events = await house.events(run)
    deltas = "".join(delta["delta"]["content"][0]["text"]["value"] for delta in data(events, "thread.message.delta"))
    assert deltas == (await house.messages(thread))[1].text()
    assert [event.number for event in events] == list(range(1, len(events) + 1))
