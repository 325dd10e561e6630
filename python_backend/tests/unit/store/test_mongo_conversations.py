"""Rows of `conversations` as other programs wrote them over the years: read as far as they can be, renamed, deleted, not touched
else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from bson import DatetimeMS, ObjectId
from bson.codec_options import DatetimeConversion
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection

from underpin.errors import BadInput
from underpin.objects.conversation import Conversation
from underpin.objects.stored import DEFAULT_OWNER
from underpin.store.mongo import MongoStore
from underpin.store.mongo_conversations import MongoConversations

Document = dict[str, Any]
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
FIELDS = ["_id", "userId", "threadId", "name", "isGroup", "createdAt", "updatedAt"]


@pytest_asyncio.fixture
async def rows(mongo_database: str) -> AsyncIterator[AsyncCollection[Document]]:
    any_date = DatetimeConversion.DATETIME_AUTO
    async with AsyncMongoClient[Document](mongo_database, tz_aware=True, datetime_conversion=any_date) as client:
        yield client.get_default_database()["conversations"]


@pytest_asyncio.fixture
async def room(mongo_database: str) -> AsyncIterator[MongoConversations]:
    store = MongoStore(mongo_database)
    await store.open()
    yield MongoConversations(store)
    await store.close()


def ours(number: int, thread_id: str = "thread_t", **fields: Any) -> Conversation:
    given = {"id": f"{number:024x}", "threadId": thread_id, "createdAt": NOON, "updatedAt": NOON, **fields}
    return Conversation.model_validate(given)


async def test_a_row_of_ours_has_the_guides_fields_and_no_other(
    room: MongoConversations, rows: AsyncCollection[Document]
) -> None:
    await room.add(ours(1, name="Löß", isGroup=True))
    await room.rename(DEFAULT_OWNER, "thread_t", name="Ton", is_group=None)
    found = await rows.find_one()
    assert found is not None
    assert list(found) == FIELDS
    assert (found["_id"], found["userId"], found["name"], found["isGroup"]) == (
        ObjectId(f"{1:024x}"),
        "default-user",
        "Ton",
        True,
    )
    assert found["createdAt"] == NOON
    assert isinstance(found["updatedAt"], datetime)


OLD: list[tuple[Document, dict[str, object]]] = [
    ({"_id": ObjectId(f"{1:024x}")}, {"id": f"{1:024x}", "userId": DEFAULT_OWNER, "name": "New Chat", "createdAt": None}),
    ({"_id": "conv-7", "userId": "default-user", "name": "Sand"}, {"id": "conv-7", "name": "Sand", "isGroup": False}),
    ({"_id": 12, "userId": None, "isGroup": None}, {"id": "12", "userId": DEFAULT_OWNER, "isGroup": False}),
    ({"name": None, "isGroup": "yes"}, {"name": "New Chat", "isGroup": False}),
    ({"name": 2024, "isGroup": True}, {"name": "New Chat", "isGroup": True}),
    ({"createdAt": datetime(2024, 5, 1, 12)}, {"createdAt": NOON}),
    ({"createdAt": "2024-05-01T12:00:00"}, {"createdAt": NOON}),
    ({"createdAt": "2024-05-01T14:00:00+02:00", "updatedAt": "2024-05-01T12:00:00.000Z"}, {"createdAt": NOON, "updatedAt": NOON}),
    ({"createdAt": "5/1/2024, 12:00:00 PM"}, {"createdAt": None}),
    ({"createdAt": DatetimeMS(2**60)}, {"createdAt": None}),
    ({"createdAt": 1714564800000}, {"createdAt": None}),
    ({"assistantId": "asst_old", "tags": ["a", {"b": [1]}]}, {"threadId": "thread_t"}),
]


@pytest.mark.parametrize(("old", "read"), OLD)
async def test_an_old_row_is_listed_renamed_and_deleted(
    room: MongoConversations, rows: AsyncCollection[Document], old: Document, read: dict[str, object]
) -> None:
    await rows.insert_one({**old, "threadId": "thread_t"})
    listed = await room.page(DEFAULT_OWNER)
    assert [row.threadId for row in listed] == ["thread_t"]
    assert listed == [await room.get(DEFAULT_OWNER, "thread_t")]
    assert listed[0].model_dump(include=set(read)) == read
    assert listed[0].wire()["_id"] == listed[0].id
    assert await room.add(ours(99)) is False
    assert await room.rename(DEFAULT_OWNER, "thread_t", name="Kies", is_group=True) is True
    kept = await rows.find_one()
    assert kept is not None
    assert (kept["name"], kept["isGroup"]) == ("Kies", True)
    assert {name: value for name, value in kept.items() if name in ("assistantId", "tags")} == {
        name: value for name, value in old.items() if name in ("assistantId", "tags")
    }
    assert await room.delete(DEFAULT_OWNER, "thread_t") == 1
    assert await room.page(DEFAULT_OWNER) == []


async def test_rows_without_a_user_are_the_default_users_only(room: MongoConversations, rows: AsyncCollection[Document]) -> None:
    await rows.insert_many(
        [{"threadId": "thread_a"}, {"threadId": "thread_b", "userId": None}, {"threadId": "c", "userId": "bob"}]
    )
    assert {row.threadId for row in await room.page(DEFAULT_OWNER)} == {"thread_a", "thread_b"}
    assert [row.threadId for row in await room.page("bob")] == ["c"]
    assert await room.delete("bob", "thread_a") == 0


@pytest.mark.parametrize("broken", [{}, {"threadId": None}, {"threadId": 5}, {"threadId": ["thread_t"]}])
async def test_a_row_without_a_thread_is_passed_over(
    room: MongoConversations, rows: AsyncCollection[Document], broken: Document
) -> None:
    await rows.insert_many(
        [{"userId": DEFAULT_OWNER, "name": "lost", **broken}, {"userId": DEFAULT_OWNER, "threadId": "thread_u"}]
    )
    assert [row.threadId for row in await room.page(DEFAULT_OWNER)] == ["thread_u"]


async def test_dates_as_text_and_as_dates_are_one_order(room: MongoConversations, rows: AsyncCollection[Document]) -> None:
    def at(hours: int) -> datetime:
        return NOON + timedelta(hours=hours)

    await rows.insert_many(
        [
            {"userId": "ann", "threadId": "a", "createdAt": at(1)},
            {"userId": "ann", "threadId": "b", "createdAt": at(3).isoformat()},
            {"userId": "ann", "threadId": "c", "createdAt": at(2)},
            {"userId": "ann", "threadId": "a", "createdAt": at(4).isoformat(), "name": "newest of a"},
            {"userId": "ann", "threadId": "d"},
        ]
    )
    assert [row.threadId for row in await room.page("ann")] == ["a", "b", "c", "d"]
    assert (await room.page("ann"))[0].name == "newest of a"
    newest = await room.get("ann", "a")
    assert newest is not None
    assert newest.name == "newest of a"


async def test_the_thousand_newest_of_more_are_listed(room: MongoConversations, rows: AsyncCollection[Document]) -> None:
    await rows.insert_many(
        [{"userId": "ann", "threadId": f"t{n // 2}", "createdAt": NOON + timedelta(minutes=n)} for n in range(2400)]
    )
    listed = await room.page("ann")
    assert [row.threadId for row in listed] == [f"t{n}" for n in range(1199, 199, -1)]
    assert [row.threadId for row in await room.page("ann", limit=2)] == ["t1199", "t1198"]


async def test_a_row_that_another_program_deleted_can_be_added_again(
    room: MongoConversations, rows: AsyncCollection[Document]
) -> None:
    assert await room.add(ours(1)) is True
    await rows.delete_many({})
    assert await room.add(ours(2, name="again")) is True
    assert [row.name for row in await room.page(DEFAULT_OWNER)] == ["again"]
    assert await room.delete(DEFAULT_OWNER, "thread_t") == 1
    assert await room.add(ours(3)) is True


async def test_somebodys_own_unique_index_is_no_error(room: MongoConversations, rows: AsyncCollection[Document]) -> None:
    await rows.create_index([("threadId", 1)], unique=True, name="somebodys")
    assert await room.add(ours(1, userId="ann")) is True
    assert await room.add(ours(2, userId="bob")) is False
    assert await room.get("bob", "thread_t") is None


@pytest.mark.race
async def test_fifty_adds_in_many_processes_are_one_row(mongo_database: str, rows: AsyncCollection[Document]) -> None:
    """Each from a store of its own: no process knows of the others."""
    stores = [MongoStore(mongo_database) for _ in range(10)]
    await asyncio.gather(*(store.open() for store in stores))
    try:
        for turn in range(10):
            rooms = [MongoConversations(store) for store in stores]
            added = await asyncio.gather(*(room.add(ours(100 * turn + n + 1, f"t{turn}")) for n, room in enumerate(rooms)))
            assert added.count(True) == 1
            assert await rows.count_documents({"threadId": f"t{turn}"}) == 1
    finally:
        await asyncio.gather(*(store.close() for store in stores))


async def test_text_that_is_no_text_is_bad_input(room: MongoConversations) -> None:
    for call in (
        room.get(DEFAULT_OWNER, "\ud83d"),
        room.rename(DEFAULT_OWNER, "\ud83d", name="x", is_group=None),
        room.rename(DEFAULT_OWNER, "thread_t", name="\ud83d", is_group=None),
        room.delete(DEFAULT_OWNER, "\ud83d"),
        room.add(ours(1).model_copy(update={"name": "\ud83d"})),
    ):
        with pytest.raises(BadInput):
            await call
