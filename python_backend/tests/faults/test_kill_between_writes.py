"""kill -9 between any two writes of a message: of its claim, of its end, and of a message that takes over from another."""

import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tests.faults.viewer import Viewer
from tests.server_process import ServerProcess
from tests.wire.in_process import serving

SETTINGS = {"OPENAI_MODEL": "scripted", "JOURNAL_FLUSH_S": 60, "RUN_LEASE_S": 1.5, "RUN_HEARTBEAT_S": 0.5, "SWEEP_S": 0.5}
"""The journal is written with the end only, so that the writes are the same ones each time."""
WRITES = 15
CLAIMED = 5
"""From this write on the model is asked."""
FIRST = "words 2\nhang"
WRITES_OF_A_TAKEOVER = 14
"""Until the second message's model is asked."""


NEVER = 1_000_000

Storage = dict[str, str]
"""The setting MONGODB_URI, or none for the embedded store."""


class DyingServer(ServerProcess):
    """It kills itself behind the write of that number of its first, or second, message."""

    module = "tests.faults.dying_server"

    def __init__(self, data_dir: Path, *, write: int, message: int = 1, **settings: object) -> None:
        super().__init__(data_dir, str(message), str(write), **settings)

    @property
    def writes(self) -> list[str]:
        """The writes of the message so far."""
        return [line.removeprefix("write: ") for line in self.log.splitlines() if line.startswith("write: ")]


def kept(data_dir: Path, storage: Storage) -> Any:
    """The server that comes after."""
    secret = {name.lower(): SecretStr(value) for name, value in storage.items()}
    return serving(data_dir, run_lease_s=1.5, run_heartbeat_s=0.5, sweep_s=0.5, **secret)


async def messages(http: httpx.AsyncClient, thread_id: str) -> list[tuple[str, str, str]]:
    """Role, status and text, oldest first; the thread is free."""
    history = (await http.get(f"/threads/{thread_id}/history")).json()
    assert history["activeRun"] is None
    return [(said["role"], said["status"], said["content"][0]["text"]["value"]) for said in history["messages"][::-1]]


async def takes_a_message(http: httpx.AsyncClient, thread_id: str) -> None:
    """The thread answers the next message."""
    viewer = Viewer(thread_id)
    await viewer.ask(http, 'say "Still here."')
    assert viewer.events[-1].name == "thread.run.completed"
    assert list(viewer.shows.values()) == ["Still here."]


async def test_these_are_all_the_writes_of_a_message(tmp_path: Path):
    """The rounds below are as many; who adds a write adds a round."""
    with DyingServer(tmp_path / "data", write=NEVER, **SETTINGS) as server:
        async with httpx.AsyncClient(base_url=server.base_url, timeout=30) as http:
            viewer = Viewer((await http.post("/threads/create")).json()["threadId"])
            await viewer.ask(http, "words 5", key="k")
        server.line("Run .*: completed", within_s=20)
        writes = server.writes
    assert len(writes) == WRITES, writes
    claim = ["add idempotency_keys", "add runs", "update threads", "add messages", "update runs"]
    assert writes[:CLAIMED] == claim, writes
    assert writes[-4:] == ["write_journal journal", "update threads", "add thread_events", "update runs"], writes


@pytest.mark.parametrize("write", range(WRITES))
async def test_killed_between_two_writes_of_a_message(tmp_path: Path, write: int):
    await killed_behind_a_write_of_a_message(tmp_path, write, {})


async def killed_behind_a_write_of_a_message(tmp_path: Path, write: int, storage: Storage) -> None:
    server = DyingServer(tmp_path / "data", write=write, **SETTINGS, **storage).start()
    async with httpx.AsyncClient(base_url=server.base_url, timeout=30) as http:
        viewer = Viewer((await http.post("/threads/create")).json()["threadId"])
        await viewer.ask(http, "words 5", key="k")
    assert server.wait(20) == -signal.SIGKILL
    assert len(server.writes) == write

    async with kept(tmp_path / "data", storage) as http:
        said = await messages(http, viewer.thread_id)
        question, answer = [one for one in said if one[0] == "user"], [one for one in said if one[0] == "assistant"]
        assert len(question) == (write > 1)
        assert len(answer) == (write >= CLAIMED)
        assert all(one[1:] in (("completed", "word1 word2 word3 word4 word5"), ("incomplete", "")) for one in answer)
        if viewer.run_id is not None:
            seen = viewer.shows
            await viewer.resume(http)
            assert viewer.events[-1].name in ("thread.run.completed", "thread.run.failed")
            assert list(viewer.shows.values()) == [text for _, _, text in answer]
            assert set(seen) <= set(viewer.shows)

        again = Viewer(viewer.thread_id)
        await again.ask(http, "words 5", key="k")
        assert again.events[-1].name.startswith("thread.run.")
        assert [one[0] for one in await messages(http, viewer.thread_id)].count("user") == 1
        await takes_a_message(http, viewer.thread_id)


@pytest.mark.parametrize("write", range(2, WRITES_OF_A_TAKEOVER + 1))
async def test_killed_between_two_writes_of_a_message_that_takes_over(tmp_path: Path, write: int):
    await killed_behind_a_write_of_a_takeover(tmp_path, write, {})


async def killed_behind_a_write_of_a_takeover(tmp_path: Path, write: int, storage: Storage) -> None:
    server = DyingServer(tmp_path / "data", message=2, write=write, **SETTINGS, **storage).start()
    async with httpx.AsyncClient(base_url=server.base_url, timeout=30) as http:
        first = Viewer((await http.post("/threads/create")).json()["threadId"])
        await first.ask(http, FIRST, key="a", until=lambda viewer: viewer.deltas == 2)
        second = Viewer(first.thread_id)
        await second.ask(http, "words 3", key="b")
    assert server.wait(20) == -signal.SIGKILL

    async with kept(tmp_path / "data", storage) as http:
        said = await messages(http, first.thread_id)
        assert [text for role, _, text in said if role == "user"] == [FIRST, "words 3"]
        partial = next(one for one in said if one[0] == "assistant")
        assert partial in (("assistant", "incomplete", "word1 word2"), ("assistant", "incomplete", ""))
        await first.resume(http)
        assert first.events[-1].name in ("thread.run.cancelled", "thread.run.failed")
        assert list(first.shows.values()) == [partial[2]]
        again = Viewer(first.thread_id)
        await again.ask(http, "words 3", key="b")
        assert again.events[-1].name in ("thread.run.failed", "thread.run.completed")
        await takes_a_message(http, first.thread_id)
