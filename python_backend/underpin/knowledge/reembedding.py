"""New vectors for a whole vector store, when the configured embedder is another one than that of its vectors.

Until all files have the new vectors the old ones are searched; then the store names the new embedder, in one write. One worker
at a time does it, and whoever comes after a dead one goes on where that was.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from ..embedding.base import Embedder
from ..errors import ConditionFailed, EmbeddingFailed, NotFound, UnderpinError
from ..objects.chunk import Chunk, VectorBlock, vectors_of
from ..objects.vector_store import VectorStore
from ..objects.vector_store_file import VectorStoreFile
from ..store.base import EVERYONE, Changes, Conditions, Inc, IsSet, Store
from .chunk import new_part
from .vector_blocks import Part, batched, embedded

logger = logging.getLogger("underpin.knowledge")

PAGE = 200
SEEN_AT_START = 1000
"""Stores that are looked at when the server starts; any other is when it is searched next."""
AGAIN_S = 60.0
"""Before a store is tried again whose texts could not be embedded."""


class Reembedding:
    """One store at a time. `lease_s`: how long a worker that says nothing is believed to be at it."""

    def __init__(self, store: Store, embedder: Embedder, worker: str, *, lease_s: float) -> None:
        self._store = store
        self._embedder = embedder
        self._worker = worker
        self._lease_s = lease_s
        self._task: asyncio.Task[None] | None = None

    async def mark(self) -> None:
        """Find stores whose vectors are another embedder's."""
        where = {"embedder": IsSet()}
        for store in (await self._store.page(VectorStore, None, scope=EVERYONE, where=where, limit=SEEN_AT_START)).data:
            if store.embedder != self._embedder.name and store.due is None:
                with suppress(ConditionFailed, NotFound):
                    due = {"due": self._store.now()}
                    await self._store.update(VectorStore, store.id, due, scope=EVERYONE, only_if={"due": None})

    async def begin(self, store: VectorStore) -> None:
        """Make the store's new vectors, in the background, unless another store's are being made. It is due."""
        if self._task is not None and not self._task.done():
            return
        if store.embedder in (None, self._embedder.name):
            await self._let_go(store, None)
            return
        mine: Changes = {"worker": self._worker, "due": self._store.now() + self._lease_s}
        with suppress(ConditionFailed, NotFound):
            only_if = {"worker": store.worker, "due": store.due, "going": False}
            claimed = await self._store.update(VectorStore, store.id, mine, scope=EVERYONE, only_if=only_if)
            self._task = asyncio.create_task(self._work(claimed), name=f"embeds {store.id} again")

    async def wait(self) -> None:
        """Until no store's vectors are being made."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def stop(self) -> None:
        """Leave it to whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self, store: VectorStore) -> None:
        logger.info("Vector store %s is embedded again, by %s", store.id, self._embedder.name)
        try:
            while files := [file async for file in self._files(store) if file.embedder != self._embedder.name]:
                for file in files:
                    await self._embed(store, file)
            await self._flip(store)
            logger.info("Vector store %s is searched by the vectors of %s", store.id, self._embedder.name)
        except (ConditionFailed, NotFound):
            return  # it is gone, or another is at it
        except EmbeddingFailed as error:
            logger.warning("⚠️ Vector store %s keeps its old vectors for now: %s", store.id, error.message)
            await self._let_go(store, self._store.now() + max(AGAIN_S, error.retry_after_s or 0))
        except UnderpinError as error:
            logger.warning("⚠️ Vector store %s is embedded again later: %s", store.id, error.message)
        except Exception:
            logger.exception("❌ Embedding vector store %s again broke; it is tried again", store.id)

    async def _embed(self, store: VectorStore, file: VectorStoreFile) -> None:
        """One file. One that was taken out meanwhile is none."""
        assert file.chunk_set is not None
        only_if = {"key": file.key, "chunk_set": file.chunk_set}
        try:
            # Named before the first vector is written.
            named = {"embedders": list(dict.fromkeys([*file.embedders, self._embedder.name]))}
            await self._store.update(VectorStoreFile, file.id, named, scope=EVERYONE, only_if=only_if)
            number = 0
            async for batch in self._parts(file.chunk_set):
                await self._store.add_many([await embedded(self._embedder, number, batch)])
                number += 1
                await self._renew(store)
            done = {"embedder": self._embedder.name}
            await self._store.update(VectorStoreFile, file.id, done, scope=EVERYONE, only_if=only_if)
        except (ConditionFailed, NotFound) as gone:
            if isinstance(gone, ConditionFailed) and isinstance(gone.current, VectorStore):
                raise

    async def _flip(self, store: VectorStore) -> None:
        now: Changes = {"embedder": self._embedder.name, "generation": Inc(), "worker": None, "due": None}
        await self._store.update(VectorStore, store.id, now, scope=EVERYONE, only_if=self._ours(store))
        async for file in self._files(store):
            assert file.chunk_set is not None
            for old in file.embedders:
                if old != self._embedder.name:
                    await self._store.clear(VectorBlock, vectors_of(file.chunk_set, old), scope=EVERYONE)
            with suppress(ConditionFailed, NotFound):
                only = {"embedders": [self._embedder.name]}
                await self._store.update(VectorStoreFile, file.id, only, scope=EVERYONE, only_if={"key": file.key})

    async def _files(self, store: VectorStore) -> AsyncIterator[VectorStoreFile]:
        """Those that are searched."""
        after = None
        while True:
            page = await self._store.page(
                VectorStoreFile, store.id, scope=EVERYONE, after=after, limit=PAGE, order="asc", where={"status": "completed"}
            )
            for file in page.data:
                yield file
            if not page.has_more:
                return
            after = page.data[-1].seq

    async def _parts(self, chunk_set: str) -> AsyncIterator[list[Part]]:
        """A file's chunks as they were when it was read, in the same batches."""
        kept: list[Part] = []
        before: Chunk | None = None
        after = None
        while True:
            page = await self._store.page(Chunk, chunk_set, scope=EVERYONE, after=after, limit=PAGE, order="asc")
            for chunk in page.data:
                kept.append(Part(chunk, new_part(chunk, before)))
                before = chunk
            rest = iter(kept)
            # The last batch may be a part of one that goes on with the next page.
            while batch := batched(rest):
                left = list(rest)
                if not left and page.has_more:
                    kept = batch
                    break
                yield batch
                rest, kept = iter(left), left
            if not page.has_more:
                return
            after = page.data[-1].seq

    async def _renew(self, store: VectorStore) -> None:
        later: Changes = {"due": self._store.now() + self._lease_s}
        await self._store.update(VectorStore, store.id, later, scope=EVERYONE, only_if=self._ours(store))

    async def _let_go(self, store: VectorStore, due: float | None) -> None:
        only_if = {"worker": store.worker, "due": store.due} if due is None else self._ours(store)
        with suppress(ConditionFailed, NotFound):
            free = {"worker": None, "due": due}
            await self._store.update(VectorStore, store.id, free, scope=EVERYONE, only_if=only_if)

    def _ours(self, store: VectorStore) -> Conditions:
        return {"worker": self._worker, "embedder": store.embedder, "going": False}
