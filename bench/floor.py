"""The floor: a server in Python that does nothing but pass the upstream's bytes on, uvloop protocols on both sides. It stores
nothing and parses nothing of what it passes. Underpin cannot be cheaper; how much dearer it is, is the figure."""

import argparse
import asyncio
from typing import cast

import uvloop

ASK = b"POST /v1/chat/completions HTTP/1.1\r\nHost: upstream\r\nContent-Length: 2\r\n\r\n{}"


class _Upstream(asyncio.Protocol):
    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._transport.write(ASK)

    def data_received(self, data: bytes) -> None:
        self._client.write(data)
        if data.endswith(b"0\r\n\r\n"):
            self._transport.close()


class _Client(asyncio.Protocol):
    def __init__(self, port: int) -> None:
        self._port = port
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._read += data
        if self._read.endswith(b"}"):
            self._read = b""
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(loop.create_connection(lambda: _Upstream(self._transport), "127.0.0.1", self._port))


async def _main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Client(port), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("upstream_port", type=int)
    uvloop.run(_main(parser.parse_args().upstream_port))
