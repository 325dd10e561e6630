"""What every Conversations promises: one row is added, duplicates of other programs are lived with, times are UTC."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.contracts.backends import Backend
from underpin.errors import AlreadyExists
from underpin.objects.conversation import Conversation
from underpin.store.base import Conversations, Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(number: int, thread_id: str = "thread_t", minutes: int | None = 0, **fields: object) -> Conversation:
    created = None if minutes is None else NOON + timedelta(minutes=minutes)
    given = {"id": f"{number:024x}", "userId": "ann", "threadId": thread_id, "createdAt": created, "updatedAt": created}
    return Conversation.model_validate({**given, **fields})


async def test_a_conversation_comes_back_as_it_was(conversations: Conversations) -> None:
    sent = row(0xABC, name='Böden "$.a" 🪨', isGroup=True, updatedAt=NOON + timedelta(milliseconds=7))
    assert await conversations.add(sent) is True
    assert await conversations.get("ann", "thread_t") == sent
    assert await conversations.page("ann") == [sent]
    assert sent.wire()["updatedAt"] == "2026-03-01T12:00:00.007Z"


async def test_missing_and_foreign_rows_look_the_same(conversations: Conversations) -> None:
    await conversations.add(row(1))
    for user, thread_id in (("bob", "thread_t"), ("ann", "thread_none")):
        assert await conversations.get(user, thread_id) is None
        assert await conversations.rename(user, thread_id, name="mine", is_group=True) is False
        assert await conversations.touch(user, thread_id) is False
        assert await conversations.delete(user, thread_id) == 0
    assert await conversations.page("bob") == []
    assert await conversations.get("ann", "thread_t") == row(1)


async def test_a_user_has_one_row_for_a_thread(conversations: Conversations) -> None:
    assert await conversations.add(row(1, name="first")) is True
    assert await conversations.add(row(2, name="second")) is False
    assert await conversations.add(row(3, userId="bob")) is True
    assert [one.name for one in await conversations.page("ann")] == ["first"]


@pytest.mark.race
async def test_one_of_fifty_adds_is_the_row(backend: Backend, another: Callable[[], Awaitable[Store]]) -> None:
    rooms = [backend.conversations(await another()) for _ in range(2)]
    added = await asyncio.gather(*(rooms[number % 2].add(row(number)) for number in range(50)))
    assert added.count(True) == 1
    assert await rooms[0].page("ann") == [row(added.index(True))]


async def test_an_id_is_taken_once(conversations: Conversations) -> None:
    await conversations.add(row(1))
    with pytest.raises(AlreadyExists):
        await conversations.add(row(1, "thread_u"))


@pytest.mark.parametrize("id", ["", "conv_1", "0" * 23, "0" * 25, "g" * 24, "A" * 24, "0" * 24 + "\n"])
async def test_an_id_looks_like_an_object_id(conversations: Conversations, id: str) -> None:
    with pytest.raises(ValueError, match="24"):
        await conversations.add(row(1, id=id))
    assert await conversations.page("ann") == []


async def test_the_newest_come_first_and_those_without_a_date_last(backend: Backend, conversations: Conversations) -> None:
    backend.plant([row(1, "thread_a", 5), row(2, "thread_none", None), row(3, "thread_b", 9), row(4, "thread_c", -60)])
    found = await conversations.page("ann")
    assert [one.threadId for one in found] == ["thread_b", "thread_a", "thread_c", "thread_none"]
    assert found[-1].createdAt is None
    assert [one.threadId for one in await conversations.page("ann", limit=2)] == ["thread_b", "thread_a"]


async def test_of_duplicates_the_newest_is_read_and_listed_once(backend: Backend, conversations: Conversations) -> None:
    backend.plant(
        [
            row(1, minutes=5, name="newest"),
            row(2, minutes=1, name="oldest"),
            row(3, minutes=None, name="undated"),
            row(4, "thread_u", minutes=None, name="first"),
            row(5, "thread_u", minutes=3, name="dated"),
            row(6, minutes=99, name="bob's", userId="bob"),
        ]
    )
    assert [one.name for one in await conversations.page("ann")] == ["newest", "dated"]
    assert await conversations.get("ann", "thread_t") == row(1, minutes=5, name="newest")
    assert (await conversations.page("ann", limit=1))[0].name == "newest"


async def test_of_equals_one_is_listed_and_the_same_is_read(backend: Backend, conversations: Conversations) -> None:
    backend.plant([row(number, minutes=1) for number in (1, 2, 3)] + [row(number, "thread_u", minutes=None) for number in (4, 5)])
    listed = await conversations.page("ann")
    assert [one.threadId for one in listed] == ["thread_t", "thread_u"]
    assert listed == [await conversations.get("ann", one.threadId) for one in listed]


async def test_rename_reaches_every_duplicate_and_sets_what_is_given(backend: Backend, conversations: Conversations) -> None:
    backend.plant([row(1), row(2, minutes=1)])
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert await conversations.rename("ann", "thread_t", name="Sand", is_group=None) is True
    found = await conversations.get("ann", "thread_t")
    assert found is not None
    assert (found.name, found.isGroup, found.createdAt) == ("Sand", False, NOON + timedelta(minutes=1))
    assert found.updatedAt is not None
    assert before <= found.updatedAt <= datetime.now(UTC)
    assert await conversations.rename("ann", "thread_t", name=None, is_group=True) is True
    assert await conversations.rename("ann", "thread_t", name="", is_group=None) is True
    assert [(one.name, one.isGroup) for one in backend.rows()] == [("", True), ("", True)]


async def test_touch_moves_only_the_time_of_the_last_change(conversations: Conversations) -> None:
    await conversations.add(row(1, name="Ton", isGroup=True))
    assert await conversations.touch("ann", "thread_t") is True
    found = await conversations.get("ann", "thread_t")
    assert found is not None
    assert found.model_copy(update={"updatedAt": NOON}) == row(1, name="Ton", isGroup=True)
    assert found.updatedAt is not None
    assert found.updatedAt > NOON


async def test_touch_reaches_every_duplicate(backend: Backend, conversations: Conversations) -> None:
    backend.plant([row(1), row(2, minutes=1), row(3, "thread_u")])
    await conversations.touch("ann", "thread_t")
    assert [one.updatedAt == one.createdAt for one in backend.rows()] == [False, False, True]


async def test_delete_takes_every_row_of_the_thread_and_no_other(backend: Backend, conversations: Conversations) -> None:
    backend.plant([row(1), row(2), row(3, "thread_u"), row(4, userId="bob")])
    assert await conversations.delete("ann", "thread_t") == 2
    assert await conversations.delete("ann", "thread_t") == 0
    assert [one.threadId for one in await conversations.page("ann")] == ["thread_u"]
    assert await conversations.get("bob", "thread_t") is not None


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server whose own time is not UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("tokyo")
async def test_times_of_other_zones_and_of_none_are_utc(conversations: Conversations) -> None:
    east = timezone(timedelta(hours=9))
    await conversations.add(row(1, createdAt=NOON.astimezone(east), updatedAt=NOON.replace(tzinfo=None)))
    found = await conversations.get("ann", "thread_t")
    assert found is not None
    assert found.createdAt == found.updatedAt == NOON
    assert found.createdAt is not None
    assert found.createdAt.utcoffset() == timedelta(0)
    assert found.wire()["createdAt"] == "2026-03-01T12:00:00.000Z"


async def test_a_time_is_kept_to_the_millisecond(conversations: Conversations) -> None:
    await conversations.add(row(1, createdAt=NOON + timedelta(microseconds=123_999)))
    found = await conversations.get("ann", "thread_t")
    assert found is not None
    assert found.createdAt == NOON + timedelta(milliseconds=123)


async def test_conversations_are_there_after_close_and_open(backend: Backend, another: Callable[[], Awaitable[Store]]) -> None:
    store = backend.store()
    await store.open()
    await backend.conversations(store).add(row(1))
    await store.close()
    assert await backend.conversations(await another()).page("ann") == [row(1)]
