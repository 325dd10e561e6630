"""A model's server that misbehaves on purpose, on 127.0.0.1 and a free port.

    async with Upstream(Chat("Clay ", "is ", "soil.")) as upstream:
        upstream.behave(Status(429, headers={"Retry-After": "2"}), Chat("Now."))  # one a request; the last one stays
        ...  # something asks upstream.base_url
        assert upstream.requests[0].json["model"] == "m"
        await upstream.question(within_s=1)  # until a client asked
        await upstream.abandoned(within_s=1)  # until a client closed the connection in the middle of an answer

As a process, for tests that kill: `python -m tests.faults.upstream --tokens 400 --rate 100` prints its port and serves until
it is ended by a signal. Its tokens are numbered (`0 `, `1 `, ...), so that a lost or a doubled one is seen.
"""

import argparse
import asyncio
import json
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

TASK_NAME = "the upstream's answer"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Behaviour(Protocol):
    async def answer(self, connection: "Connection") -> None: ...


def chunk(delta: dict[str, Any] | None = None, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of a streamed completion."""
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish_reason}]
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices} | more


def call(index: int | None = 0, name: str | None = None, arguments: str | None = None, id: str | None = None) -> dict[str, Any]:
    """A chunk with a piece of a tool call; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    piece = {"index": index, "id": id, "type": "function", "function": function}
    return chunk({"tool_calls": [{key: value for key, value in piece.items() if value is not None}]})


class Chat:
    """A streamed answer. Each item is one write: a text becomes a chunk, a dict is sent as a chunk, bytes as they are.

    `rate` paces items in a second; `split` cuts the bytes into writes of that size; then the answer ends well (`end`), the
    connection is closed without the end of the body (`cut`), reset (`reset`), nothing more is ever sent (`stall`), or what comes
    is not HTTP (`lie`).
    """

    def __init__(
        self,
        *items: str | dict[str, Any] | bytes,
        rate: float | None = None,
        split: int | None = None,
        finish: str | None = "stop",
        usage: tuple[int, int] | None = (7, 5),
        done: bool = True,
        then: Literal["end", "cut", "reset", "stall", "lie"] = "end",
        content_type: str = "text/event-stream",
    ) -> None:
        self.items = [*items]
        self.items += [chunk(finish_reason=finish)] if finish else []
        if usage:
            counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
            self.items.append(chunk() | {"choices": [], "usage": counts})
        self.items += [b"data: [DONE]\n\n"] if done else []
        self.rate, self.split, self.then, self.content_type = rate, split, then, content_type

    async def answer(self, connection: "Connection") -> None:
        connection.head(200, {"Content-Type": self.content_type, "Transfer-Encoding": "chunked"})
        begin = asyncio.get_running_loop().time()
        for number, item in enumerate(self.items):
            if self.rate:
                await asyncio.sleep(begin + number / self.rate - asyncio.get_running_loop().time())
            if isinstance(item, str):
                item = chunk({"content": item})
            data = item if isinstance(item, bytes) else b"data: " + json.dumps(item, ensure_ascii=False).encode() + b"\n\n"
            for at in range(0, len(data), self.split or len(data)):
                piece = data[at : at + (self.split or len(data))]
                connection.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await asyncio.sleep(0)
            connection.upstream.items_sent += 1
        match self.then:
            case "end":
                connection.write(b"0\r\n\r\n")
            case "cut":
                connection.close()
            case "reset":
                connection.reset()
            case "stall":
                await asyncio.Event().wait()
            case "lie":
                connection.write(b"no size\r\n")
                await asyncio.Event().wait()


@dataclass(frozen=True)
class Status:
    """An answer in one piece: a refusal, a page, a completion that is not streamed."""

    status: int
    body: str | bytes | dict[str, Any] = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    async def answer(self, connection: "Connection") -> None:
        body = json.dumps(self.body) if isinstance(self.body, dict) else self.body
        body = body.encode() if isinstance(body, str) else body
        kind = "application/json" if isinstance(self.body, dict) else "text/html"
        connection.head(self.status, {"Content-Type": kind, "Content-Length": str(len(body)), **self.headers})
        connection.write(body)


@dataclass(frozen=True)
class Silent:
    """The request is read and never answered; with `head`, the status comes and nothing after it."""

    head: bool = False

    async def answer(self, connection: "Connection") -> None:
        if self.head:
            connection.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        await asyncio.Event().wait()


@dataclass(frozen=True)
class HangUp:
    """The connection is closed, or reset, before any answer; `say` is sent before."""

    reset: bool = False
    say: bytes = b""

    async def answer(self, connection: "Connection") -> None:
        connection.write(self.say)
        await asyncio.sleep(0)
        connection.reset() if self.reset else connection.close()


@dataclass(frozen=True)
class Raw:
    """These bytes as they are; then the connection is closed, or nothing more is ever sent."""

    say: bytes
    then: Literal["cut", "stall"] = "cut"

    async def answer(self, connection: "Connection") -> None:
        connection.write(self.say)
        await asyncio.sleep(0)
        if self.then == "stall":
            await asyncio.Event().wait()
        connection.close()


class Connection(asyncio.Protocol):
    """One client's connection: requests in, one behaviour at a time."""

    def __init__(self, upstream: "Upstream") -> None:
        self.upstream = upstream
        self._transport: asyncio.Transport
        self._received = bytearray()
        self._answering: asyncio.Task[None] | None = None
        self._ended_by_us = False
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.upstream.open.add(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received[:1].isalpha():
            # TLS, or whatever else: a real server says so in plain HTTP.
            self.head(400, {"Connection": "close"})
            self.close()
            return
        head, blank, rest = bytes(self._received).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if blank and len(rest) >= int(headers.get("content-length", 0)):
            self._received.clear()
            method, path, _ = first.split(" ")
            request = Request(method, path, headers, rest)
            self._answering = asyncio.create_task(self.upstream.choose(request).answer(self), name=TASK_NAME)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
        self.upstream.open.discard(self)
        if self._answering is not None and not self._answering.done():
            self._answering.cancel()
            if not self._ended_by_us:
                self.upstream.abandonments.release()

    @property
    def answering(self) -> bool:
        return self._answering is not None and not self._answering.done()

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.write(f"HTTP/1.1 {status} As Told\r\n{lines}\r\n".encode("latin-1"))

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._ended_by_us = True
        self._transport.close()

    def reset(self) -> None:
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._ended_by_us = True
        self._transport.abort()


class Upstream:
    """The server. `models` is what GET /models answers: names, or a behaviour."""

    def __init__(self, *behaviours: Behaviour, models: Sequence[str] | Behaviour = ("m",), port: int = 0) -> None:
        self.models = models
        self.port = port
        self.root = "/v1"
        """Where its API stands."""
        self.requests: list[Request] = []
        self.open: set[Connection] = set()
        self.items_sent = 0
        self.abandonments = asyncio.Semaphore(0)
        self._questions = asyncio.Semaphore(0)
        self._server: asyncio.Server | None = None
        self.behave(*behaviours)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.root}"

    @property
    def answering(self) -> int:
        """Connections on which an answer is not yet over."""
        return sum(connection.answering for connection in self.open)

    @property
    def asked(self) -> list[Request]:
        """The requests for completions, without those for the list of models."""
        return [request for request in self.requests if request.method == "POST"]

    def behave(self, *behaviours: Behaviour) -> None:
        """From now on: one behaviour a request, the last one for all that follow."""
        self._behaviours = list(behaviours) or [Chat("Hello ", "there.")]

    def choose(self, request: Request) -> Behaviour:
        self.requests.append(request)
        path, _, _ = request.path.partition("?")
        if path == f"{self.root}/models":
            return self.models if not isinstance(self.models, Sequence) else _models(self.models)
        if path != f"{self.root}/chat/completions":
            return Status(404, {"detail": "Not Found"})
        self._questions.release()
        return self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]

    async def listen(self) -> None:
        """Take connections (again), on the same port once there is one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Refuse new connections, and end the open ones."""
        assert self._server is not None
        self._server.close()
        for connection in list(self.open):
            connection.reset()

    async def question(self, *, within_s: float) -> None:
        """Until one more completion was asked for. Raises TimeoutError."""
        await asyncio.wait_for(self._questions.acquire(), within_s)

    async def abandoned(self, *, within_s: float) -> None:
        """Until one more client has gone in the middle of its answer. Raises TimeoutError."""
        await asyncio.wait_for(self.abandonments.acquire(), within_s)

    async def __aenter__(self) -> "Upstream":
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        ended = [connection.lost.wait() for connection in self.open]
        self.refuse()
        await asyncio.gather(*ended)


def _models(names: Sequence[str]) -> Status:
    return Status(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


async def _serve(tokens: int, rate: float | None, port: int) -> None:
    async with Upstream(Chat(*(f"{number} " for number in range(tokens)), rate=rate, usage=(7, tokens)), port=port) as upstream:
        print(upstream.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A model's server for tests.")
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--rate", type=float, default=None, help="tokens a second; without it as fast as possible")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.tokens, arguments.rate, arguments.port))
