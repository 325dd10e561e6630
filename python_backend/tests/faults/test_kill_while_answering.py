"""kill -9 while a model's answer streams: what was kept is at most a second behind, and everybody ends up with it."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.upstream import Chat, Silent, Upstream
from tests.faults.viewer import Viewer
from tests.server_process import ServerProcess

TOKENS = [f"{number} " for number in range(60)]
RATE = 40
"""Tokens in a second: the fiftieth comes after more than one."""
BEHIND_S = 1.0
"""At most so much of what was streamed is lost."""
WITHIN_S = 30
TENTH = {"RUN_LEASE_S": 1.5, "RUN_HEARTBEAT_S": 0.5, "SWEEP_S": 0.5}
ROUNDS = [(at, number) for at in (0, 1, 50, len(TOKENS)) for number in range(3)]


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


def server_of(data_dir: Path, upstream: Upstream, **settings: object) -> ServerProcess:
    return ServerProcess(data_dir, OPENAI_BASE_URL=upstream.base_url, OPENAI_MODEL="m", **settings)


async def history(http: httpx.AsyncClient, thread_id: str) -> dict[str, Any]:
    answer = await http.get(f"/threads/{thread_id}/history")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def killed_at(upstream: Upstream, data_dir: Path, at: int, number: int, **settings: object) -> None:
    """One round: a server that dies when so many tokens were seen (a little later in later rounds), and the one after it."""
    with server_of(data_dir, upstream, **settings) as server:
        async with httpx.AsyncClient(base_url=server.base_url, timeout=WITHIN_S) as http:
            viewer = Viewer((await http.post("/threads/create")).json()["threadId"])
            upstream.behave(Silent() if at == 0 else Chat(*TOKENS, rate=RATE))
            asking = asyncio.create_task(viewer.ask(http, "Count.", until=lambda viewer: at > 0 and viewer.deltas == at))
            await upstream.question(within_s=WITHIN_S)
            if at:
                await asking
            await asyncio.sleep(number * 0.007)  # so that rounds differ in where they fall between two flushes
            killed_at_s = time.monotonic()
            server.kill()
            await asking
    upstream.behave(Chat("Still ", "here."))
    began_s = time.monotonic()
    with server_of(data_dir, upstream, **settings) as server:
        async with httpx.AsyncClient(base_url=server.base_url, timeout=WITHIN_S) as http:
            await ends_well(http, viewer, killed_at_s)
    assert time.monotonic() - began_s < 25


async def ends_well(http: httpx.AsyncClient, viewer: Viewer, killed_at_s: float) -> None:
    """All that is promised of the thread after a kill."""
    told = await history(http, viewer.thread_id)
    assert told["activeRun"] is None
    answer, question = told["messages"]  # newest first; one answer, and no more
    assert (question["role"], question["content"][0]["text"]["value"]) == ("user", "Count.")
    assert answer["role"] == "assistant"
    kept = answer["content"][0]["text"]["value"]
    whole = "".join(TOKENS)
    assert answer["status"] == "incomplete" or kept == whole
    assert whole.startswith(kept)
    assert len(kept) >= len(viewer.text_before(killed_at_s - BEHIND_S))

    if viewer.run_id is None:  # its response had not begun
        viewer.run_id = answer["run_id"]
    fresh = Viewer(viewer.thread_id)
    fresh.run_id = viewer.run_id
    for one in (viewer, fresh):
        await one.resume(http)
        assert list(one.shows.values()) == [kept]
        assert one.events[-1].name in ("thread.run.failed", "thread.run.completed")
        numbers = [event.number for event in one.events]
        assert numbers == sorted(set(numbers))

    after = Viewer(viewer.thread_id)
    await after.ask(http, "And now?")
    assert after.events[-1].name == "thread.run.completed"
    assert list(after.shows.values()) == ["Still here."]
    assert len((await history(http, viewer.thread_id))["messages"]) == 4


@pytest.mark.parametrize(("at", "number"), ROUNDS)
async def test_killed_when_so_many_tokens_were_seen(upstream: Upstream, tmp_path: Path, at: int, number: int):
    await killed_at(upstream, tmp_path / "data", at, number, **TENTH)


async def test_killed_in_the_middle_with_the_default_times(upstream: Upstream, tmp_path: Path):
    await killed_at(upstream, tmp_path / "data", 50, 0)


async def test_a_reader_of_another_server_gets_the_last_event(upstream: Upstream, tmp_path: Path):
    """Two servers on one database: the one that lives ends the run of the one that was killed, within lease and sweep."""
    with server_of(tmp_path / "data", upstream, **TENTH) as dying, server_of(tmp_path / "data", upstream, **TENTH) as living:
        async with (
            httpx.AsyncClient(base_url=dying.base_url, timeout=WITHIN_S) as http,
            httpx.AsyncClient(base_url=living.base_url, timeout=WITHIN_S) as other,
        ):
            viewer = Viewer((await http.post("/threads/create")).json()["threadId"])
            upstream.behave(Chat(*TOKENS, rate=RATE))
            await viewer.ask(http, "Count.", until=lambda viewer: viewer.deltas == 5)
            reader = Viewer(viewer.thread_id)
            reader.run_id = viewer.run_id
            reading = asyncio.create_task(reader.resume(other))
            killed_at_s = time.monotonic()
            dying.kill()
            async with asyncio.timeout(WITHIN_S):
                await reading
            assert reader.events[-1].name == "thread.run.failed"
            assert time.monotonic() - killed_at_s < 4 * (1.5 + 0.5)
            upstream.behave(Chat("Still ", "here."))
            await ends_well(other, viewer, killed_at_s)
