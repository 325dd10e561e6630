"""What a person reads at the terminal, and what a machine reads."""

import json
import logging
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import parse_sse, text_of
from tests.wire.in_process import serving
from underpin.api.rooms import Rooms
from underpin.errors import StoreUnavailable
from underpin.store.base import Store

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


def test_the_lines_tell_what_happened_to_a_message(tmp_path):
    key = {"Idempotency-Key": "one"}
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted") as server, httpx.Client(base_url=server.base_url) as http:
        thread, refused, group = (http.post("/threads/create").json()["threadId"] for _ in range(3))
        bodies = {name: {"content": "Hello", "threadId": name} for name in (thread, refused, group)}
        [run] = {http.post("/chat/stream", json=bodies[thread], headers=key).headers["x-run-id"] for _ in range(3)}
        for _ in range(2):
            assert http.post("/chat/stream", json=bodies[refused] | {"content": "fail key"}, headers=key).status_code == 401
        http.post("/threads/history", json={"threadId": group, "isGroup": True}).raise_for_status()
        http.post("/chat", json=bodies[group] | {"content": "hang"}).raise_for_status()
        waiting = http.post("/chat", json=bodies[group]).json()["run_id"]
    lines = [line.partition(" ")[2] for line in server.log.splitlines()]
    assert lines.count("✅ Message added to thread successfully") == 3
    assert lines.count(f"This message came before, under the same Idempotency-Key: its run is {run}") == 2
    assert lines.count("Message is in the thread already, and is answered again") == 1
    assert lines.count(f"Message accepted: run {waiting} waits for its turn") == 1
    started = {name: lines.count(f"Starting streaming run for thread: {name}") for name in bodies}
    assert started == {thread: 1, refused: 2, group: 1}


class NoRuns:
    """A store that takes everything but runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def add(self, item: Any, *args: Any, **more: Any) -> Any:
        if item.kind == "runs":
            raise StoreUnavailable("Runs are away.")
        return await self._store.add(item, *args, **more)


class NoList:
    """Conversations that cannot be reached."""

    async def touch(self, *_: object) -> bool:
        raise StoreUnavailable("The list is away.")


async def test_an_answer_comes_although_its_chat_cannot_be_listed(tmp_path, caplog: pytest.LogCaptureFixture):
    def without_list(rooms: Rooms) -> Rooms:
        return replace(rooms, conversations=NoList())

    async with serving(tmp_path, wrap_rooms=without_list) as http:
        thread = (await http.post("/threads/create")).json()["threadId"]
        with caplog.at_level(logging.WARNING):
            answer = await http.post("/chat/stream", json={"content": 'say "Hi."', "threadId": thread})
        assert answer.status_code == 200
        assert text_of(list(parse_sse(answer.text.split("\n")))) == "Hi."
    [told] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert told.getMessage() == (
        f"⚠️ The list of conversations does not show the message yet in thread: {thread}. The list is away."
    )


async def test_a_message_that_cannot_be_stored_makes_no_row(tmp_path):
    """The row is touched after the run has begun, never instead of it."""
    async with serving(tmp_path, wrap_store=lambda store: NoRuns(store)) as http:
        thread = (await http.post("/threads/create")).json()["threadId"]
        assert (await http.post("/chat", json={"content": "Hello", "threadId": thread})).status_code == 503
        assert (await http.get("/threads/history")).json()["threads"] == []


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
