"""The live tail of a run."""

import asyncio

from underpin.eventlog.memory import TAIL_EVENTS, LiveLog


def filled(count: int, first: int = 1) -> LiveLog:
    live = LiveLog(first)
    for number in range(count):
        live.append("word", b"%d" % number)
    return live


def numbers(live: LiveLog, after: int) -> list[int] | None:
    events = live.since(after)
    return None if events is None else [event.number for event in events]


def test_it_gives_what_comes_after_a_number() -> None:
    live = filled(5, first=101)
    assert numbers(live, 100) == [101, 102, 103, 104, 105]
    assert numbers(live, 104) == [105]
    assert numbers(live, 105) == []
    assert numbers(live, 1000) == []


def test_it_does_not_know_what_came_before_it() -> None:
    assert numbers(filled(5, first=101), 99) is None


def test_what_is_not_written_is_never_forgotten() -> None:
    live = filled(TAIL_EVENTS * 5)
    live.mark_written(10)
    assert numbers(live, 0) == list(range(1, TAIL_EVENTS * 5 + 1))
    assert len(live.unwritten()) == TAIL_EVENTS * 5 - 10


def test_what_is_written_and_old_is_forgotten() -> None:
    live = filled(TAIL_EVENTS * 5)
    live.mark_written(TAIL_EVENTS * 5)
    assert numbers(live, 0) is None
    assert numbers(live, TAIL_EVENTS * 4) == list(range(TAIL_EVENTS * 4 + 1, TAIL_EVENTS * 5 + 1))
    assert live.unwritten() == []
    live.append("word", b"")
    assert [event.number for event in live.unwritten()] == [TAIL_EVENTS * 5 + 1]


async def test_waiting_ends_with_a_wake_a_close_or_the_time() -> None:
    live = filled(2)
    assert await live.wait(1, 5)
    assert not await live.wait(2, 0.01)
    for wake in (live.wake, live.close):
        waiting = asyncio.create_task(live.wait(2, 5))
        await asyncio.sleep(0)
        wake()
        assert await waiting
    assert await live.wait(2, 5)


async def test_appending_wakes_nobody() -> None:
    live = filled(2)
    waiting = asyncio.create_task(live.wait(2, 0.02))
    await asyncio.sleep(0)
    live.append("word", b"")
    assert not await waiting


async def test_waiters_that_were_cancelled_or_timed_out_are_gone() -> None:
    live = filled(2)
    for _ in range(10):
        waiting = asyncio.create_task(live.wait(2, 60))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await live.wait(2, 0)
    assert live._waiters == []
