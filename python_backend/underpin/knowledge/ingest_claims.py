"""Who reads a file into a vector store: one worker at a time, under a lease, a bounded number of times.

Every change of a file that is being read carries its key, its attempt and its worker, so a worker that came back from the dead,
or one whose file was cancelled or taken out meanwhile, changes nothing.
"""

from contextlib import suppress
from dataclasses import dataclass

from ..errors import ConditionFailed, NotFound
from ..objects.vector_store import VectorStore
from ..objects.vector_store_file import FileError, VectorStoreFile
from ..store.base import EVERYONE, Below, Changes, Conditions, In, Inc, IsSet, Store
from .ingest_attempt import Made
from .leftovers import clear_chunk_set
from .vector_stores import VectorStores

ATTEMPTS = 3
SEEN_AT_ONCE = 64
ENDED = In(("completed", "failed", "cancelled"))


@dataclass(frozen=True)
class IngestClaims:
    """`worker` is this process, `embedder` names whose vectors it makes. `waits_s`: the pauses before the second attempt and the
    third."""

    store: Store
    stores: VectorStores
    worker: str
    embedder: str
    lease_s: float
    waits_s: tuple[float, float] = (5.0, 30.0)

    async def waiting(self) -> list[VectorStoreFile]:
        """Some of the files that wait to be read."""
        where: Conditions = {"status": "in_progress", "due": Below(self.store.now())}
        return (await self.store.page(VectorStoreFile, None, scope=EVERYONE, where=where, limit=SEEN_AT_ONCE)).data

    async def take(self, file: VectorStoreFile) -> VectorStoreFile | None:
        """The file as its reader has it; None when another was faster, or it is not to be read any more."""
        if tries(file) >= ATTEMPTS:
            text = f"The server stopped {ATTEMPTS} times while it read this file. It may need more memory than there is."
            await self._end(file, {"status": "failed", "last_error": FileError(code="server_error", message=text)})
            return None
        changes: Changes = {
            "worker": self.worker,
            "attempt": Inc(),
            "due": self.store.now() + self.lease_s,
            # Named before the first vector is written.
            "embedders": list(dict.fromkeys([*file.embedders, self.embedder])),
        }
        return await self._change(file, changes)

    async def renew(self, file: VectorStoreFile) -> bool:
        """Say that this worker lives; False when the file is no longer its to read."""
        return await self._change(file, {"due": self.store.now() + self.lease_s}) is not None

    async def complete(self, file: VectorStoreFile, made: Made) -> bool:
        """From now on the attempt's chunks are the file's; False when it is no longer this worker's to read."""
        done: Changes = {
            "status": "completed",
            "chunk_set": file.set_of(file.attempt),
            "chunks": made.chunks,
            "usage_bytes": made.usage_bytes,
            "embedder": self.embedder,
            "last_error": None,
        }
        return await self._end(file, done)

    async def fail(self, file: VectorStoreFile, error: FileError) -> bool:
        """It cannot be read. False as `complete`."""
        return await self._end(file, {"status": "failed", "last_error": error})

    async def later(self, file: VectorStoreFile, error: FileError, *, wait_s: float | None = None) -> bool:
        """Read it again after a while, or tell that it failed when it was tried often enough. False as `complete`."""
        if tries(file) >= ATTEMPTS:
            return await self.fail(file, error)
        pause_s = max(wait_s or 0.0, self.waits_s[min(tries(file), len(self.waits_s)) - 1])
        return await self._change(file, {"worker": None, "due": self.store.now() + pause_s}) is not None

    async def hand_back(self, file: VectorStoreFile, *, wait_s: float = 0.0) -> bool:
        """Leave it to whoever comes next; that it was begun counts for nothing. False as `complete`."""
        back: Changes = {"worker": None, "due": self.store.now() + wait_s, "handed_back": Inc()}
        return await self._change(file, back) is not None

    async def settle(self, file: VectorStoreFile) -> None:
        """What is to be done behind a file's end: away with what died of it, and then the store hears of it. May be repeated."""
        for attempt in range(1, file.attempt + 1):
            if file.set_of(attempt) != file.chunk_set:
                await clear_chunk_set(self.store, file.set_of(attempt), file.embedders)
        with suppress(ConditionFailed, NotFound):
            if file.status == "completed":
                first = {"embedder": file.embedder}
                await self.store.update(VectorStore, file.vector_store_id, first, scope=EVERYONE, only_if={"embedder": None})
        await self.stores.changed(file.vector_store_id)
        with suppress(ConditionFailed, NotFound):
            only_if = {"key": file.key, "status": file.status}
            await self.store.update(VectorStoreFile, file.id, {"due": None}, scope=EVERYONE, only_if=only_if)

    async def unsettled(self, limit: int) -> list[VectorStoreFile]:
        """Files at their end of which not everybody heard."""
        where: Conditions = {"status": ENDED, "due": Below(self.store.now())}
        return (await self.store.page(VectorStoreFile, None, scope=EVERYONE, where=where, limit=limit)).data

    async def free_those_of_the_dead(self, limit: int) -> int:
        """Let files be read again whose worker this host knows to be dead; how many."""
        where: Conditions = {"status": "in_progress", "worker": IsSet()}
        at_work = (await self.store.page(VectorStoreFile, None, scope=EVERYONE, where=where, limit=limit)).data
        workers = {file.worker for file in at_work if file.worker is not None and file.worker != self.worker}
        dead = {worker for worker in workers if await self.store.worker_lives(worker) is False}
        left = [file for file in at_work if file.worker in dead]
        for file in left:
            await self._change(file, {"worker": None, "due": self.store.now()})
        return len(left)

    async def _end(self, file: VectorStoreFile, changes: Changes) -> bool:
        # Due at once: until the store has heard of it, the sweep comes back to it.
        ended = await self._change(file, {**changes, "worker": None, "due": self.store.now()})
        if ended is None:
            return False
        await self.settle(ended)
        return True

    async def _change(self, file: VectorStoreFile, changes: Changes) -> VectorStoreFile | None:
        only_if = {"key": file.key, "status": "in_progress", "attempt": file.attempt, "worker": file.worker}
        try:
            return await self.store.update(VectorStoreFile, file.id, changes, scope=EVERYONE, only_if=only_if)
        except (ConditionFailed, NotFound):
            return None


def tries(file: VectorStoreFile) -> int:
    """How many attempts count."""
    return file.attempt - file.handed_back
