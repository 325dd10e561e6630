"""The files of vector stores: put in, found, taken out. Each is a job from the moment when it is put in: `ingest.py` does it.

A file that is taken out is gone with one delete; before it, a leftover names the chunks and vectors that nobody reads any more,
and whoever comes first removes those. So each step may be repeated, by the sweep too.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ..errors import AlreadyExists, BadInput, ConditionFailed, NotFound, StoreUnavailable
from ..files.files import Files
from ..ids import derived_id, new_id
from ..objects.chunk import Chunk
from ..objects.file import File
from ..objects.leftover import Leftover
from ..objects.vector_store import VectorStore
from ..objects.vector_store_file import Attribute, Chunking, StaticChunking, VectorStoreFile
from ..store.base import EVERYONE, Order, Page, Scope, Store
from .leftovers import remove_leftover
from .vector_stores import MOST_OF_AN_ID, VectorStores

MOST_FILES = 10_000
"""OpenAI's limit for one store."""
AT_ONCE = 20
"""Files that are looked up at the same time."""
LOOKS = 5
"""How often one file is tried to be put in while others take it out."""


@dataclass(frozen=True)
class NewFile:
    """A file that is to be put into a store."""

    file_id: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    chunking: Chunking = field(default_factory=StaticChunking)


def store_file_id(vector_store_id: str, file_id: str) -> str:
    """The stored id of a file in a vector store."""
    return derived_id("vsf_", vector_store_id, file_id)


