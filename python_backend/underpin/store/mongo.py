"""The Store on MongoDB: a collection a kind, an object a document that a person can query, every verb one plain operation.

No transactions, no pipelines, no change streams: Atlas, replica sets, single servers and compatible ones are all the same to it.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from ..errors import AlreadyExists, ConditionFailed, NotFound, StoreUnavailable
from ..ids import new_id
from ..objects.journal_chunk import JournalChunk
from ..objects.owner import Owner
from ..objects.run import Run
from ..objects.stored import Stored
from . import mongo_journal as journal
from . import mongo_query as query
from .base import Changes, Conditions, JournalWrite, Order, Page, Scope
from .fields import batches, noun
from .host import HostWorkers
from .kinds import KINDS
from .mongo_address import Document, Timeouts
from .mongo_connection import Connection
from .mongo_documents import document_of, object_of
from .mongo_indexes import collection_name, indexes_of, indexes_of_conversations, make_indexes
from .mongo_query import Filter, Update
from .sqlite_query import stretch

T = TypeVar("T", bound=Stored)

MOST_ROWS = 1000
LOOKS = 20
"""How often a refused update is tried again when by the time one looks nothing speaks against it any more."""


class MongoStore:
    """The Store seam over a MongoDB URI. `host` tells which workers of this machine live; without it only leases tell.
    While no server answers at start, it is tried again every `retry_s`."""

    def __init__(
        self,
        uri: str,
        *,
        worker: str | None = None,
        host: HostWorkers | None = None,
        timeouts: Timeouts | None = None,
        retry_s: float = 1.0,
        kinds: Sequence[type[Stored]] = KINDS,
    ) -> None:
        self.worker = worker or (host.name() if host else new_id("worker_"))
        self.connection = Connection(uri, prepare=self._prepare, timeouts=timeouts, retry_s=retry_s)
        self._host = host
        self._kinds = tuple(kinds)

    async def open(self) -> None:
        """Raises ConfigError for a URI, a login or a certificate that cannot work. A server that is away is no error: every verb
        raises StoreUnavailable until it answers."""
        if self._host is not None:
            await asyncio.to_thread(self._host.hold, self.worker)
        await self.connection.open()

    async def close(self) -> None:
        await self.connection.close()
        if self._host is not None:
            await asyncio.to_thread(self._host.release)

    def now(self) -> float:
        return self.connection.now()

    async def worker_lives(self, worker: str) -> bool | None:
        if worker == self.worker:
            return True
        return None if self._host is None else await asyncio.to_thread(self._host.lives, worker)

    async def ping(self) -> None:
        await self.connection.ping()

    async def add(self, obj: Stored) -> None:
        kind = type(obj)
        await self.connection.call(partial(_insert, self._collection(kind), kind, document_of(obj)), turns=[_turn(kind, obj.id)])

    async def add_many(self, objs: Sequence[Stored]) -> None:
        for batch in batches(objs):
            documents: dict[type[Stored], list[Document]] = {}
            for obj in batch:
                documents.setdefault(type(obj), []).append(document_of(obj))
            for kind, new in documents.items():
                await self.connection.call(
                    partial(journal.insert_new, self._collection(kind), new), turns=[_turn(kind, str(one["_id"])) for one in new]
                )

    async def get(self, kind: type[T], id: str, *, scope: Scope) -> T:
        return object_of(kind, await self.connection.call(partial(_look, self._collection(kind), kind, id, scope)))

    async def update(self, kind: type[T], id: str, changes: Changes, *, scope: Scope, only_if: Conditions | None = None) -> T:
        change = query.update(kind, id, changes, only_if or {}, scope)
        work = partial(_update, self._collection(kind), kind, id, scope, change, only_if or {})
        return object_of(kind, await self.connection.call(work, turns=[_turn(kind, id)]))

    async def delete(self, kind: type[T], id: str, *, scope: Scope) -> bool:
        collection, where = self._collection(kind), query.one(kind, id, scope)
        gone = await self.connection.call(lambda: collection.delete_one(where), turns=[_turn(kind, id)])
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
        # One row more than asked for tells whether there are more.
        part = stretch(after, before, order, rows=limit + 1)
        if parent is not None:
            cursor = collection.find(query.of_parent(kind, parent, where or {}, scope, part))
            cursor = cursor.sort("seq", DESCENDING if part.falling else ASCENDING)
        elif after is None and before is None:
            cursor = collection.find(query.everywhere(kind, where or {}, scope))
        else:
            raise ValueError("after and before are places in one parent's order: they need a parent.")
        found = await self.connection.call(cursor.limit(part.rows).batch_size(part.rows).to_list)
        data = [object_of(kind, document) for document in found[:limit]]
        return Page(data if part.falling == (order == "desc") else data[::-1], has_more=len(found) > limit)

    async def clear(self, kind: type[T], parent: str, *, scope: Scope, up_to_seq: int | None = None) -> int:
        collection, where = self._collection(kind), query.clear(kind, parent, scope, up_to_seq)
        return (await self.connection.call(lambda: collection.delete_many(where))).deleted_count

    async def next_seq(self, owner: str) -> int:
        first = document_of(Owner(id=owner, owner=owner, last_seq=1))
        return await self.connection.call(partial(_count, self._collection(Owner), first), turns=[_turn(Owner, owner)])

    async def write_journal(self, batch: Sequence[JournalWrite]) -> list[bool]:
        heads = journal.updates(batch)
        work = partial(journal.write, self._collection(JournalChunk), self._collection(Run), batch, heads)
        return await self.connection.call(work, turns=[*{_turn(Run, one.run_id) for one in batch}]) if batch else []

    def _collection(self, kind: type[Stored]) -> AsyncCollection[Document]:
        if kind not in self._kinds:
            raise TypeError(f"{kind.__name__} is not among the kinds of this store.")
        return self.connection.collection(collection_name(kind))

    async def _prepare(self, database: AsyncDatabase[Document]) -> None:
        kinds = [index for kind in self._kinds for index in indexes_of(kind)]
        await make_indexes(database, [*kinds, *indexes_of_conversations()])


def _turn(kind: type[Stored], id: str) -> str:
    """What one process writes to an object is done in the order in which it was asked for, also after a caller went away."""
    return f"{kind.kind} {id}"


async def _insert(collection: AsyncCollection[Document], kind: type[Stored], document: Document) -> None:
    try:
        await collection.insert_one(document)
    except DuplicateKeyError:
        raise AlreadyExists(f"There is already a {noun(kind)} with id '{document['_id']}'.") from None


async def _look(collection: AsyncCollection[Document], kind: type[Stored], id: str, scope: Scope) -> Document:
    found = await collection.find_one(query.one(kind, id, scope))
    if found is None:
        raise NotFound(f"No {noun(kind)} found with id '{id}'.")
    return found


async def _update(
    collection: AsyncCollection[Document],
    kind: type[Stored],
    id: str,
    scope: Scope,
    update: Update,
    only_if: Conditions,
) -> Document:
    """One operation when it holds. When it does not, a look at the object tells why; others may change it in between, and then
    it is tried again."""
    for _ in range(LOOKS):
        found = await _changed(collection, update)
        if found is not None:
            return found
        current = await _look(collection, kind, id, scope)
        if (field := query.failing(only_if, current)) is not None:
            raise ConditionFailed(
                f"The {noun(kind)} '{id}' was not changed: its {field} is not what it must be.",
                field=field,
                current=object_of(kind, current),
            )
        for field, default in update.defaults.items():
            lacking: Filter = {"_id": id, field: None}
            await collection.update_one(lacking, {"$set": {field: default}})
    raise StoreUnavailable(f"The {noun(kind)} '{id}' changes too fast to be looked at.", retry_after_s=1)


async def _changed(collection: AsyncCollection[Document], update: Update) -> Document | None:
    if not update.change:
        return await collection.find_one(update.where)
    return await collection.find_one_and_update(update.where, update.change, return_document=ReturnDocument.AFTER)


async def _count(collection: AsyncCollection[Document], first: Document) -> int:
    """The next number of an owner; the owner's document is made with the first."""
    for _ in range(LOOKS):
        counted = await collection.find_one_and_update(
            {"_id": first["_id"]}, {"$inc": {"last_seq": 1}}, return_document=ReturnDocument.AFTER
        )
        if counted is not None:
            return int(counted["last_seq"])
        try:
            await collection.insert_one(first)
        except DuplicateKeyError:
            continue  # another was first
        return int(first["last_seq"])
    raise StoreUnavailable(f"The owner '{first['_id']}' is deleted as often as it is made.", retry_after_s=1)
