"""A thread's own stream: every number is one event, and one that stays missing is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.stored_things import ANN, thread
from underpin.errors import NotFound
from underpin.eventlog.base import DELETED, RESET, Event
from underpin.eventlog.thread_log import KEEP, StoredThreadLog
from underpin.objects.thread import Thread
from underpin.objects.thread_event import ThreadEvent
from underpin.store.sqlite import SqliteStore

WITHIN_S = 20.0
THREAD = thread()


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path)
    await store.open()
    await store.add(THREAD)
    yield store
    await store.close()


@pytest.fixture
def log(store: SqliteStore) -> StoredThreadLog:
    return StoredThreadLog(store, gap_s=0.1, tail_s=30)


async def append(log: StoredThreadLog, *numbers: int) -> None:
    for number in numbers:
        await log.append("ann", "thread_t", number, "said", {"n": number})


async def told(log: StoredThreadLog, count: int, after: int = 0) -> list[tuple[int, str]]:
    """The first so many events."""
    seen: list[tuple[int, str]] = []
    async with asyncio.timeout(WITHIN_S), aclosing(log.follow(THREAD, after)) as follower:
        async for batch in follower:
            seen += [(event.number, event.name) for event in batch]
            if len(seen) >= count:
                return seen
    return seen


async def to_the_end(log: StoredThreadLog, tick_s: float | None = None) -> list[str]:
    async with asyncio.timeout(WITHIN_S):
        return [event.name async for batch in log.follow(THREAD, 0, tick_s=tick_s) for event in batch]


def said(*numbers: int) -> list[tuple[int, str]]:
    return [(number, "said") for number in numbers]


async def test_events_are_told_as_they_come_and_from_any_number(log: StoredThreadLog) -> None:
    follower = asyncio.create_task(told(log, 3))
    await append(log, 1, 2)
    await append(log, 3)
    assert await follower == said(1, 2, 3)
    assert await told(log, 2, after=1) == said(2, 3)


async def test_an_event_carries_its_data(log: StoredThreadLog) -> None:
    await append(log, 1)
    async with aclosing(log.follow(THREAD, 0)) as follower:
        event: Sequence[Event] = await anext(follower)
    assert msgspec.json.decode(event[0].data) == {"n": 1}
    assert msgspec.json.decode(event[0].line) == {"event": "said", "data": {"n": 1}}


async def test_appending_again_changes_nothing(log: StoredThreadLog) -> None:
    await append(log, 1, 1, 2)
    await log.append("ann", "thread_t", 1, "something else", {})
    assert await told(log, 2) == said(1, 2)


async def test_what_is_said_takes_the_threads_next_number(log: StoredThreadLog, store: SqliteStore) -> None:
    await log.say("ann", "thread_t", "renamed", {})
    await log.say("ann", "thread_t", "renamed", {})
    assert await told(log, 2) == [(1, "renamed"), (2, "renamed")]
    assert (await store.get(Thread, "thread_t", scope=ANN)).last_seq == 2
    with pytest.raises(NotFound):
        await log.say("bob", "thread_t", "renamed", {})


async def test_a_number_that_comes_late_is_told_in_its_place(log: StoredThreadLog) -> None:
    follower = asyncio.create_task(told(log, 4))
    await append(log, 1, 3, 4)
    await append(log, 2)
    assert await follower == said(1, 2, 3, 4)


async def test_a_number_that_stays_missing_is_one_reset_and_what_follows_is_told(log: StoredThreadLog) -> None:
    await append(log, 1, 3, 4)
    async with asyncio.timeout(WITHIN_S), aclosing(log.follow(THREAD, 0)) as follower:
        seen = [*await anext(follower), *await anext(follower)]
        await append(log, 5)
        seen += await anext(follower)
    assert [(event.number, event.name) for event in seen] == [(1, "said"), (4, RESET), (5, "said")]


async def test_two_missing_numbers_are_two_resets(log: StoredThreadLog) -> None:
    await append(log, 2)
    async with asyncio.timeout(WITHIN_S), aclosing(log.follow(THREAD, 0)) as follower:
        seen = [*await anext(follower)]
        await append(log, 4)
        seen += await anext(follower)
    assert [(event.number, event.name) for event in seen] == [(2, RESET), (4, RESET)]


async def test_who_comes_after_old_events_were_cleared_is_reset(log: StoredThreadLog, store: SqliteStore) -> None:
    for number in range(1, KEEP + 402):
        await append(log, number)
    page = await store.page(ThreadEvent, "thread_t", scope=ANN, order="asc", limit=1)
    assert page.data[0].seq > 200
    async with asyncio.timeout(WITHIN_S), aclosing(log.follow(THREAD, 0)) as follower:
        first = (await anext(follower))[0]
    assert first.name == RESET
    assert first.number >= page.data[0].seq


async def test_the_deletion_of_the_thread_is_the_last_event(log: StoredThreadLog) -> None:
    follower = asyncio.create_task(to_the_end(log))
    await append(log, 1)
    await log.append("ann", "thread_t", 2, DELETED, {})
    await log.append("ann", "thread_t", 3, "said", {})
    assert await follower == ["said", DELETED]


async def test_a_deletion_behind_a_gap_ends_the_stream_too(log: StoredThreadLog) -> None:
    await append(log, 1)
    await log.append("ann", "thread_t", 3, DELETED, {})
    assert await to_the_end(log) == ["said", DELETED]


async def test_who_missed_the_deletion_is_told_at_the_next_silence(log: StoredThreadLog, store: SqliteStore) -> None:
    """Another process deleted the thread, and its events were cleared before they were read."""
    log = StoredThreadLog(store, tail_s=0.01)
    await append(log, 1)
    follower = asyncio.create_task(to_the_end(log, tick_s=0.05))
    await told(log, 1)
    await store.clear(ThreadEvent, "thread_t", scope=ANN)
    await store.delete(Thread, "thread_t", scope=ANN)
    assert (await follower)[-1] == DELETED


async def test_a_quiet_thread_ticks(store: SqliteStore) -> None:
    log = StoredThreadLog(store, tail_s=0.01)
    async with asyncio.timeout(WITHIN_S), aclosing(log.follow(THREAD, 0, tick_s=0.02)) as follower:
        assert list(await anext(follower)) == []
        await append(log, 1)
        assert [event.number for event in await anext(follower)] in ([1], [])


async def test_what_another_process_wrote_is_found_by_looking(store: SqliteStore) -> None:
    follower = asyncio.create_task(told(StoredThreadLog(store, tail_s=0.01), 1))
    await asyncio.sleep(0)
    await append(StoredThreadLog(store), 1)
    assert await follower == said(1)


async def test_when_the_server_stops_followers_end(log: StoredThreadLog) -> None:
    await append(log, 1)
    follower = asyncio.create_task(to_the_end(log))
    await told(log, 1)
    log.end_followers()
    assert await follower == ["said"]


async def test_followers_that_leave_leave_nothing(log: StoredThreadLog) -> None:
    await append(log, 1)
    for _ in range(5):
        async with aclosing(log.follow(THREAD, 0)) as follower:
            await anext(follower)
        waiting = asyncio.create_task(to_the_end(log))
        await asyncio.sleep(0.005)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert log._waiters == {}
