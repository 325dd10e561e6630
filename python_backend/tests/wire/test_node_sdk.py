"""Front ends as they are: Node's fetch and npm `openai` read a running server. `guide` is the migration guide's call, `next` the
quickstart's own paths, whose POSTs come without a JSON content type."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import run_node

pytestmark = [
    pytest.mark.usefixtures("node"),
    pytest.mark.parametrize("sdk", ["openai-4", "openai-6"]),
    pytest.mark.parametrize("form", ["guide", "next"]),
]

Stored = Callable[[str], list[dict[str, Any]]]
RAN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
SAID = ["thread.run.step.created", "thread.run.step.in_progress", "thread.message.created", "thread.message.in_progress"]


@pytest.fixture
def chat(server: ServerProcess, thread: str, sdk: str, form: str) -> Callable[..., list[dict[str, Any]]]:
    """Send a message as the front end does; one entry for each stream that it read."""

    def send(content: str, **more: object) -> list[dict[str, Any]]:
        job = {"sdk": sdk, "form": form, "baseUrl": server.base_url, "threadId": thread, "content": content, **more}
        streams: list[dict[str, Any]] = run_node("chat.mjs", job)
        return streams

    return send


def without_deltas(events: list[str]) -> list[str]:
    return [event for at, event in enumerate(events) if not event.endswith(".delta") or events[at - 1] != event]


def accumulated_text(message: dict[str, Any]) -> dict[str, Any]:
    """The text that the SDK put together, in the form in which it is stored: deltas carry an `index` besides."""
    text = message["content"][0]["text"]
    kept = [{key: value for key, value in note.items() if key != "index"} for note in text["annotations"]]
    return {"value": text["value"], "annotations": kept}


def test_a_message_is_answered_word_by_word(chat, thread, stored: Stored):
    [seen] = chat("Clay 粘土 is a soil 🪨.")
    assert seen["error"] is None
    assert seen["contentType"].startswith("application/x-ndjson")
    assert without_deltas(seen["events"]) == [
        *RAN, *SAID, "thread.message.delta", "thread.message.completed", "thread.run.step.completed", "thread.run.completed",
    ]  # fmt: skip
    assert seen["events"].count("thread.message.delta") == 6
    assert seen["calls"].count("textCreated") == 1
    assert seen["calls"].count("textDelta") == 6
    assert seen["calls"][-1] == "end"
    question, answer = stored(thread)
    assert question["content"][0]["text"]["value"] == "Clay 粘土 is a soil 🪨."
    assert seen["text"] == "Clay 粘土 is a soil 🪨."
    assert seen["messages"] == [answer]
    assert accumulated_text(seen["accumulated"][0]) == answer["content"][0]["text"]
    assert seen["run"]["status"] == "completed"
    assert seen["run"]["usage"]["completion_tokens"] == 6


def test_citations_come_as_annotations(chat, thread, stored: Stored):
    [seen] = chat('say "土 is "\ncite file-soils "Clay is fine."\nsay " and "\ncite file-sands "Sand is coarse."\nsay "."')
    assert seen["error"] is None
    [_, answer] = stored(thread)
    text = answer["content"][0]["text"]
    assert [note["file_citation"] for note in text["annotations"]] == [
        {"file_id": "file-soils", "quote": "Clay is fine."},
        {"file_id": "file-sands", "quote": "Sand is coarse."},
    ]
    for note in text["annotations"]:
        assert text["value"][note["start_index"] : note["end_index"]] == note["text"]
    assert [note["index"] for note in seen["annotations"]] == [0, 1]
    assert accumulated_text(seen["accumulated"][0]) == text
    assert seen["messages"] == [answer]


@pytest.mark.usefixtures("functions")
def test_tools_are_called_and_their_outputs_answered(chat, thread, stored: Stored):
    script = 'call get_weather {"location": "Zürich 🏔"}\ncall get_time {"zone": "CET"}\nsay "It is $1 at $2."'
    asked, answered = chat(script, outputs=[["sunny ☀️", "noon"]])
    assert asked["error"] is None
    assert asked["events"][-1] == "thread.run.requires_action"
    assert asked["run"]["status"] == "requires_action"
    assert [(call["name"], json.loads(call["arguments"])) for call in asked["toolCalls"]] == [
        ("get_weather", {"location": "Zürich 🏔"}),
        ("get_time", {"zone": "CET"}),
    ]
    assert asked["calls"].count("toolCallCreated") == 2
    assert asked["calls"].count("toolCallDelta") > 2
    assert asked["calls"].count("toolCallDone") == 2
    assert answered["error"] is None
    assert answered["events"][:3] == ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"]
    assert answered["events"][-1] == "thread.run.completed"
    assert answered["text"] == "It is sunny ☀️ at noon."
    assert answered["messages"] == stored(thread)[1:]
    assert answered["run"]["id"] == asked["run"]["id"]


@pytest.mark.usefixtures("functions")
def test_several_rounds_of_tools_and_words_between_them(chat, thread, stored: Stored):
    script = (
        'say "Let me look."\ncall first {}\ncall second {}\ncall third {"n": 3}\nsay "Once more."\ncall last {}\nsay "Found: $4"'
    )
    streams = chat(script, outputs=[["a", "b", "c"], ["d"]])
    assert [seen["error"] for seen in streams] == [None, None, None]
    assert [seen["run"]["status"] for seen in streams] == ["requires_action", "requires_action", "completed"]
    assert [seen["text"] for seen in streams] == ["Let me look.", "Once more.", "Found: d"]
    assert [message for seen in streams for message in seen["messages"]] == stored(thread)[1:]
    assert streams[0]["calls"].count("toolCallCreated") == 3
    assert streams[0]["calls"].index("messageDone") < streams[0]["calls"].index("toolCallCreated")


@pytest.mark.usefixtures("functions")
def test_a_function_that_returned_nothing_has_an_empty_output(chat):
    # A front end's handler may return undefined for a name that it does not know: JSON.stringify leaves the field out.
    _, answered = chat('call unknown {}\nsay "<$1>"', outputs=[[None]])
    assert answered["status"] == 200, answered
    assert answered["text"] == "<>"


def test_a_failure_in_the_middle_is_an_event_that_tells_why(chat, thread, stored: Stored):
    [seen] = chat('say "Half of it "\nfail broken "The model\'s server went away."')
    assert seen["error"] is None, "the SDK reads a failed run without an exception"
    assert without_deltas(seen["events"])[-3:] == ["thread.message.incomplete", "thread.run.step.failed", "thread.run.failed"]
    assert seen["run"]["last_error"] == {"code": "server_error", "message": "The model's server went away."}
    [_, kept] = stored(thread)
    assert kept["status"] == "incomplete"
    assert kept["incomplete_details"] == {"reason": "run_failed"}
    assert kept["content"][0]["text"]["value"] == "Half of it "
    assert seen["messages"] == [kept]


def test_a_failure_before_the_first_word_is_an_http_status(chat, thread, stored: Stored):
    [seen] = chat("fail key")
    text = "Invalid API key. Please check your OPENAI_API_KEY in the .env file."
    assert seen["status"] == 401
    assert seen["body"] == {"detail": text, "error": text}
    assert seen["runId"].startswith("run_")
    assert [message["role"] for message in stored(thread)] == ["user"], "the message stays"


def test_stop_keeps_what_was_said(chat, thread, stored: Stored):
    [seen] = chat("delay 5\nwords 5000", stopAfterText=7)
    assert seen["error"] is None
    assert seen["events"][-4:] == [
        "thread.run.cancelling", "thread.message.incomplete", "thread.run.step.cancelled", "thread.run.cancelled",
    ]  # fmt: skip
    assert seen["stopped"] == {"success": True, "threadId": thread, "runId": seen["run"]["id"], "status": "cancelled"}
    [_, kept] = stored(thread)
    assert kept["status"] == "incomplete"
    assert kept["incomplete_details"] == {"reason": "run_cancelled"}
    assert kept["content"][0]["text"]["value"] == seen["text"]
    assert seen["text"].startswith("word1 word2 word3 word4 word5 word6 word7")
    assert seen["messages"] == [kept]


def test_an_answer_that_grew_too_long_ends_incomplete(chat, thread, stored: Stored, sdk: str):
    [seen] = chat('say "Cut off here"\nfinish length')
    assert seen["text"] == "Cut off here"
    assert seen["events"][-1] == "thread.run.incomplete"
    [_, kept] = stored(thread)
    assert seen["messages"] == [kept]
    assert kept["incomplete_details"] == {"reason": "max_tokens"}
    if sdk == "openai-4":  # it knows the event and not that it is an end, as it was with OpenAI's own server
        assert seen["error"] == "Error: Final run has not been received"
    else:
        assert seen["error"] is None
        assert seen["run"]["incomplete_details"] == {"reason": "max_completion_tokens"}


def test_an_answer_without_a_word_ends_too(chat):
    [seen] = chat("usage 3 0")
    assert seen["error"] is None
    assert seen["run"]["status"] == "completed"


def test_a_second_message_takes_over_from_an_answer_that_hangs(chat, thread, http: httpx.Client):
    with http.stream("POST", "/chat/stream", json={"content": 'say "One "\nhang', "threadId": thread}) as first:
        lines = first.iter_lines()
        next(lines)
        [seen] = chat('say "Two."')
        assert "thread.run.cancelled" in "".join(lines)
    assert seen["error"] is None
    assert seen["text"] == "Two."
