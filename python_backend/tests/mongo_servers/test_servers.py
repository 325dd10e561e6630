"""The servers themselves: that they keep what they answered, and where two race, one wins. Raw PyMongo, no store of ours."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import AutoReconnect, DuplicateKeyError, OperationFailure, PyMongoError

from tests.mongo_servers.processes import MongoProcess

Document = dict[str, Any]
CLIENTS = 50
KILLS = 3


@pytest_asyncio.fixture
async def things(mongo_database: str) -> AsyncIterator[AsyncCollection[Document]]:
    async with client(mongo_database) as own:
        yield own.get_default_database()["things"]


def client(uri: str) -> AsyncMongoClient[Document]:
    return AsyncMongoClient(uri, serverSelectionTimeoutMS=20_000, tz_aware=True)


async def test_it_says_hello_with_its_time(mongo_database: str) -> None:
    async with client(mongo_database) as own:
        hello = await own.admin.command("hello")
    assert hello["isWritablePrimary"] is True
    assert hello["maxWireVersion"] >= 9
    assert hello["localTime"].year >= 2026


async def test_a_document_comes_back_as_it_was_and_an_id_is_taken_once(things: AsyncCollection[Document]) -> None:
    sent: Document = {"_id": "a", "n": None, "on": True, "far": 2**62, "half": 0.5, "in": {"b": [1, "é🪨"]}, "whole": 1.0}
    await things.insert_one(sent)
    found = await things.find_one({"_id": "a"})
    assert found == sent
    assert isinstance(found["whole"], float)
    with pytest.raises(DuplicateKeyError):
        await things.insert_one({"_id": "a"})
    with pytest.raises(PyMongoError):
        await things.insert_many([{"_id": "a"}, {"_id": "b"}], ordered=False)
    assert await things.count_documents({}) == 2


async def test_pages_are_sorted_limited_and_of_what_was_asked_for(things: AsyncCollection[Document]) -> None:
    await things.insert_many([{"_id": n, "parent": "p" if n % 2 else "q", "seq": n} for n in range(300)])

    async def seqs(asked: Document, order: int, limit: int) -> list[int]:
        return [one["seq"] async for one in things.find(asked).sort("seq", order).limit(limit)]

    assert await seqs({"parent": "p", "seq": {"$lt": 100}}, -1, 3) == [99, 97, 95]
    assert await seqs({"parent": "q", "seq": {"$gt": 100}}, 1, 2) == [102, 104]
    assert await seqs({"_id": {"$in": [3, 250, 999]}}, 1, 9) == [3, 250]
    assert await seqs({"parent": "p"}, 1, 0) == list(range(1, 300, 2))
    assert (await things.delete_many({"parent": "p", "seq": {"$lte": 9}})).deleted_count == 5
    assert await things.count_documents({}) == 295


async def test_an_update_holds_its_condition_and_returns_what_is_there(things: AsyncCollection[Document]) -> None:
    await things.insert_one({"_id": "a", "n": 1, "held": None})

    async def change(asked: Document, change: Document, upsert: bool = False) -> Document | None:
        return await things.find_one_and_update(asked, change, upsert=upsert, return_document=ReturnDocument.AFTER)

    changes = {"$set": {"held": "c"}, "$inc": {"n": 2}}
    assert await change({"_id": "a", "held": None}, changes) == {"_id": "a", "n": 3, "held": "c"}
    assert await change({"_id": "a", "held": None}, changes) is None
    assert await change({"_id": "a", "n": {"$lt": 3}}, changes) is None
    assert await change({"_id": "new"}, {"$inc": {"n": 1}}, upsert=True) == {"_id": "new", "n": 1}


async def test_indexes_are_made_again_without_harm_and_listed(things: AsyncCollection[Document]) -> None:
    for _ in range(2):
        await things.create_index([("parent", 1), ("owner", 1), ("seq", -1)], name="by_parent")
    found = {index["name"]: dict(index["key"]) async for index in await things.list_indexes()}
    assert found["by_parent"] == {"parent": 1, "owner": 1, "seq": -1}
    assert list(found["by_parent"]) == ["parent", "owner", "seq"]


async def test_a_mistake_is_an_error_and_the_connection_lives(things: AsyncCollection[Document]) -> None:
    with pytest.raises(OperationFailure):
        await things.database.command("no_such_command")
    await things.insert_one({"_id": "a"})


@pytest.mark.race
async def test_one_of_fifty_clients_wins_each_round(things: AsyncCollection[Document], mongo_database: str) -> None:
    clients = [client(mongo_database) for _ in range(CLIENTS)]
    rooms = [one.get_default_database()["things"] for one in clients]
    try:
        for turn in range(20):
            await things.insert_one({"_id": turn, "held": None})
            asked = (
                room.find_one_and_update({"_id": turn, "held": None}, {"$set": {"held": n}}, return_document=ReturnDocument.AFTER)
                for n, room in enumerate(rooms)
            )
            winners = [won for won in await asyncio.gather(*asked) if won is not None]
            assert len(winners) == 1
            assert await things.find_one({"_id": turn}) == winners[0]
    finally:
        await asyncio.gather(*(one.close() for one in clients))


@pytest.mark.race
async def test_racing_updates_each_return_their_own_result(things: AsyncCollection[Document]) -> None:
    await things.insert_one({"_id": "a", "n": 0, "m": 0})

    async def count() -> list[tuple[int, int]]:
        seen = []
        for turn in range(40):
            change = {"$inc": {"n": 1, "m": 1}, "$set": {f"field{turn}": "x" * turn}}
            found = await things.find_one_and_update({"_id": "a"}, change, return_document=ReturnDocument.AFTER)
            assert found is not None
            seen.append((found["n"], found["m"]))
        return seen

    seen = [pair for one in await asyncio.gather(*(count() for _ in range(20))) for pair in one]
    assert sorted(seen) == [(n, n) for n in range(1, 801)]


async def test_what_was_answered_is_there_after_a_kill(mongo_process: MongoProcess) -> None:
    answered: set[str] = set()

    async def write(turn: int, worker: int) -> None:
        async with client(mongo_process.uri("kept")) as own:
            things = own["kept"]["things"]
            try:
                for number in range(100_000):
                    await things.insert_one({"_id": f"{turn}.{worker}.{number}"})
                    answered.add(f"{turn}.{worker}.{number}")
                    if len(answered) >= 150 * (turn + 1):
                        enough.set()
            except AutoReconnect:
                return

    for turn in range(KILLS):
        enough = asyncio.Event()
        writers = [asyncio.create_task(write(turn, worker)) for worker in range(4)]
        await asyncio.wait_for(enough.wait(), 60)
        mongo_process.kill()
        await asyncio.wait_for(asyncio.gather(*writers), 60)
        await asyncio.to_thread(mongo_process.start)
        async with client(mongo_process.uri("kept")) as own:
            kept = {one["_id"] async for one in own["kept"]["things"].find({})}
        assert answered <= kept
