"""The server while its MongoDB is away: up, and ready again within 10 s; runs end, and nothing that was answered is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.viewer import Viewer
from tests.mongo_servers.tcp_proxy import TcpProxy
from tests.server_process import ServerProcess

HEALS_WITHIN_S = 10.0
SETTLED_WITHIN_S = 25.0
AWAY_S = 10.0
ENDS = ("thread.run.completed", "thread.run.failed", "thread.run.cancelled")


@pytest.fixture
async def proxy(mongo_database: str) -> AsyncIterator[TcpProxy]:
    port = urlsplit(mongo_database).port
    assert port is not None
    async with TcpProxy(port) as proxy:
        yield proxy


@pytest.fixture
def server(proxy: TcpProxy, mongo_database: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """Not started yet, with the product's own times."""
    uri = urlsplit(mongo_database)._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
    process = ServerProcess(tmp_path / "data", MONGODB_URI=uri, OPENAI_MODEL="scripted", LOG_LEVEL="DEBUG")
    yield process
    if process.base_url:
        process.__exit__()
    assert "❌" not in process.log
    assert "Traceback" not in process.log


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    await asyncio.to_thread(server.start)
    async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as client:
        yield client


async def ready_after_s(http: httpx.AsyncClient) -> float:
    began = time.monotonic()
    async with asyncio.timeout(4 * HEALS_WITHIN_S):
        while (await http.get("/ready")).status_code != 200:  # noqa: ASYNC110 (a server's state is no event)
            await asyncio.sleep(0.1)
    return time.monotonic() - began


async def history(http: httpx.AsyncClient, thread_id: str) -> list[tuple[str, str, str]]:
    """Role, status and text of each message, oldest first, when no run is active any more."""
    async with asyncio.timeout(2 * SETTLED_WITHIN_S):
        while True:
            answer = (await http.get(f"/threads/{thread_id}/history")).json()
            if answer.get("activeRun", "away") is None:
                break
            await asyncio.sleep(0.2)
    messages = reversed(answer["messages"])
    return [(m["role"], m["status"], "".join(part["text"]["value"] for part in m["content"])) for m in messages]


@pytest.fixture
async def away_at_start(proxy: TcpProxy) -> None:
    await proxy.go()


@pytest.mark.usefixtures("away_at_start")
async def test_away_at_start(http: httpx.AsyncClient, proxy: TcpProxy) -> None:
    why = f"MongoDB at 127.0.0.1:{proxy.port} refuses connections: look whether it runs, and at the port."
    assert (await http.get("/health")).status_code == 200
    ready = await http.get("/ready")
    assert (ready.status_code, ready.json()["parts"]["store"]) == (503, why)
    began = time.monotonic()
    for answer in (
        await http.post("/threads/create"),
        await http.get("/threads/history"),
        await http.post("/chat", json={"content": "Hello", "threadId": "thread_t"}),
        await http.post("/chat/stream", json={"content": "Hello", "threadId": "thread_t"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (503, why)
        assert int(answer.headers["retry-after"]) > 0
    assert time.monotonic() - began < 5
    await proxy.come()
    assert await ready_after_s(http) < HEALS_WITHIN_S
    viewer = Viewer((await http.post("/threads/create")).json()["threadId"])
    await viewer.ask(http, 'say "Da."')
    assert list(viewer.shows.values()) == ["Da."]


@pytest.mark.parametrize(
    ("script", "words"),
    [("delay 50\nwords 300", 300), ("delay 50\nwords 60", 60), ("words 3\nhang", None)],
    ids=["it goes on", "it ends meanwhile", "it says nothing more"],
)
async def test_away_for_ten_seconds_while_a_run_goes_on(
    http: httpx.AsyncClient, proxy: TcpProxy, script: str, words: int | None
) -> None:
    viewer = Viewer((await http.post("/threads/create")).json()["threadId"])
    asked = asyncio.create_task(viewer.ask(http, script))
    await until(lambda: viewer.deltas >= 3)
    await proxy.go()
    refused = await http.post("/threads/create")
    assert refused.status_code == 503
    await asyncio.sleep(AWAY_S)
    await proxy.come()
    assert await ready_after_s(http) < HEALS_WITHIN_S
    if words is None:
        assert (await http.post(f"/threads/{viewer.thread_id}/stop")).status_code == 200
    async with asyncio.timeout(SETTLED_WITHIN_S):
        await asked
    (end,) = [event for event in viewer.events if event.name in ENDS]
    if end.name == "thread.run.failed":
        assert end.data["last_error"]["message"].startswith("MongoDB at "), end.data["last_error"]
    (user, _, said), (assistant, status, answer) = await history(http, viewer.thread_id)
    assert (user, said, assistant) == ("user", script, "assistant")
    if words is not None:
        assert status == ("completed" if end.name == "thread.run.completed" else "incomplete")
        assert len(answer.split()) == words
    assert list(viewer.shows.values()) == [answer]
    viewer = Viewer(viewer.thread_id)
    await viewer.ask(http, 'say "Frei."')
    assert list(viewer.shows.values()) == ["Frei."]


async def test_messages_that_were_acknowledged_while_it_flickers_are_all_there(http: httpx.AsyncClient, proxy: TcpProxy) -> None:
    thread_id = (await http.post("/threads/create")).json()["threadId"]
    acknowledged: list[str] = []

    async def say(number: int) -> None:
        text = f'say "Antwort {number}."'
        answer = await http.post("/chat", json={"content": text, "threadId": thread_id})
        if answer.status_code == 200:
            acknowledged.append(text)
        else:
            assert answer.status_code == 503, answer.text

    for number in range(30):
        asking = asyncio.create_task(say(number))
        if number % 3 == 2:
            await asyncio.sleep(0.004 * number)
            await proxy.go()
            await proxy.come()
        await asking
    await ready_after_s(http)
    kept = [text for role, _, text in await history(http, thread_id) if role == "user"]
    assert [text for text in acknowledged if kept.count(text) != 1] == []
    assert len(acknowledged) >= 20


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 (the viewer has no event for it)
            await asyncio.sleep(0.01)
