"""What nobody finished or nobody wants any more: files whose reader died, what was left of files, stores that were deleted or
have expired. Every step may be repeated, by any worker.
"""

import asyncio
import logging
import time
from contextlib import suppress

from ..errors import ConditionFailed, NotFound, UnderpinError
from ..objects.file_batch import FileBatch
from ..objects.leftover import Leftover
from ..objects.vector_store import VectorStore
from ..objects.vector_store_file import VectorStoreFile
from ..store.base import EVERYONE, Below, Conditions, In, Store
from .ingest import Ingest
from .ingest_claims import IngestClaims
from .leftovers import remove_leftover
from .reembedding import Reembedding
from .store_files import StoreFiles
from .vector_stores import VectorStores

logger = logging.getLogger("underpin.knowledge")

BATCH = 1000
BROKE = "The sweep of vector stores broke; the log tells why."


class IngestSweep:
    """`every_s`: the pause between two sweeps."""

    def __init__(
        self,
        store: Store,
        stores: VectorStores,
        files: StoreFiles,
        claims: IngestClaims,
        ingest: Ingest,
        reembedding: Reembedding,
        *,
        every_s: float,
    ) -> None:
        self._store = store
        self._stores = stores
        self._files = files
        self._claims = claims
        self._ingest = ingest
        self._reembedding = reembedding
        self._every_s = every_s
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.failing: str | None = None
        """Why the last sweep failed, for /ready; None when it did not."""

    async def start(self) -> None:
        """Free at once what readers left that the host knows to be dead, and then sweep on. May be repeated."""
        await self._claims.free_those_of_the_dead(BATCH)
        await self._reembedding.mark()
        if self._task is None:
            self._task = asyncio.create_task(self._sweep_forever(), name="sweep of vector stores")

    async def stop(self) -> None:
        """Sweep no more. May be called twice."""
        await self._reembedding.stop()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def soon(self) -> None:
        """A store was deleted: what was in it need not wait for the next round."""
        self._wake.set()

    async def sweep(self) -> None:
        """One round."""
        if await self._claims.free_those_of_the_dead(BATCH):
            self._ingest.wake()
        for file in await self._claims.unsettled(BATCH):
            await self._claims.settle(file)
        await self._remove_leftovers()
        await self._expire()
        for store in await self._due_stores():
            await self._look_at(store)

    async def _remove_leftovers(self) -> None:
        where: Conditions = {"due": Below(self._store.now())}
        for leftover in (await self._store.page(Leftover, None, scope=EVERYONE, where=where, limit=BATCH)).data:
            if await remove_leftover(self._store, leftover):
                await self._stores.changed(leftover.vector_store_id)

    async def _expire(self) -> None:
        where: Conditions = {"expires_at": Below(time.time()), "status": In(("in_progress", "completed"))}
        for store in (await self._store.page(VectorStore, None, scope=EVERYONE, where=where, limit=BATCH)).data:
            expired = {"status": "expired", "due": self._store.now()}
            with suppress(ConditionFailed, NotFound):  # it was used at the last moment
                only_if = {"expires_at": store.expires_at, "going": False}
                await self._store.update(VectorStore, store.id, expired, scope=EVERYONE, only_if=only_if)
                logger.info("Vector store %s has expired", store.id)

    async def _due_stores(self) -> list[VectorStore]:
        where: Conditions = {"due": Below(self._store.now())}
        return (await self._store.page(VectorStore, None, scope=EVERYONE, where=where, limit=BATCH)).data

    async def _look_at(self, store: VectorStore) -> None:
        if store.going:
            await self._empty(store)
            await self._store.delete(VectorStore, store.id, scope=EVERYONE)
        elif store.status == "expired":
            await self._empty(store)
            with suppress(NotFound):
                await self._store.update(VectorStore, store.id, {"due": None}, scope=EVERYONE)
        else:
            await self._reembedding.begin(store)

    async def _empty(self, store: VectorStore) -> None:
        while page := (await self._store.page(VectorStoreFile, store.id, scope=EVERYONE, limit=BATCH)).data:
            for file in page:
                await self._files.take_out(file)
        await self._store.clear(FileBatch, store.id, scope=EVERYONE)

    async def _sweep_forever(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.sweep()
                self.failing = None
            except UnderpinError as error:
                if self.failing is None:
                    logger.warning("⚠️ The sweep of vector stores failed: %s It is tried again.", error.message)
                self.failing = error.message
            except Exception:
                logger.exception("❌ The sweep of vector stores broke; it is tried again")
                self.failing = BROKE
