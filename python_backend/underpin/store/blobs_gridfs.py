"""Blobs in GridFS's layout, beside the MongoDB store, so that every worker reads them: `underpin_blobs.files` and `.chunks`.

The chunks come first and the file's document last, so that a document that is there has all its chunks. They are written one by
one: the driver's own writer gathers 32 MB of every upload in memory before it sends any.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from bson import Binary, Int64
from pymongo import ASCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from ..errors import AlreadyExists, StoreUnavailable
from .blobs_names import check_name, not_there, there_already
from .mongo_connection import Connection

R = TypeVar("R")
Document = dict[str, Any]

BUCKET = "underpin_blobs"
CHUNK_BYTES = 1 << 20
"""As much as one trip to the server carries."""


class GridFSBlobs:
    """The Blobs seam over the database of a MongoStore, whose `connection` it shares and does not close."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._closed = self._indexed = False

    async def open(self) -> None:
        """Nothing: the server may be away, and the index is made before the first write."""

    async def close(self) -> None:
        self._closed = True

    async def write(self, id: str, pieces: AsyncIterable[bytes]) -> int:
        check_name(id)
        await self._make_index()
        if await self._whole(lambda: self._files().find_one({"_id": id})) is not None:
            raise there_already(id)
        try:
            size = await self._fill(id, pieces)
            await self._finish(id, size)
        except AlreadyExists:
            raise  # what lies there is another's
        except BaseException:
            await self._whole(lambda: self._chunks().delete_many({"files_id": id}))
            raise
        return size

    def read(self, id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        check_name(id)
        return self._read(id)

    async def delete(self, id: str) -> bool:
        check_name(id)
        gone = await self._whole(lambda: self._files().delete_one({"_id": id}))
        await self._whole(lambda: self._chunks().delete_many({"files_id": id}))
        return gone.deleted_count > 0

    async def _fill(self, id: str, pieces: AsyncIterable[bytes]) -> int:
        size, number, waiting = 0, 0, bytearray()
        async for piece in pieces:
            size += len(piece)
            waiting += piece
            while len(waiting) >= CHUNK_BYTES:
                await self._add_chunk(id, number, bytes(waiting[:CHUNK_BYTES]))
                number += 1
                del waiting[:CHUNK_BYTES]
        if waiting:
            await self._add_chunk(id, number, bytes(waiting))
        return size

    async def _add_chunk(self, id: str, number: int, data: bytes) -> None:
        chunk = {"files_id": id, "n": number, "data": Binary(data)}

        async def insert() -> None:
            try:
                await self._chunks().insert_one(chunk)
            except DuplicateKeyError:
                raise there_already(id) from None

        await self._whole(insert)

    async def _finish(self, id: str, size: int) -> None:
        """The document, and then a look whether somebody deleted the chunks meanwhile: then the first is gone."""
        document = {
            "_id": id, "length": Int64(size), "chunkSize": CHUNK_BYTES, "uploadDate": datetime.now(UTC), "filename": id,
        }  # fmt: skip
        await self._whole(lambda: self._files().insert_one(document), undo=lambda: self._files().delete_one({"_id": id}))
        if size and await self._chunk(id, 0) is None:
            await self._whole(lambda: self._files().delete_one({"_id": id}))
            raise not_there(id)

    @asynccontextmanager
    async def _read(self, id: str) -> AsyncGenerator[AsyncIterator[bytes], None]:
        document = await self._whole(lambda: self._files().find_one({"_id": id}))
        if document is None:
            raise not_there(id)
        yield self._pieces(id, int(document["length"]), int(document["chunkSize"]))

    async def _pieces(self, id: str, length: int, chunk_bytes: int) -> AsyncIterator[bytes]:
        for number in range(-(-length // chunk_bytes)):
            if (chunk := await self._chunk(id, number)) is None:
                raise not_there(id)
            yield bytes(chunk["data"])

    async def _chunk(self, id: str, number: int) -> Document | None:
        return await self._whole(lambda: self._chunks().find_one({"files_id": id, "n": number}))

    async def _make_index(self) -> None:
        if not self._indexed:
            await self._whole(lambda: self._chunks().create_index([("files_id", ASCENDING), ("n", ASCENDING)], unique=True))
            self._indexed = True

    async def _whole(self, work: Callable[[], Awaitable[R]], *, undo: Callable[[], Awaitable[object]] | None = None) -> R:
        """Do something with the server to its end. Who is cancelled meanwhile waits for that, so that nothing is written after
        what clears up; and gets it undone, because nobody has its result."""
        if self._closed:
            raise StoreUnavailable("The store is closed.")
        doing = asyncio.ensure_future(self._connection.call(work))
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait({doing})  # bounded: by the connection's own timeouts
            if undo is not None and doing.exception() is None:
                await self._whole(undo)
            raise

    def _files(self) -> AsyncCollection[Document]:
        return self._connection.collection(f"{BUCKET}.files")

    def _chunks(self) -> AsyncCollection[Document]:
        return self._connection.collection(f"{BUCKET}.chunks")
