"""Batches: files that were put into a vector store together. How far a batch is, its files tell when it is asked for."""

import time
from collections.abc import Sequence

from ..errors import NotFound
from ..ids import new_id
from ..objects.file_batch import FileBatch
from ..objects.vector_store import FileCounts
from ..objects.vector_store_file import FileStatus, VectorStoreFile
from ..store.base import EVERYONE, Conditions, Scope, Store
from .file_counts import RecentCounts, tally
from .store_files import NewFile, StoreFiles
from .vector_stores import MOST_OF_AN_ID, VectorStores

AT_ONCE = 1000


class FileBatches:
    def __init__(self, store: Store, stores: VectorStores, files: StoreFiles) -> None:
        self._store = store
        self._stores = stores
        self._files = files
        self._recent = RecentCounts()

    async def create(self, owner: str, store_id: str, new: Sequence[NewFile]) -> FileBatch:
        """A batch of these files, each once. Raises as `StoreFiles.add_all`: no file was put in then."""
        store = await self._stores.usable(owner, store_id)
        batch = FileBatch(
            id=new_id("vsfb_"),
            owner=owner,
            seq=await self._store.next_seq(owner),
            created_at=int(time.time()),
            vector_store_id=store.id,
        )
        await self._files.add_all(owner, store.id, new, batch_id=batch.id)
        await self._store.add(batch)  # last: nobody knows its id before, and a file that is not there leaves no batch
        return await self.counted(batch)

    async def get(self, owner: str, store_id: str, id: str) -> FileBatch:
        """The batch with its status and counts. Raises NotFound, also as `VectorStores.get`."""
        return await self.counted(await self._find(owner, store_id, id))

    async def cancel(self, owner: str, store_id: str, id: str) -> FileBatch:
        """End the work on its files that are not done; those that are stay. A batch that is at its end is told as it is.

        Raises as `get`.
        """
        batch = await self.get(owner, store_id, id)
        if batch.status != "in_progress":
            return batch
        where: Conditions = {"batch_id": batch.id, "status": "in_progress"}
        while page := (
            await self._store.page(VectorStoreFile, batch.vector_store_id, scope=EVERYONE, where=where, limit=AT_ONCE)
        ).data:
            for file in page:
                await self._files.cancel(file)
        await self._stores.changed(batch.vector_store_id, by_request=True)
        self._recent.forget(batch.id)
        try:
            batch = await self._store.update(FileBatch, batch.id, {"status": "cancelled"}, scope=Scope(owner))
        except NotFound:
            raise missing(id) from None
        return await self.counted(batch)

    async def counted(self, batch: FileBatch) -> FileBatch:
        """The same with status and counts as they are now, or were a moment ago."""
        found, _ = await self._recent.of(batch.id, lambda: tally(self._store, batch.vector_store_id, {"batch_id": batch.id}))
        return batch.model_copy(update={"file_counts": found.counts, "status": _status(batch, found.counts)})

    async def _find(self, owner: str, store_id: str, id: str) -> FileBatch:
        store = await self._stores.get(owner, store_id)
        try:
            found = await self._store.get(FileBatch, id.replace("\0", ""), scope=Scope(owner))
        except NotFound:
            raise missing(id) from None
        if found.vector_store_id != store.id:
            raise missing(id)
        return found


def missing(id: str) -> NotFound:
    """For an id that names no batch of the store."""
    return NotFound(f"No vector store file batch found with id '{id[:MOST_OF_AN_ID]}'.")


def _status(batch: FileBatch, counts: FileCounts) -> FileStatus:
    if batch.status == "cancelled":
        return "cancelled"
    if counts.in_progress:
        return "in_progress"
    return "failed" if counts.total and counts.failed == counts.total else "completed"
