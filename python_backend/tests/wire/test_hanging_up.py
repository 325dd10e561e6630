"""Clients that hang up in the middle, and streams that break in the middle: the log tells what matters, and only that."""

import json
import logging
import os
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import parse_sse, request_bytes, text_of
from tests.wire.conftest import new_thread
from tests.wire.in_process import serving
from underpin.store.base import Store


def send_and_hang_up(server: ServerProcess, request: bytes, *, read: int = 0) -> bytes:
    address = urlsplit(server.base_url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(read) if read else b""


def completed(http: httpx.Client, thread: str) -> None:
    answer = http.post("/chat/stream", json={"content": "Still there?", "threadId": thread})
    assert list(parse_sse(answer.text.split("\n")))[-1].name == "thread.run.completed"


@pytest.mark.parametrize("path", ["/chat", "/chat/stream", "/threads/history", "/api/assistants/threads/{thread}/messages"])
def test_half_a_body_is_no_mistake_of_the_server(server: ServerProcess, http: httpx.Client, thread, path):
    before = len(server.log)
    body = json.dumps({"content": "Hello", "threadId": thread}).encode()
    whole = request_bytes("POST", path.format(thread=thread), [], body)
    for end in (len(whole) - 1, len(whole) - len(body), len(whole) - len(body) + 5):
        send_and_hang_up(server, whole[:end])
    completed(http, thread)
    assert http.get(f"/threads/{thread}/messages-history").json()["messages"] == [
        {"role": "user", "text": "Still there?"},
        {"role": "assistant", "text": "Still there?"},
    ]
    said = server.log[before:]
    for word in ("Traceback", "ERROR", "Exception", "❌"):
        assert word not in said


def test_a_client_that_hangs_up_during_its_answer_is_no_mistake_either(server: ServerProcess, http: httpx.Client):
    before = len(server.log)
    threads = [new_thread(http) for _ in range(10)]
    for thread in threads:
        body = json.dumps({"content": "delay 2\nwords 30", "threadId": thread}).encode()
        first = send_and_hang_up(server, request_bytes("POST", "/chat/stream", [], body), read=1000)
        assert first.startswith(b"HTTP/1.1 200")
    for thread in threads:
        with http.stream("GET", f"/threads/{thread}/events?after=0") as response:
            ended = next(event for event in parse_sse(response.iter_lines()) if event.name == "thread.run.ended")
        assert ended.data["status"] == "completed"
    said = server.log[before:]
    for word in ("Traceback", "ERROR", "Exception", "❌"):
        assert word not in said


def memory_mb(server: ServerProcess) -> float:
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is looked up in /proc")
def test_clients_that_never_read_cost_little_and_hold_nobody_up(tmp_path):
    settings = {"OPENAI_MODEL": "scripted", "MAX_COMPLETION_TOKENS": 100_000}
    with (
        ServerProcess(tmp_path / "data", **settings) as server,
        httpx.Client(base_url=server.base_url, timeout=60) as http,
        ExitStack() as sockets,
    ):
        completed(http, new_thread(http))
        before = memory_mb(server)
        run = http.post("/chat", json={"content": "words 10000", "threadId": new_thread(http)}).json()["run_id"]
        address = urlsplit(server.base_url)
        for _ in range(50):
            deaf = sockets.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((address.hostname, address.port))
            deaf.sendall(request_bytes("GET", f"/chat/stream/{run}", []))
        with http.stream("GET", f"/chat/stream/{run}") as response:
            events = list(parse_sse(response.iter_lines()))
        assert events[-1].name == "thread.run.completed"
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert memory_mb(server) - before < 50
        server.line(f"Run {run}: completed", within_s=5)


class BrokenPages:
    """A store whose pages of one kind break."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.broken: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def page(self, kind: Any, *args: Any, **more: Any) -> Any:
        if kind.kind == self.broken:
            raise RuntimeError("nobody foresaw this")
        return await self._store.page(kind, *args, **more)


async def test_a_stream_that_breaks_inside_the_server_is_cut_and_logged(tmp_path, caplog: pytest.LogCaptureFixture):
    broken: list[BrokenPages] = []

    def wrap(store: Store) -> Any:
        broken.append(BrokenPages(store))
        return broken[-1]

    async with serving(tmp_path, wrap_store=wrap) as http:
        thread = (await http.post("/threads/create")).json()["threadId"]
        answer = await http.post("/chat/stream", json={"content": "words 30", "threadId": thread})
        path, whole = f"/chat/stream/{answer.headers['x-run-id']}", list(parse_sse(answer.text.split("\n")))
    async with serving(tmp_path, wrap_store=wrap) as http:  # another process: it has the log from the store alone
        broken[1].broken = "journal"
        with caplog.at_level(logging.ERROR), pytest.raises(httpx.RemoteProtocolError):
            await http.get(path)
        assert "nobody foresaw this" in caplog.text
        broken[1].broken = None
        assert list(parse_sse((await http.get(path)).text.split("\n"))) == whole, "the log itself is whole"
        assert text_of(whole).endswith("word30")
