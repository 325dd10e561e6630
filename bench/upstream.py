"""A model's server that is never the bottleneck: ready-made chunks of a chat completion, paced or at once. For benchmarks only.

Each token's text holds one `~`, so that a reader counts tokens by counting that byte, whatever frames them.
"""

import argparse
import asyncio
import json
from typing import cast

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    answer = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "bench", "choices": [choice]}
    return b"data: " + json.dumps(answer).encode() + b"\n\n"


TOKEN = _chunk(_event({"content": " soil~"}, None))
END = _chunk(_event({}, "stop") + b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Upstream(asyncio.Protocol):
    """One connection, kept open over requests. `rate` is tokens a second, 0 for all at once, in writes of 20."""

    def __init__(self, tokens: int, rate: float) -> None:
        self._tokens = tokens
        self._rate = rate
        self._read = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, separator, body = self._read.partition(b"\r\n\r\n")
        if not separator:
            return
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if lengths and len(body) < int(lengths[0].split(b":")[1]):
            return
        self._read = b""
        self._task = asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self) -> None:
        write = self._transport.write
        write(HEAD)
        if self._rate:
            clock, began = asyncio.get_running_loop().time, asyncio.get_running_loop().time()
            for sent in range(self._tokens):
                write(TOKEN)
                await asyncio.sleep(max(0.0, began + (sent + 1) / self._rate - clock()))
        else:
            for _ in range(self._tokens // 20):
                write(TOKEN * 20)
                await asyncio.sleep(0)
        write(END)


async def _main(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(arguments.tokens, arguments.rate), "127.0.0.1", arguments.port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--port", type=int, default=0)
    uvloop.run(_main(parser.parse_args()))
