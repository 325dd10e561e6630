"""A server that speaks enough of MongoDB's wire to refuse what a test wants refused. It keeps nothing."""

import asyncio
import ssl
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

import bson

Document = dict[str, Any]
Answer = Callable[[Document], Document]

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013


def failing(code: int, text: str = "no", name: str = "") -> Answer:
    """The answer of a server that refuses a command."""
    return lambda command: {"ok": 0, "code": code, "errmsg": text, "codeName": name}


class ScriptedMongo:
    """`answers` holds what it says to a command by its name, in lower case; everything else it takes for done."""

    def __init__(self, answers: Mapping[str, Answer] | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer] = dict(answers or {})
        self.commands: list[Document] = []
        self.port = 0
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    def asked(self, name: str) -> list[Document]:
        """The commands of that name that came."""
        return [command for command in self.commands if next(iter(command)).lower() == name.lower()]

    def _answer(self, command: Document) -> Document:
        self.commands.append(command)
        name = next(iter(command)).lower()
        if name in self.answers:
            return self.answers[name](command)
        if name in ("hello", "ismaster"):
            return self.hello(command)
        if name in ("find", "listindexes"):
            return {"ok": 1, "cursor": {"id": 0, "ns": "a.b", "firstBatch": []}}
        return {"ok": 1, "n": 0, "nModified": 0}

    def hello(self, command: Document) -> Document:
        """A single server of MongoDB 7, with its time."""
        return {
            "ok": 1,
            "helloOk": True,
            "isWritablePrimary": True,
            "ismaster": True,
            "maxWireVersion": 21,
            "minWireVersion": 0,
            "maxBsonObjectSize": 16 * 2**20,
            "maxMessageSizeBytes": 48_000_000,
            "maxWriteBatchSize": 100_000,
            "localTime": datetime.now(UTC),
            "saslSupportedMechs": ["SCRAM-SHA-256"],
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                size, number, _, kind = struct.unpack("<iiii", await reader.readexactly(16))
                writer.write(self._reply(number, kind, await reader.readexactly(size - 16)))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    def _reply(self, number: int, kind: int, body: bytes) -> bytes:
        if kind == OP_QUERY:
            at = body.index(b"\0", 4) + 1 + 8
            payload = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(self._answer(bson.decode(body[at:])))
            kind = OP_REPLY
        else:
            command: Document = bson.decode(body[5 : 5 + struct.unpack_from("<i", body, 5)[0]])
            payload = struct.pack("<ib", 0, 0) + bson.encode(self._answer(command))
        return struct.pack("<iiii", 16 + len(payload), 0, number, kind) + payload

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for serving in list(self._serving):
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
