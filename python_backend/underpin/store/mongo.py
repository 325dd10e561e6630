"""The Store on MongoDB: a collection a kind, an object a document that a person can query, every verb one plain operation.

No transactions, no pipelines, no change streams: Atlas, replica sets, single servers and compatible ones are all the same to it.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from ..errors import AlreadyExists, ConditionFailed, NotFound
from ..ids import new_id
from ..objects.journal_chunk import JournalChunk
from ..objects.owner import Owner
from ..objects.run import Run
from ..objects.stored import Stored
from . import mongo_query as query
from .base import EVERYONE, Changes, Conditions, JournalWrite, Order, Page, Scope
from .fields import noun
from .host import HostWorkers
from .kinds import KINDS
from .mongo_connection import Connection, Document
from .mongo_documents import document_of, object_of

T = TypeVar("T", bound=Stored)

PREFIX = "underpin_"
"""Before the name of each collection: the database is the user's, and may have `threads` or `files` of its own."""
MOST_ROWS = 1000
_DUPLICATE_KEY = 11000
_INDEX_IS_THERE = {85, 86}  # the same index under another name, or another one under this name: it serves as it is
_LOOKS = 5
"""How often a refused update is tried again when every condition holds by the time one looks."""


class MongoStore:
    """The Store seam over a MongoDB URI. `host` tells which workers of this machine live; without it only leases tell.
    `answer_s` is how long a server may take to be chosen; while none answers at start, it is tried again every `retry_s`."""

    def __init__(
        self,
        uri: str,
        *,
        worker: str | None = None,
        host: HostWorkers | None = None,
        answer_s: float = 3.0,
        retry_s: float = 1.0,
        kinds: Sequence[type[Stored]] = KINDS,
    ) -> None:
        self.worker = worker or (host.name() if host else new_id("worker_"))
        self._host = host
        self.connection = Connection(uri, answer_s=answer_s, retry_s=retry_s, prepare=self._make_indexes)
        self._kinds = tuple(kinds)

    async def open(self) -> None:
        """Raises ConfigError for a URI or login that cannot work. A server that is away is no error: every verb raises
        StoreUnavailable until it answers."""
        if self._host is not None:
            await asyncio.to_thread(self._host.hold, self.worker)
        await self.connection.open()

    async def close(self) -> None:
        if self._host is not None:
            await asyncio.to_thread(self._host.release)
        await self.connection.close()

    def now(self) -> float:
        return self.connection.now()

    async def worker_lives(self, worker: str) -> bool | None:
        if worker == self.worker:
            return True
        return None if self._host is None else await asyncio.to_thread(self._host.lives, worker)

    async def ping(self) -> None:
        await self.connection.ping()

    async def add(self, obj: Stored) -> None:
        collection, document = self._collection(type(obj)), document_of(obj)

        async def insert() -> None:
            try:
                await collection.insert_one(document)
            except DuplicateKeyError:
                raise AlreadyExists(f"There is already a {noun(type(obj))} with id '{obj.id}'.") from None

        await self.connection.call(insert)

    async def get(self, kind: type[T], id: str, *, scope: Scope) -> T:
        collection = self._collection(kind)
        found = await self.connection.call(lambda: collection.find_one(query.one(kind, id, scope)))
        if found is None:
            raise NotFound(f"No {noun(kind)} found with id '{id}'.")
        return object_of(kind, found)

    async def update(self, kind: type[T], id: str, changes: Changes, *, scope: Scope, only_if: Conditions | None = None) -> T:
        wanted = only_if or {}
        collection, change = self._collection(kind), query.change(kind, changes)
        where = {"$and": [query.one(kind, id, scope), query.conditions(kind, wanted)]} if wanted else query.one(kind, id, scope)
        for _ in range(_LOOKS):
            found = await self.connection.call(partial(_change_one, collection, where, change))
            if found is not None:
                return object_of(kind, found)
            current = await self.get(kind, id, scope=scope)
            field = query.failing(wanted, current)
            if field is not None:
                break
        else:
            field = next(iter(wanted), "id")
        raise ConditionFailed(
            f"The {noun(kind)} '{id}' was not changed: its {field} is not what it must be.", field=field, current=current
        )

    async def delete(self, kind: type[T], id: str, *, scope: Scope) -> bool:
        collection = self._collection(kind)
        gone = await self.connection.call(lambda: collection.delete_one(query.one(kind, id, scope)))
        return gone.deleted_count > 0

    async def page(
        self,
        kind: type[T],
        parent: str | None,
        *,
        scope: Scope,
        after: int | None = None,
        before: int | None = None,
        limit: int = 20,
        order: Order = "desc",
        where: Conditions | None = None,
    ) -> Page[T]:
        """As the seam says. Raises ValueError for a limit beyond 1 to 1000, and for a place in the order of no parent."""
        collection = self._collection(kind)
        if not 1 <= limit <= MOST_ROWS:
            raise ValueError(f"limit is 1 to {MOST_ROWS}, not {limit}.")
        if parent is None and not (after is None and before is None):
            raise ValueError("after and before are places in one parent's order: they need a parent.")
        parts: list[query.Filter] = [query.conditions(kind, where or {}), query.in_scope(kind, scope)]
        falling = order == "desc"
        if parent is not None:
            above, below = (before, after) if falling else (after, before)
            # With `before` alone the rows nearest to it are wanted: they are taken from that end, and come in reverse.
            falling = falling != (before is not None and after is None)
            parts = [{kind.parent or "owner": parent}, query.between(above, below), *parts]
        cursor = collection.find({"$and": [part for part in parts if part]} if any(parts) else {})
        if parent is not None:
            cursor = cursor.sort("seq", DESCENDING if falling else ASCENDING)
        # One row more than asked for tells whether there are more.
        found = await self.connection.call(lambda: cursor.limit(limit + 1).to_list(limit + 1))
        data = [object_of(kind, document) for document in found[:limit]]
        return Page(data if falling == (order == "desc") else data[::-1], has_more=len(found) > limit)

    async def clear(self, kind: type[T], parent: str, *, scope: Scope, up_to_seq: int | None = None) -> int:
        collection = self._collection(kind)
        where = {"$and": [{kind.parent or "owner": parent}, query.in_scope(kind, scope), query.up_to(up_to_seq)]}
        where["$and"] = [part for part in where["$and"] if part]
        gone = await self.connection.call(lambda: collection.delete_many(where))
        return gone.deleted_count

    async def next_seq(self, owner: str) -> int:
        with contextlib.suppress(AlreadyExists):
            await self.add(Owner(id=owner, owner=owner, last_seq=1))
            return 1
        collection = self._collection(Owner)
        found = await self.connection.call(
            lambda: collection.find_one_and_update(
                {"_id": owner}, {"$inc": {"last_seq": 1}}, return_document=ReturnDocument.AFTER
            )
        )
        assert found is not None  # owners are never deleted
        return int(found["last_seq"])

    async def write_journal(self, batch: Sequence[JournalWrite]) -> list[bool]:
        chunks = [document_of(write.chunk) for write in batch if write.chunk is not None]
        if chunks:
            await self.connection.call(partial(_insert_new, self._collection(JournalChunk), chunks))
        return list(await asyncio.gather(*(self._move_head(write) for write in batch)))

    async def _move_head(self, write: JournalWrite) -> bool:
        runs, change = self._collection(Run), query.change(Run, write.changes)
        where = {"$and": [query.one(Run, write.run_id, EVERYONE), query.conditions(Run, write.only_if)]}
        if not change:
            return await self.connection.call(lambda: runs.find_one(where)) is not None
        return (await self.connection.call(lambda: runs.update_one(where, change))).matched_count > 0

    def _collection(self, kind: type[Stored]) -> AsyncCollection[Document]:
        if kind not in self._kinds:
            raise TypeError(f"{kind.__name__} is not among the kinds of this store.")
        return self.connection.collection(PREFIX + kind.kind)

    async def _make_indexes(self) -> None:
        """Beside what is there: an index that somebody made already is left as it is."""
        for kind in self._kinds:
            for fields in ((kind.parent or "owner", "seq"), *kind.indexes):
                index = IndexModel([(field, ASCENDING) for field in fields])
                await self.connection.attempt(partial(_make_index, self._collection(kind), index))


async def _change_one(collection: AsyncCollection[Document], where: Document, change: Document) -> Document | None:
    if not change:
        return await collection.find_one(where)
    return await collection.find_one_and_update(where, change, return_document=ReturnDocument.AFTER)


async def _insert_new(collection: AsyncCollection[Document], documents: list[dict[str, Any]]) -> None:
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if any(one.get("code") != _DUPLICATE_KEY for one in (error.details or {}).get("writeErrors", [])):
            raise


async def _make_index(collection: AsyncCollection[Document], index: IndexModel) -> None:
    try:
        await collection.create_indexes([index])
    except OperationFailure as error:
        if error.code not in _INDEX_IS_THERE:
            raise
