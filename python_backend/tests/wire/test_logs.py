"""What a person reads at the terminal, and what a machine reads."""

import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess

CANARY = "canary-content-5c0ffee"


def use(server: ServerProcess) -> tuple[str, str]:
    """A thread with an answer and a refusal, and the run that answered."""
    with httpx.Client(base_url=server.base_url, timeout=30) as http:
        thread = http.post("/threads/create").json()["threadId"]
        answer = http.post("/chat/stream", json={"content": f"Tell me of {CANARY}.", "threadId": thread})
        assert http.post("/chat/stream", json={"content": f'fail key "{CANARY}"', "threadId": thread}).status_code == 401
        http.post(f"/threads/{thread}/title", json={"message": CANARY})
        http.put("/threads/history", json={"threadId": thread, "newName": CANARY})
    return thread, answer.headers["x-run-id"]


def test_a_person_sees_the_guides_lines_in_its_order(tmp_path):
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted") as server:
        thread, run = use(server)
        server.line(f"Run {run}: completed", within_s=5)
    lines = [line.partition(" ")[2] for line in server.log.splitlines()]
    begin = lines.index(f"📨 Received message for thread: {thread}")
    assert lines[begin : begin + 5] == [
        f"📨 Received message for thread: {thread}",
        f"Checking for active runs on thread: {thread}",
        "✅ Message added to thread successfully",
        f"✅ Created new conversation in the embedded store: {thread}",
        f"Starting streaming run for thread: {thread}",
    ]
    assert sum(line.startswith("⚠️ Run run_") for line in lines) == 1
    assert lines.count(f"✅ Created new conversation in the embedded store: {thread}") == 1


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_a_machine_reads_one_object_a_line(tmp_path, level):
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted", LOG_FORMAT="json", LOG_LEVEL=level) as server:
        thread, run = use(server)
        server.line(f"Run {run}: completed", within_s=5)
    lines: list[dict[str, Any]] = [json.loads(line) for line in server.log.splitlines()]
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys()
        assert datetime.fromisoformat(line["time"]).utcoffset() is not None
        assert not line.keys() - {"time", "level", "logger", "message", "thread", "run", "duration_s"}
    [ended] = [line for line in lines if line["message"] == f"Run {run}: completed"]
    assert (ended["thread"], ended["run"]) == (thread, run)
    assert 0 <= ended["duration_s"] < 30
    about_the_thread = [line for line in lines if line["logger"] == "underpin.api"]
    assert len(about_the_thread) >= 5
    assert {line.get("thread") for line in about_the_thread if "title" not in line["message"].lower()} == {thread}
    [failed] = [line for line in lines if line["level"] == "WARNING" and "Run run_" in line["message"]]
    assert failed["thread"] == thread
    assert failed["run"].startswith("run_")


def test_neither_content_nor_names_are_logged(tmp_path):
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted", LOG_LEVEL="DEBUG") as server:
        use(server)
    assert f"of {CANARY}" not in server.log
    # The model's own complaint is told to the operator; everything else that held the word is silent.
    assert all(line.partition(" ")[2].startswith("⚠️ Run run_") for line in server.log.splitlines() if CANARY in line)
