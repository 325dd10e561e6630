"""Servers that cannot be talked to: one that never takes a connection, and one that takes it and says nothing, not even TLS."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

SOCKETS = Path("/proc/net/tcp")
SYN_SENT = "02"


class BlackHole:
    """Its kernel drops what wants to connect: the queue of its listening socket is full."""

    def __init__(self, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"

    def connecting(self) -> int:
        """How many of this machine's sockets wait to be taken."""
        lines = SOCKETS.read_text().splitlines()[1:]
        columns = [line.split() for line in lines]
        return sum(remote.endswith(f":{self.port:04X}") and state == SYN_SENT for _, _, remote, state, *_ in columns)


@contextmanager
def black_hole() -> Iterator[BlackHole]:
    """Linux takes one connection more than the queue is long; it is filled, and others that hang prove it."""
    if not SOCKETS.exists():
        pytest.skip("only Linux lets its listening sockets be filled and tells who waits to connect")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        hole = BlackHole(listener)
        fillers = []
        try:
            for _ in range(8):
                filler = socket.socket()
                fillers.append(filler)
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            assert hole.connecting() > 0, "the queue of the listening socket was not filled"
            for filler in fillers[1:]:
                filler.close()
            assert hole.connecting() == 0
            yield hole
        finally:
            for filler in fillers:
                filler.close()


class Deaf:
    """A server that takes connections and never says a word."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.open: set[asyncio.StreamWriter] = set()
        self.taken = asyncio.Semaphore(0)


@asynccontextmanager
async def deaf() -> AsyncIterator[Deaf]:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.open.add(writer)
        server.taken.release()
        while await reader.read(65536):
            pass
        server.open.discard(writer)
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as listener:
        server = Deaf(listener.sockets[0].getsockname()[1])
        yield server
