"""Brings the index of one vector store up to date with the store: what is new is added, what is gone is removed.

One writer at a time on a host, by a lock that the kernel lets go of when its process dies; readers never wait. Only one file's
chunks are in memory at once, a page of them.
"""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from filelock import FileLock

from ..objects.chunk import Chunk, VectorBlock, vectors_of
from ..objects.stored import Stored
from ..objects.vector_store import VectorStore
from ..objects.vector_store_file import VectorStoreFile
from ..store.base import EVERYONE, Store
from .store_index_folder import IndexFolder, take, told
from .store_index_vectors import Vectors
from .store_index_writer import Held, IndexWriter, attributes_text, dead_share

logger = logging.getLogger("underpin.knowledge")

FILES, CHUNKS, BLOCKS = 1000, 200, 50
"""Objects of one page."""
COMMIT_EVERY = 1000
"""Chunks after which what was added is committed: searchable, and not to be done again after a crash."""
MOST_DEAD = 1 / 3
TRY_AGAIN_S = 0.05
T = TypeVar("T")
S = TypeVar("S", bound=Stored)


@dataclass(frozen=True)
class Update:
    """One process's way to bring one index up to date. Everything that blocks runs in `executor`, which has one thread: so
    nothing of an update that was cancelled goes on beside what comes next."""

    store: Store
    folder: IndexFolder
    vector_store_id: str
    executor: Executor

    async def run(self, is_done: Callable[[], bool]) -> None:
        """Return when the index is at the generation that the store has now, by our work or, as `is_done` tells while another
        process holds the lock, by that one's. Raises NotFound, StoreUnavailable, CacheBroken."""
        await self._do(self.folder.make)
        # Taken and let go of in whatever thread is free.
        lock = FileLock(self.folder.lock, thread_local=False)
        while not await self._do(take, lock):
            if await self._do(is_done):
                return
            # The kernel tells nobody that a lock was let go of.
            await asyncio.sleep(TRY_AGAIN_S)
        try:
            await self._write()
        finally:
            await self._do(lock.release)

    async def _write(self) -> None:
        vector_store = await self.store.get(VectorStore, self.vector_store_id, scope=EVERYONE)
        wanted = {file.chunk_set: file async for file in self._completed() if file.chunk_set}
        writer = await self._do(IndexWriter, self.folder)
        try:
            await self._bring(writer, vector_store, wanted)
        finally:
            await self._do(writer.close)

    async def _bring(self, writer: IndexWriter, vector_store: VectorStore, wanted: dict[str, VectorStoreFile]) -> None:
        held = {file.chunk_set: file for file in await self._do(writer.held)}
        gone = {file.file_id: file for chunk_set, file in held.items() if chunk_set not in wanted}
        if writer.state.embedder != vector_store.embedder:
            await self._embed_anew(writer, vector_store.embedder, [file for file in held.values() if file.chunk_set in wanted])
        await self._do(writer.begin)
        since = writer.state.next_row
        for chunk_set, file in wanted.items():
            known = held.get(chunk_set)
            if known is None:
                await self._add(writer, file, replaces=gone.pop(file.file_id, None))
            elif (known.filename, known.attributes) != (file.filename, attributes_text(file.attributes)):
                await self._do(writer.describe, known, file.filename, file.attributes)
            if writer.state.next_row - since >= COMMIT_EVERY:
                await self._do(writer.commit)
                await self._do(writer.begin)
                since = writer.state.next_row
        for old in gone.values():
            await self._do(writer.remove, old)
        await self._do(writer.commit, vector_store.generation)
        if dead_share(writer.state, await self._do(writer.held)) > MOST_DEAD:
            await self._do(writer.compact)

    async def _add(self, writer: IndexWriter, file: VectorStoreFile, *, replaces: Held | None) -> None:
        assert file.chunk_set is not None
        await self._do(writer.start_file, file.file_id, file.chunk_set, file.filename, file.attributes)
        async for chunks in self._pages(Chunk, file.chunk_set, CHUNKS):
            await self._do(writer.add_chunks, chunks)
        await self._add_vectors(writer, file.chunk_set)
        await self._do(writer.end_file)
        if replaces is not None:
            await self._do(writer.remove, replaces)

    async def _embed_anew(self, writer: IndexWriter, embedder: str | None, files: Sequence[Held]) -> None:
        """All in one commit: until then the vectors of the old embedder are searched."""
        await self._do(writer.begin)
        await self._do(writer.start_epoch, embedder)
        for file in files:
            await self._do(writer.resume, file)
            await self._add_vectors(writer, file.chunk_set)
            await self._do(writer.end_file)
        await self._do(writer.commit)
        await self._do(writer.clear_old_epochs)

    async def _add_vectors(self, writer: IndexWriter, chunk_set: str) -> None:
        if writer.state.embedder is None:
            return
        async for blocks in self._pages(VectorBlock, vectors_of(chunk_set, writer.state.embedder), BLOCKS):
            for block in blocks:
                if not await self._do(_add_block, writer, block):
                    logger.warning("⚠️ The vectors of %s cannot be used; they are left out of the search", block.id)

    async def _completed(self) -> AsyncIterator[VectorStoreFile]:
        after = None
        while True:
            page = await self.store.page(
                VectorStoreFile,
                self.vector_store_id,
                scope=EVERYONE,
                after=after,
                limit=FILES,
                order="asc",
                where={"status": "completed"},
            )
            for file in page.data:
                yield file
            if not page.has_more:
                return
            after = page.data[-1].seq

    async def _pages(self, kind: type[S], parent: str, limit: int) -> AsyncIterator[list[S]]:
        after = None
        while True:
            page = await self.store.page(kind, parent, scope=EVERYONE, after=after, limit=limit, order="asc")
            if page.data:
                yield page.data
            if not page.has_more:
                return
            after = page.data[-1].seq

    async def _do(self, work: Callable[..., T], *arguments: object, **named: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.executor, partial(_told, work, *arguments, **named))


def _told(work: Callable[..., T], *arguments: object, **named: object) -> T:
    with told():
        return work(*arguments, **named)


def _add_block(writer: IndexWriter, block: VectorBlock) -> bool:
    try:
        vectors = decoded(block)
    except ValueError:
        return False
    return writer.add_vectors(block.numbers, vectors)


def decoded(block: VectorBlock) -> Vectors:
    """The rows of a block as they were, to half precision. Raises ValueError."""
    rows = np.frombuffer(base64.b64decode(block.rows), "<f2").reshape(len(block.numbers), block.dimensions)
    return rows.astype(np.float32)
