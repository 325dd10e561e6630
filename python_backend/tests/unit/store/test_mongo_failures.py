"""When MongoDB refuses: one sentence each that names the host and no secret, and nobody else's write suffers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from tests.contracts.stored_things import ANN, chunk, message, run, thread
from tests.mongo_servers.processes import MongoProcess
from tests.mongo_servers.scripted import Answer, ScriptedMongo, failing
from underpin.errors import BadInput, ConditionFailed, NotFound, StoreUnavailable, UnderpinError
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.message import text_content
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.store import mongo_indexes
from underpin.store.base import Inc, JournalWrite
from underpin.store.mongo import MongoStore
from underpin.store.mongo_address import Timeouts
from underpin.store.mongo_indexes import Index, indexes_of

Document = dict[str, Any]
SECRET = "geheim-7f3a"
QUICK = Timeouts(answer_s=0.5, socket_s=1.0)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ScriptedMongo]:
    async with ScriptedMongo() as server:
        yield server


@pytest_asyncio.fixture
async def store(server: ScriptedMongo) -> AsyncIterator[MongoStore]:
    """On a server that says what a test tells it to."""
    store = MongoStore(f"mongodb://127.0.0.1:{server.port}/soil", timeouts=QUICK, retry_s=0.1)
    await store.open()
    yield store
    await store.close()


@pytest_asyncio.fixture
async def database(mongo_database: str) -> AsyncIterator[AsyncDatabase[Document]]:
    async with AsyncMongoClient[Document](mongo_database, serverSelectionTimeoutMS=20_000) as client:
        yield client.get_default_database()


@pytest_asyncio.fixture
async def real(mongo_database: str) -> AsyncIterator[MongoStore]:
    """On a server that keeps things."""
    store = MongoStore(mongo_database)
    await store.open()
    yield store
    await store.close()


def write_error(code: int) -> Answer:
    return lambda command: {"ok": 1, "n": 0, "nModified": 0, "writeErrors": [{"index": 0, "code": code, "errmsg": f"E {SECRET}"}]}


UNCONFIRMED = {"code": 64, "codeName": "WriteConcernTimeout", "errmsg": f"waiting {SECRET}", "errInfo": {"wtimeout": True}}

REFUSALS: list[tuple[Answer, str]] = [
    (failing(10107, f"not primary {SECRET}", "NotWritablePrimary"), "is choosing another primary member"),
    (failing(11600, f"interrupted at shutdown {SECRET}", "InterruptedAtShutdown"), ""),
    (failing(14031, f"no space {SECRET}", "OutOfDiskSpace"), "has no space left"),
    (failing(8000, f"you are over your space quota {SECRET}", "AtlasError"), "has no space left"),
    (failing(13, f"not authorized {SECRET}", "Unauthorized"), "Give it the role readWrite there"),
    (failing(50, f"time {SECRET}", "MaxTimeMSExpired"), "took too long"),
    (failing(96, f"what {SECRET}", "OperationFailed"), "refused an operation (its error 96)"),
    (
        lambda command: {"ok": 1, "n": 1, "writeConcernError": UNCONFIRMED},
        "did not confirm a write to most of its members in time",
    ),
]


@pytest.mark.parametrize(("answer", "why"), REFUSALS)
async def test_a_refused_write_is_a_sentence(
    store: MongoStore, server: ScriptedMongo, answer: Answer, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = dict.fromkeys(("insert", "findandmodify", "delete"), answer)
    flush = JournalWrite("run_r", chunk("run_r", 1), {"journal_last": 1}, {})
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.add(thread()),
        lambda: store.update(Thread, "thread_t", {"last_seq": Inc()}, scope=ANN),
        lambda: store.delete(Thread, "thread_t", scope=ANN),
        lambda: store.write_journal([flush]),
    ]
    for number, call in enumerate(calls):
        with pytest.raises(StoreUnavailable) as refused:
            await call()
        text = refused.value.message
        assert text.startswith(f"MongoDB at 127.0.0.1:{server.port} ")
        assert why in text or (number > 0 and "primary" in why)  # one that lost its primary is not asked again at once
        assert "\n" not in text
        assert SECRET not in text + caplog.text
        assert refused.value.__suppress_context__
        assert refused.value.retry_after_s


async def test_a_bulk_that_is_refused_tells_its_own_reason(store: MongoStore, server: ScriptedMongo) -> None:
    for answer, why in ((write_error(14031), "has no space left"), (write_error(96), "its error 96")):
        for command in ("insert", "update"):
            server.answers = {command: answer}
            with pytest.raises(StoreUnavailable, match=why):
                await store.write_journal([JournalWrite("run_r", chunk("run_r", 1), {"journal_last": 1}, {})])


async def test_a_stopping_server_is_waited_for(store: MongoStore, server: ScriptedMongo) -> None:
    server.answers["find"] = failing(91, "shutdown in progress", "ShutdownInProgress")
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1"):
        await store.get(Thread, "thread_t", scope=ANN)
    server.answers.clear()
    with pytest.raises(NotFound):
        await store.get(Thread, "thread_t", scope=ANN)


async def test_a_password_that_changes_meanwhile_is_told_and_can_change_back(server: ScriptedMongo) -> None:
    store = MongoStore(f"mongodb://127.0.0.1:{server.port}/soil", timeouts=QUICK)
    await store.open()
    server.answers["find"] = failing(18, f"Authentication failed {SECRET}")
    with pytest.raises(StoreUnavailable, match="does not accept the user or the password"):
        await store.get(Thread, "thread_t", scope=ANN)
    server.answers.clear()
    with pytest.raises(NotFound):
        await store.get(Thread, "thread_t", scope=ANN)
    await store.close()


async def test_an_object_that_changes_at_every_look_is_not_looked_at_for_ever(store: MongoStore, server: ScriptedMongo) -> None:
    server.answers["find"] = lambda command: {
        "ok": 1,
        "cursor": {"id": 0, "ns": "a.b", "firstBatch": [{"_id": "thread_t", "owner": "ann", "created_at": 1, "active_run": "r"}]},
    }
    with pytest.raises(StoreUnavailable, match="changes too fast"):
        await store.update(Thread, "thread_t", {"last_seq": 1}, scope=ANN, only_if={"active_run": "r"})


async def test_every_write_asks_for_a_majority_and_every_read_for_the_primary(server: ScriptedMongo) -> None:
    """Whatever the URI says."""
    store = MongoStore(f"mongodb://127.0.0.1:{server.port}/soil?w=0&readPreference=secondaryPreferred&readConcernLevel=majority")
    await store.open()
    await store.add(thread())
    with pytest.raises(NotFound):
        await store.update(Thread, "thread_t", {"last_seq": 1}, scope=ANN)
    await store.write_journal([JournalWrite("run_r", chunk("run_r", 1), {"journal_last": 1}, {})])
    await store.delete(Thread, "thread_t", scope=ANN)
    await store.close()
    for name in ("insert", "findAndModify", "update", "delete"):
        assert server.asked(name)
        assert all(command["writeConcern"]["w"] == "majority" for command in server.asked(name))
        assert all("txnNumber" not in command for command in server.asked(name))
    assert all("readConcern" not in command for command in server.asked("find"))


# On servers that keep things


async def test_more_than_a_document_holds_is_bad_input_and_the_store_goes_on(real: MongoStore) -> None:
    large = "x" * 17_000_000
    await real.add(thread())
    with pytest.raises(BadInput, match="16 MB"):
        await real.add(message(content=text_content(large)))
    with pytest.raises(UnderpinError):
        await real.update(Thread, "thread_t", {"metadata": {"a": large}}, scope=ANN)
    assert await real.get(Thread, "thread_t", scope=ANN) == thread()


async def test_a_chunk_that_is_too_large_ends_its_own_run_only(real: MongoStore, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a", "b"):
        await real.add(run(name, claim="c"))
    batch = [
        JournalWrite("run_a", chunk("run_a", 1, "🪨" * 4_000_000), {"journal_last": 1}, {"claim": "c"}),
        JournalWrite("run_b", chunk("run_b", 1), {"journal_last": 1}, {"claim": "c"}),
    ]
    assert await real.write_journal(batch) == [False, True]
    assert (await real.get(Run, "run_a", scope=ANN)).journal_last == 0
    assert "Run run_a said more at once" in caplog.text


async def test_a_large_chunk_that_fits_is_kept(real: MongoStore) -> None:
    await real.add(run(claim="c"))
    lines = "y" * 12_000_000
    assert await real.write_journal([JournalWrite("run_r", chunk("run_r", 1, lines), {"journal_last": 1}, {})]) == [True]
    assert (await real.page(JournalChunk, "run_r", scope=ANN)).data[0].lines == lines


async def test_a_run_that_is_flushed_twice_in_one_batch_ends_where_the_last_says(real: MongoStore) -> None:
    await real.add(run(claim="c"))
    batch = [JournalWrite("run_r", chunk("run_r", n), {"journal_last": n}, {"claim": "c"}) for n in range(1, 8)]
    batch.insert(3, JournalWrite("run_r", None, {"journal_last": 99}, {"claim": "other"}))
    assert await real.write_journal(batch) == [True, True, True, False, True, True, True, True]
    assert (await real.get(Run, "run_r", scope=ANN)).journal_last == 7


async def test_an_object_of_an_older_version_has_the_defaults_of_the_fields_that_it_lacks(
    real: MongoStore, database: AsyncDatabase[Document]
) -> None:
    await real.add(run("old", claim="c"))
    await database["underpin_runs"].update_one({"_id": "run_old"}, {"$unset": {"claim_no": 1, "journal_last": 1}})
    with pytest.raises(ConditionFailed):
        await real.update(Run, "run_old", {"claim_no": Inc()}, scope=ANN, only_if={"claim": "d"})
    changed = await real.update(Run, "run_old", {"claim_no": Inc(), "journal_last": Inc(5)}, scope=ANN, only_if={"claim": "c"})
    assert (changed.claim_no, changed.journal_last) == (2, 5)


async def test_an_object_that_does_not_fit_its_kind_is_an_error_that_shows_nothing_of_it(
    real: MongoStore, database: AsyncDatabase[Document]
) -> None:
    await real.add(message(content=text_content(SECRET)))
    await database["underpin_messages"].update_one({"_id": "msg_m"}, {"$set": {"role": SECRET}})
    with pytest.raises(UnderpinError) as broken:
        await real.get(type(message()), "msg_m", scope=ANN)
    assert broken.value.message == "A stored message cannot be read: 1 of its fields do not fit."


async def test_a_person_finds_things_by_their_own_names(real: MongoStore, database: AsyncDatabase[Document]) -> None:
    await real.add(message(content=text_content("Wie tief reicht der Löß?"), metadata={"site": "Marl Lane"}))
    found = await database["underpin_messages"].find_one({"content.text.value": {"$regex": "Löß"}, "metadata.site": "Marl Lane"})
    assert found is not None
    assert (found["_id"], found["thread_id"], found["role"], found["owner"]) == ("msg_m", "thread_t", "user", "ann")


async def test_an_index_that_serves_is_used_under_its_own_name(mongo_process: MongoProcess) -> None:
    async with AsyncMongoClient[Document](mongo_process.uri("soil")) as client:
        rows = client["soil"]["conversations"]
        await rows.create_index([("userId", 1), ("threadId", 1), ("createdAt", -1)], name="somebodys")
        for _ in range(2):
            store = MongoStore(mongo_process.uri("soil"))
            await store.open()
            await store.close()
        assert await index_names(rows) == {"_id_", "somebodys", "underpin_userId_createdAt"}


@pytest.mark.parametrize("code", [85, 86])
async def test_an_index_that_is_in_the_way_is_left_and_told_of(
    server: ScriptedMongo, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers["createindexes"] = failing(code, "IndexKeySpecsConflict")
    store = MongoStore(f"mongodb://127.0.0.1:{server.port}/soil")
    await store.open()
    await store.ping()
    await store.close()
    assert "underpin_runs has an index that is in the way of underpin_thread_id_seq" in caplog.text


@pytest.mark.parametrize(
    ("there", "serves"),
    [
        ({"key": {"a": 1, "b": -1}}, True),
        ({"key": {"a": -1.0, "b": 1.0}}, True),
        ({"key": {"a": 1, "b": -1, "c": 1}, "unique": True}, True),
        ({"key": {"a": 1}}, False),
        ({"key": {"b": -1, "a": 1}}, False),
        ({"key": {"a": 1, "b": 1}}, False),
        ({"key": {"a": "hashed", "b": -1}}, False),
        ({"key": {"a": 1, "b": -1}, "sparse": True}, False),
        ({"key": {"a": 1, "b": -1}, "hidden": True}, False),
        ({"key": {"a": 1, "b": -1}, "collation": {"locale": "de"}}, False),
        ({"key": {"a": 1, "b": -1}, "partialFilterExpression": {"a": 5}}, False),
    ],
)
def test_which_index_serves(there: Document, serves: bool) -> None:
    assert mongo_indexes.serves(there, Index("x", (("a", 1), ("b", -1)))) is serves


async def test_stores_that_open_at_once_make_one_set_of_indexes(mongo_process: MongoProcess) -> None:
    stores = [MongoStore(mongo_process.uri("soil")) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(store.ping() for store in stores))
    await asyncio.gather(*(store.close() for store in stores))
    async with AsyncMongoClient[Document](mongo_process.uri("soil")) as client:
        assert len(await index_names(client["soil"]["underpin_runs"])) == 1 + len(indexes_of(Run))


async def index_names(collection: AsyncCollection[Document]) -> set[str]:
    return {one["name"] async for one in await collection.list_indexes()}