class StoreFiles:
    """`lease_s`: how long after its last word a worker may still be writing chunks. `on_new` is called when files were put in,
    with the one when it was one alone, which need not wait for those of a batch."""

    def __init__(self, store: Store, files: Files, stores: VectorStores, *, lease_s: float) -> None:
        self._store = store
        self._files = files
        self._stores = stores
        self._lease_s = lease_s
        self._looks = asyncio.Semaphore(AT_ONCE)
        self.on_new: Callable[[VectorStoreFile | None], None] = lambda new: None

    async def add(
        self,
        owner: str,
        store_id: str,
        file_id: str,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        chunking: Chunking | None = None,
    ) -> VectorStoreFile:
        """Put one file in, to be read soon. One that is in the store already is not read again, unless it failed, was cancelled,
        or is to be cut otherwise; it has the new attributes, or keeps its own when none are given.

        Raises NotFound for store or file (its param is `file_id`), WrongState for an expired store, BadInput when it is full.
        """
        new = NewFile(file_id, attributes or {}, chunking or StaticChunking())
        store = await self._stores.usable(owner, store_id)
        [file] = await self.known(owner, [new], "file_id")
        await self._refuse_more(store, 1)
        first = await self._stores.reserve(store, 1)
        added = await self._put(_job(store, file, new, first, None, self._store.now()))
        await self._stores.changed(store.id, by_request=True)
        self.on_new(added)
        return added

    async def add_all(self, owner: str, store_id: str, new: Sequence[NewFile], *, batch_id: str | None = None) -> None:
        """Put many in, each once. Raises as `add`, for the first that cannot be, and then none was put in."""
        store = await self._stores.usable(owner, store_id)
        new = list({one.file_id: one for one in new}.values())
        files = await self.known(owner, new, "file_ids")
        await self._refuse_more(store, len(new))
        first = await self._stores.reserve(store, len(new))
        jobs = [
            _job(store, file, one, first + at, batch_id, self._store.now())
            for at, (file, one) in enumerate(zip(files, new, strict=True))
        ]
        await self._store.add_many(jobs)
        for job in await self._left_out(jobs):
            await self._put(job)
        await self._stores.changed(store.id, by_request=True)
        self.on_new(None)

    async def known(self, owner: str, new: Sequence[NewFile], param: str) -> list[File]:
        """The files that are named, in their order. Raises NotFound with the place of the first that is not there."""

        async def one(at: int, file_id: str) -> File:
            async with self._looks:
                try:
                    return await self._files.get(owner, file_id)
                except NotFound as error:
                    raise NotFound(error.message, param=param if param == "file_id" else f"{param}[{at}]") from None

        asked = [one(at, given.file_id) for at, given in enumerate(new)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        for answer in found:
            if isinstance(answer, BaseException):
                raise answer
        return [answer for answer in found if isinstance(answer, File)]

    async def get(self, owner: str, store_id: str, file_id: str) -> VectorStoreFile:
        """Raises NotFound `No file found with id 'file-x' in vector store 'vs_y'.`, and as `VectorStores.get`."""
        store = await self._stores.get(owner, store_id)
        try:
            return await self._store.get(VectorStoreFile, store_file_id(store.id, file_id), scope=Scope(owner))
        except NotFound:
            raise missing(store.id, file_id) from None

    async def modify(self, owner: str, store_id: str, file_id: str, attributes: Mapping[str, Attribute]) -> VectorStoreFile:
        """Give it these attributes instead of its own. Raises as `get`."""
        found = await self.get(owner, store_id, file_id)
        try:
            changed = await self._store.update(
                VectorStoreFile, found.id, {"attributes": dict(attributes)}, scope=Scope(owner), only_if={"key": found.key}
            )
        except (NotFound, ConditionFailed):
            raise missing(store_id, file_id) from None
        await self._stores.changed(found.vector_store_id, by_request=True)
        return changed

    async def remove(self, owner: str, store_id: str, file_id: str) -> None:
        """Take it out; the file itself stays. Its work is given up, if it is at work. Raises as `get`."""
        await self.take_out(await self.get(owner, store_id, file_id))

    async def forget_file(self, file_id: str) -> None:
        """Take a file that is deleted out of every vector store. May be repeated."""
        while page := (await self._store.page(VectorStoreFile, None, scope=EVERYONE, where={"file_id": file_id})).data:
            for found in page:
                await self.take_out(found)

    async def take_out(self, file: VectorStoreFile) -> None:
        """Remove a file from its store, with all that was made of it. May be repeated."""
        now = self._store.now()
        at_work = file.status == "in_progress"
        leftover = Leftover(
            id=file.key,
            owner=file.owner,
            vector_store_id=file.vector_store_id,
            store_file=file.id,
            # One attempt more: it may be beginning at this moment.
            chunk_sets=[file.set_of(attempt) for attempt in range(1, file.attempt + 2)],
            embedders=file.embedders,
            due=now + self._lease_s if at_work else now,
        )
        with suppress(AlreadyExists):  # it was begun before
            await self._store.add(leftover)
        await self._store.delete(VectorStoreFile, file.id, scope=EVERYONE)
        await self._stores.changed(file.vector_store_id, by_request=True)
        if not at_work:
            await self._remove_now(leftover)

    async def cancel(self, file: VectorStoreFile) -> None:
        """End its work, if it is not at its end. What the work left is removed by the sweep."""
        ended = {"status": "cancelled", "worker": None, "due": self._store.now() + self._lease_s}
        try:
            await self._store.update(
                VectorStoreFile, file.id, ended, scope=EVERYONE, only_if={"status": "in_progress", "key": file.key}
            )
        except (NotFound, ConditionFailed):
            return

    async def chunks(
        self, file: VectorStoreFile, *, after: int | None = None, limit: int = 100, order: Order = "asc"
    ) -> Page[Chunk]:
        """What a completed file was cut into, in its order; `after` is a chunk's `seq`. Empty while it is not completed."""
        if file.chunk_set is None:
            return Page([], has_more=False)
        return await self._store.page(Chunk, file.chunk_set, scope=Scope(file.owner), after=after, limit=limit, order=order)

    async def _remove_now(self, leftover: Leftover) -> None:
        try:
            await remove_leftover(self._store, leftover)
        except StoreUnavailable:
            return  # the sweep does it

    async def _refuse_more(self, store: VectorStore, files: int) -> None:
        # What was ever put in is as good while it is below the limit, and costs nothing.
        if store.last_seq + files <= MOST_FILES:
            return
        there = (await self._stores.tally(store)).counts.total
        if there + files > MOST_FILES:
            most = f"{MOST_FILES:,} at most. Take some out, or make another store."
            raise BadInput(f"Vector store '{store.id}' has {there:,} files, and may have {most}")

    async def _left_out(self, jobs: Sequence[VectorStoreFile]) -> list[VectorStoreFile]:
        """Those in whose place another stood already."""
        if jobs and jobs[0].seq == 1:
            return []  # nothing was ever put in before
        there = await asyncio.gather(*(self._key_of(job.id) for job in jobs))
        return [job for job, key in zip(jobs, there, strict=True) if key is not None and key != job.key]

    async def _key_of(self, id: str) -> str | None:
        async with self._looks:
            try:
                return (await self._store.get(VectorStoreFile, id, scope=EVERYONE)).key
            except NotFound:
                return None

    async def _put(self, job: VectorStoreFile) -> VectorStoreFile:
        """The job in its place, or the file that stands there and is as good."""
        for _ in range(LOOKS):
            try:
                await self._store.add(job)
            except AlreadyExists:
                there, job = await self._as_good(job)
                if there is not None:
                    return there
            else:
                return job
        raise StoreUnavailable(f"The file '{job.file_id}' is taken out as often as it is put in.", retry_after_s=1)

    async def _as_good(self, job: VectorStoreFile) -> tuple[VectorStoreFile | None, VectorStoreFile]:
        """What is there, with the job's attributes and batch; None when it was taken out, so that the job may have its place. And
        the job, with the attributes of what is there when it has none: putting a file in again is no wish to lose them."""
        try:
            there = await self._store.get(VectorStoreFile, job.id, scope=Scope(job.owner))
            job = job.model_copy(update={"attributes": job.attributes or there.attributes})
            if there.status in ("failed", "cancelled") or there.chunking_strategy != job.chunking_strategy:
                await self.take_out(there)
                return None, job
            changes = {"attributes": job.attributes, "batch_id": job.batch_id or there.batch_id}
            good = await self._store.update(
                VectorStoreFile, there.id, changes, scope=Scope(job.owner), only_if={"key": there.key}
            )
        except (NotFound, ConditionFailed):
            return None, job
        return good, job


def missing(store_id: str, file_id: str) -> NotFound:
    """In OpenAI's words."""
    return NotFound(f"No file found with id '{file_id[:MOST_OF_AN_ID]}' in vector store '{store_id[:MOST_OF_AN_ID]}'.")


def _job(store: VectorStore, file: File, new: NewFile, seq: int, batch_id: str | None, due: float) -> VectorStoreFile:
    return VectorStoreFile(
        id=store_file_id(store.id, file.id),
        owner=store.owner,
        seq=seq,
        created_at=int(time.time()),
        vector_store_id=store.id,
        chunking_strategy=new.chunking,
        attributes=dict(new.attributes),
        file_id=file.id,
        filename=file.filename,
        batch_id=batch_id,
        key=new_id("cs_"),
        due=due,
    )
