"""The load: many streams at once over raw sockets, tokens counted as bytes, so that the reader is not what is measured."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import cast

END = b"0\r\n\r\n"
DEADLINE_S = 120


@dataclass(frozen=True)
class Reading:
    """Of one round: tokens that arrived, and milliseconds to the first one of each stream."""

    tokens: int
    first_ms: list[float]


class _Reader(asyncio.Protocol):
    def __init__(self, request: bytes) -> None:
        self._request = request
        self.tokens = 0
        self.first_ms = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        arrived = data.count(b"~")
        if arrived and not self.tokens:
            self.first_ms = (time.perf_counter() - self._began) * 1000
        self.tokens += arrived
        if data.endswith(END) and not self.done.done():
            self.done.set_result(None)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"A stream was cut after {self.tokens} tokens."))


def post(path: str, body: dict[str, str]) -> bytes:
    """The bytes of a request."""
    raw = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/x-ndjson\r\nContent-Length: {len(raw)}\r\n\r\n"
    return head.encode() + raw


async def read_streams(port: int, requests: list[bytes]) -> Reading:
    """Open a stream for each request at once, and read them all to their ends. Raises when one is cut or takes too long.

    What the final message and run repeat of the text is not counted: `thread.message.completed` holds every token again, so the
    caller divides by what was offered, and this count only has to reach it.
    """
    loop = asyncio.get_running_loop()
    readers = [(await loop.create_connection(lambda r=request: _Reader(r), "127.0.0.1", port))[1] for request in requests]
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(*(reader.done for reader in readers))
    return Reading(sum(reader.tokens for reader in readers), [reader.first_ms for reader in readers])
