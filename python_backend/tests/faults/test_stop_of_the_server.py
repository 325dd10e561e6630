"""SIGTERM while answers stream: each stream gets a last event, no run is left open, and the next server finds nothing to do."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.faults.upstream import Chat, Silent, Upstream
from tests.faults.viewer import Viewer
from tests.server_process import ServerProcess
from underpin.objects.run import ENDED

WITHIN_S = 30
ANSWERS = 5


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream(Chat(*(f"{number} " for number in range(4000)), rate=100)) as upstream:
        yield upstream


async def thread(http: httpx.AsyncClient) -> Viewer:
    return Viewer((await http.post("/threads/create")).json()["threadId"])


async def until_each(viewers: list[Viewer], deltas: int) -> None:
    """Until each has seen so many tokens."""
    async with asyncio.timeout(WITHIN_S):
        while any(viewer.deltas < deltas for viewer in viewers):  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.01)


async def test_every_stream_gets_its_last_event(upstream: Upstream, tmp_path: Path):
    server = ServerProcess(tmp_path / "data", OPENAI_BASE_URL=upstream.base_url, OPENAI_MODEL="m").start()
    async with httpx.AsyncClient(base_url=server.base_url, timeout=WITHIN_S) as http:
        viewers = [await thread(http) for _ in range(ANSWERS)]
        asking = [asyncio.create_task(viewer.ask(http, "Count.")) for viewer in viewers]
        await until_each(viewers, 3)
        second = Viewer(viewers[0].thread_id)
        second.run_id = viewers[0].run_id
        asking.append(asyncio.create_task(second.resume(http)))
        await until_each([second], 3)

        upstream.behave(Silent())
        before_its_first_word = await thread(http)
        asking.append(asyncio.create_task(before_its_first_word.ask(http, "And now?")))
        await upstream.question(within_s=WITHIN_S)

        assert await asyncio.to_thread(server.stop) == 0
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*asking)
    for viewer in (*viewers, second):
        assert viewer.events[-1].name == "thread.run.failed"
        assert "shut down" in viewer.events[-1].data["last_error"]["message"]
        assert "thread.message.incomplete" in {event.name for event in viewer.events}
    assert before_its_first_word.events[-1].name == "thread.run.failed"
    await upstream.abandoned(within_s=WITHIN_S)
    with closing(sqlite3.connect(server.data_dir / "underpin.sqlite3")) as database:
        left = database.execute("SELECT json_extract(doc, '$.status'), json_extract(doc, '$.settled') FROM runs").fetchall()
        held = database.execute("SELECT count(*) FROM threads WHERE json_extract(doc, '$.active_run') IS NOT NULL").fetchone()
    assert len(left) == ANSWERS + 1
    assert all(status in ENDED and settled for status, settled in left)
    assert held == (0,)


async def test_a_group_whose_messages_wait_is_told_too(upstream: Upstream, tmp_path: Path):
    settings = {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_MODEL": "m", "TAKEOVER": "wait"}
    server = ServerProcess(tmp_path / "data", **settings).start()
    async with httpx.AsyncClient(base_url=server.base_url, timeout=WITHIN_S) as http:
        first = await thread(http)
        asking = [asyncio.create_task(first.ask(http, "First."))]
        await until_each([first], 3)
        waiting = Viewer(first.thread_id)
        asking.append(asyncio.create_task(waiting.ask(http, "Second.")))
        async with asyncio.timeout(WITHIN_S):
            while not waiting.events:  # noqa: ASYNC110 (what is waited for has no event)
                await asyncio.sleep(0.01)
        assert await asyncio.to_thread(server.stop) == 0
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*asking)
    assert [viewer.events[-1].name for viewer in (first, waiting)] == ["thread.run.failed"] * 2
    upstream.behave(Chat("Here."))
    with server:
        async with httpx.AsyncClient(base_url=server.base_url, timeout=WITHIN_S) as http:
            history = (await http.get(f"/threads/{first.thread_id}/messages-history")).json()
    assert [said["text"] for said in history["messages"] if said["role"] == "user"] == ["First.", "Second."]
    assert history["activeRun"] is None
