"""No query walks a collection: every command that the store sends begins with an index that it made. Where a server explains its
plans, it says so itself."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from tests.contracts.stored_things import chunk
from tests.mongo_servers.scripted import ScriptedMongo
from underpin.errors import NotFound
from underpin.objects.message import Message
from underpin.objects.run import Run
from underpin.objects.stored import DEFAULT_OWNER, Stored
from underpin.objects.vector_store import VectorStore
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store.base import EVERYONE, Below, In, Inc, IsSet, JournalWrite, Scope
from underpin.store.kinds import KINDS
from underpin.store.mongo import MongoStore
from underpin.store.mongo_conversations import MongoConversations

Document = dict[str, Any]
ANN = Scope("ann")
SCOPES = (ANN, EVERYONE, Scope("ann", shared=True))
ANSWER_S = 20


class Indexed(Stored):
    """A kind that is searched under its parent."""

    kind: ClassVar[str] = "indexed"
    parent: ClassVar[str | None] = "thread_id"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("thread_id", "run_id"),)

    thread_id: str
    run_id: str | None = None


@dataclass(frozen=True)
class Query:
    """What a command looks for."""

    collection: str
    filter: Document
    sort: tuple[tuple[str, int], ...] = ()

    def plan(self, indexes: Sequence[Sequence[str]]) -> tuple[str, ...]:
        """The index that finds it, without a look at anything outside of a stretch of that index, and gives it in order; the one
        with the shortest such stretch. Empty when there is none."""
        good = []
        for index in indexes:
            equal = next((at for at, field in enumerate(index) if not self._is_equal(field)), len(index))
            rest = list(index[equal:])
            bounded = bool(rest) and rest[0] in self.fields()
            if (equal or bounded) and [field for field, _ in self.sort] == rest[: len(self.sort)]:
                good.append((equal, bounded, tuple(index)))
        return max(good)[-1] if good else ()

    def fields(self) -> Document:
        apart = {field: wanted for part in self.filter.get("$and", []) for field, wanted in part.items()}
        return {**apart, **{field: wanted for field, wanted in self.filter.items() if not field.startswith("$")}}

    def _is_equal(self, field: str) -> bool:
        wanted = self.fields().get(field, {"$ne": None})
        return not isinstance(wanted, dict) or wanted.keys() <= {"$eq", "$in"}  # of a few values, which MongoDB merges in order


def queries(commands: Sequence[Document]) -> Iterator[Query]:
    for command in commands:
        match command:
            case {"find": collection, "filter": filter}:
                yield Query(collection, filter, tuple(command.get("sort", {}).items()))
            case {"findAndModify": collection, "query": filter}:
                yield Query(collection, filter)
            case {"update": collection, "updates": parts} | {"delete": collection, "deletes": parts}:
                yield from (Query(collection, part["q"]) for part in parts)


def indexes_made(commands: Sequence[Document]) -> dict[str, list[list[str]]]:
    made: dict[str, list[list[str]]] = {}
    for command in commands:
        if "createIndexes" in command:
            keys = [list(index["key"]) for index in command["indexes"]]
            made.setdefault(command["createIndexes"], [["_id"]]).extend(keys)
    return made


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ScriptedMongo]:
    async with ScriptedMongo() as server:
        yield server


@pytest_asyncio.fixture
async def asked(server: ScriptedMongo) -> list[Document]:
    """Every command of every way to use the store, on a database in which nothing is found."""
    async with AsyncExitStack() as opened:
        store = MongoStore(f"mongodb://127.0.0.1:{server.port}/soil", kinds=[*KINDS, Indexed])
        opened.push_async_callback(store.close)
        await store.open()
        await everything(store)
    return server.commands


async def everything(store: MongoStore) -> None:
    for kind in (*KINDS, Indexed):
        for scope in SCOPES:
            await one_of(store, kind, scope)
        for scope in (ANN, EVERYONE):
            await listed(store, kind, scope)
        for fields in kind.indexes:
            await searched(store, kind, fields)
    claim = {"claim": "c", "status": In(("queued",)), "settled": False, "lease_until": Below(5), "worker": IsSet()}
    await nothing(store.update(Run, "x", {"claim_no": Inc(), "lease_until": 5.0}, scope=EVERYONE, only_if=claim))
    await store.write_journal([JournalWrite(f"run_{n}", chunk(f"run_{n}", 1), {"journal_last": 1}, {"claim": "c"}) for n in "ab"])
    for order in ("asc", "desc"):
        await store.page(Run, "x", scope=ANN, where={"waiting": True}, limit=1, order=order)  # type: ignore[arg-type]
        await store.page(Message, "x", scope=ANN, where={"run_id": "r"}, limit=100, order=order)  # type: ignore[arg-type]
    await store.page(Run, None, scope=ANN, where={"thread_id": "x"})
    for state in ({"status": "in_progress", "worker": IsSet()}, {"status": In(("failed", "cancelled")), "due": Below(5)}):
        await store.page(VectorStoreFile, None, scope=EVERYONE, where=state)
    await store.page(VectorStore, None, scope=EVERYONE, where={"embedder": IsSet()})
    await store.page(VectorStore, None, scope=EVERYONE, where={"expires_at": Below(5), "status": In(("completed",))})
    await conversations(MongoConversations(store))


async def one_of(store: MongoStore, kind: type[Stored], scope: Scope) -> None:
    await nothing(store.get(kind, "x", scope=scope))
    await nothing(store.update(kind, "x", {"seq": Inc()}, scope=scope, only_if={"seq": 0}))
    await nothing(store.update(kind, "x", {}, scope=scope, only_if={"seq": 0}))
    await store.delete(kind, "x", scope=scope)


async def listed(store: MongoStore, kind: type[Stored], scope: Scope) -> None:
    await store.page(kind, "x", scope=scope, after=9, limit=20)
    await store.page(kind, "x", scope=scope, after=3, limit=20, order="asc")
    await store.clear(kind, "x", scope=scope)
    await store.clear(kind, "x", scope=scope, up_to_seq=5)


async def searched(store: MongoStore, kind: type[Stored], fields: Sequence[str]) -> None:
    if fields[0] == (kind.parent or "owner"):
        await store.page(kind, "x", scope=EVERYONE, where=dict.fromkeys(fields[1:], "x"))
    else:
        where = {**dict.fromkeys(fields[:-1], "x"), fields[-1]: Below(5)}
        await store.page(kind, None, scope=EVERYONE, where=where, limit=100)


async def conversations(rooms: MongoConversations) -> None:
    for user in ("ann", DEFAULT_OWNER):
        await rooms.get(user, "x")
        await rooms.page(user)
        await rooms.rename(user, "x", name="y", is_group=True)
        await rooms.touch(user, "x")
        await rooms.delete(user, "x")


async def nothing(found: Any) -> None:
    with pytest.raises(NotFound):
        await found


async def test_every_query_begins_with_an_index(asked: list[Document]) -> None:
    made = indexes_made(asked)
    found = list(queries(asked))
    without = [query for query in found if query.plan(made.get(query.collection, [["_id"]])) == ()]
    assert without == []
    assert {query.collection for query in found} >= {f"underpin_{kind.kind}" for kind in KINDS} | {"conversations"}
    assert len(found) > 200


async def test_every_index_is_used(asked: list[Document]) -> None:
    """One that no query walks is paid for with every write, for nothing."""
    made = indexes_made(asked)
    used = {(query.collection, query.plan(made.get(query.collection, [["_id"]]))) for query in queries(asked)}
    unused = [(collection, index) for collection, indexes in made.items() for index in indexes[1:]]
    assert [(collection, index) for collection, index in unused if (collection, tuple(index)) not in used] == []


def test_the_check_sees_a_walk_from_end_to_end() -> None:
    indexes = [["_id"], ["thread_id", "seq"], ["settled", "lease_until"]]
    assert Query("x", {"owner": "ann"}).plan(indexes) == ()
    assert Query("x", {"thread_id": {"$ne": None}, "seq": 5}, (("seq", 1),)).plan(indexes) == ()
    assert Query("x", {"lease_until": {"$lt": 5}}).plan(indexes) == ()
    assert Query("x", {"thread_id": "t"}, (("created_at", 1),)).plan(indexes) == ()
    assert Query("x", {"thread_id": "t", "seq": {"$gt": 5}}, (("seq", 1),)).plan(indexes) == ("thread_id", "seq")
    assert Query("x", {"settled": {"$eq": False}, "lease_until": {"$lt": 5}}).plan(indexes) == ("settled", "lease_until")


async def test_the_server_has_the_indexes_and_scans_no_collection(asked: list[Document], mongo_database: str) -> None:
    store = MongoStore(mongo_database, kinds=[*KINDS, Indexed])
    await store.open()
    await store.close()
    async with AsyncMongoClient[Document](mongo_database, serverSelectionTimeoutMS=ANSWER_S * 1000) as client:
        database = client.get_default_database()
        for collection, indexes in indexes_made(asked).items():
            there = [list(one["key"]) async for one in await database[collection].list_indexes()]
            assert [index for index in indexes if index not in there] == []
        for command in asked:
            if any(name in command for name in ("find", "findAndModify", "update", "delete")):
                stages = await explained(database, command)
                assert "COLLSCAN" not in stages, command


async def explained(database: Any, command: Document) -> str:
    """The plan as text; nothing where the server has none of MongoDB's form."""
    plain = {key: value for key, value in command.items() if not key.startswith("$") and key not in ("lsid", "writeConcern")}
    if len(plain.get("updates", plain.get("deletes", []))) > 1:
        plain["updates"] = plain["updates"][:1]  # one is explained at a time
    try:
        return str((await database.command({"explain": plain, "verbosity": "queryPlanner"})).get("queryPlanner"))
    except OperationFailure as error:
        if error.code not in (59, 238):  # no such command, not implemented: the indexes that are there must do
            raise
        return ""
