"""The official SDK for Node, of two major versions, with nothing changed but its base URL."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import run_node

pytestmark = [pytest.mark.usefixtures("node"), pytest.mark.parametrize("sdk", ["openai-6", "openai-7"])]

SCRIPT = 'say "Let me look."\ncall get_weather {"city": "Zürich 🏔"}\ncall get_weather {"city": "Rome"}\nsay "It is $1 and $2."'


@pytest.fixture
def program(server: ServerProcess, sdk: str) -> Callable[..., Any]:
    """What the program saw that does this with the SDK."""

    def run(do: str, **job: Any) -> Any:
        return run_node("v1.mjs", {"sdk": sdk, "baseUrl": server.base_url, "do": do, **job})

    return run


def test_streams_go_on_after_tool_outputs(program: Callable[..., Any]):
    asked, answered = program("streams", script=SCRIPT, texts=["snow", "sun"])
    assert (asked["error"], answered["error"]) == (None, None)
    assert asked["events"][-1] == "thread.run.requires_action"
    assert [call["arguments"] for call in asked["toolCalls"]] == ['{"city": "Zürich 🏔"}', '{"city": "Rome"}']
    assert asked["text"] == "Let me look."
    assert answered["events"][:3] == ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"]
    assert answered["text"] == "It is snow and sun."
    assert answered["run"]["status"] == "completed"
    assert answered["messages"][0]["content"][0]["text"]["value"] == "It is snow and sun."


def test_a_search_is_seen_with_its_citations(program: Callable[..., Any]):
    script = 'call file_search {"query": "liquid limit of clay"}\nsay "粘土 🪨 is soft 【0:0】, not 【8:8†x】 hard [0:1†source]."'
    documents = {"clay.md": "The liquid limit of the clay is 58 %.", "sand.md": "The sand has no liquid limit."}
    include = ["step_details.tool_calls[*].file_search.results[*].content"]
    did = program("searches", script=script, include=include, documents=documents)
    seen = did["seen"]
    assert seen["error"] is None
    assert [call["type"] for call in seen["toolCalls"]] == ["file_search"]
    [call] = did["steps"][0]["step_details"]["tool_calls"]
    results = call["file_search"]["results"]
    assert did["listed"] == did["steps"]
    assert all(result["content"][0]["text"] for result in results)
    [accumulated] = seen["accumulated"]
    [message] = seen["messages"]
    text = message["content"][0]["text"]
    markers = [f"【0:{rank}†{results[rank]['file_name']}】" for rank in (0, 1)]
    assert seen["text"] == text["value"] == f"粘土 🪨 is soft {markers[0]}, not hard {markers[1]}."
    assert [note["index"] for note in seen["annotations"]] == [0, 1]
    for rank, note in enumerate(text["annotations"]):
        assert text["value"][note["start_index"] : note["end_index"]] == note["text"] == markers[rank]
        assert note["file_citation"]["file_id"] == results[rank]["file_id"]
    kept = [{name: value for name, value in note.items() if name != "index"} for note in seen["annotations"]]
    assert kept == text["annotations"]
    assert accumulated["content"][0]["text"]["value"] == text["value"]


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("Hello.", "completed"),
        ('say "Half "\nfail broken', "failed"),
        ("fail key", "failed"),
        ('say "Cut"\nfinish length', "incomplete"),
    ],
)
def test_every_end_is_an_end_to_the_helper(program: Callable[..., Any], script: str, end: str):
    [seen] = program("streams", script=script)
    assert seen["error"] is None
    assert seen["run"]["status"] == end
    assert seen["calls"][-1] == "end"


def test_a_cancelled_stream_ends_with_what_was_said(program: Callable[..., Any]):
    did = program("cancels", script='say "One"\nhang')
    assert did["cancelled"]["status"] == "cancelling"
    assert did["seen"]["error"] is None
    assert did["seen"]["run"]["status"] == "cancelled"
    assert did["seen"]["messages"][0]["status"] == "incomplete"


def test_pollers_are_quick(program: Callable[..., Any]):
    did = program("polls", script=SCRIPT, texts=["snow", "sun"])
    assert did["run"]["status"] == "completed"
    assert did["text"] == "It is snow and sun."
    assert did["ms"] < 4000, "without the header the SDK waits for five seconds"


def test_a_thread_and_its_run_are_streamed(program: Callable[..., Any]):
    seen = program("createsThreadAndRun")
    assert seen["error"] is None
    assert seen["events"][:2] == ["thread.created", "thread.run.created"]
    assert seen["text"] == "Hello."


def test_lists_are_iterated(program: Callable[..., Any]):
    assert program("pages") == ["54321", "12345"]


def test_errors_are_the_sdks_classes(program: Callable[..., Any]):
    found = program("errors")
    thread, run = found["threadId"], found["runId"]

    def error(kind: str, status: int, message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
        told = {"class": kind, "status": status, "message": f"{status} {message}", "type": "invalid_request_error"}
        return {**told, "param": param, "code": code}

    busy = f"Thread {thread} already has an active run {run}."
    assert found["missing"] == error("NotFoundError", 404, "No thread found with id 'thread_000000000000000000000000'.")
    assert found["malformed"] == error(
        "BadRequestError", 400, "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.",
        "thread_id", "invalid_value",
    )  # fmt: skip
    assert found["busyRun"] == error("BadRequestError", 400, busy)
    text = f"Can't add messages to {thread} while a run {run} is active."
    assert found["busyMessage"] == error("BadRequestError", 400, text)
    assert found["invalid"]["code"] == "decimal_above_max_value"
    assert busy in found["busyStream"]["error"]


def test_every_resource_is_used(program: Callable[..., Any]):
    assert program("resources") == {
        "assistant": "Soil",
        "thread": {"c": "d"},
        "message": {"e": "f"},
        "run": {"g": "h"},
        "runs": 1,
        "step": ["message_creation", "completed"],
        "content": "Clay is a soil.",
        "file": True,
        "models": ["scripted", "extractive"],
        "deleted": [True, True, True],
    }
