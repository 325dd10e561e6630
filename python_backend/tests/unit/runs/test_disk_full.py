"""A store that reads and does not write: the run's end is tried, told once, and followers are not left hanging."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.watched_store import Call, Watcher, let_pass
from tests.unit.runs.house import WITHIN_S, House, open_house
from underpin.errors import StoreUnavailable
from underpin.eventlog.base import MESSAGE_ADDED
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.thread_event import ThreadEvent
from underpin.runs import leg as leg_module


def full_for(kind: str, times: float) -> Watcher:
    """Refuses that many writes of a kind."""
    left = times

    async def refuse(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        nonlocal left
        if call.writes and call.what == kind and left > 0:
            left -= 1
            raise StoreUnavailable("The database does not answer: the disk is full.")
        return await do()

    return refuse


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg_module, "STORE_RETRY_S", 0.005)
    monkeypatch.setattr(leg_module, "STORE_RETRIES", 5)


async def test_when_a_leg_gives_up_its_followers_end_and_may_come_again(house: House) -> None:
    run = await house.start(await house.thread(), "words 2\nwait 20\nwords 1")
    follower = asyncio.create_task(house.events(run))
    await house.said(run, 2)
    house.store.watcher = full_for(JournalChunk.kind, float("inf"))
    with pytest.raises(StoreUnavailable, match="Follow it again"):
        await asyncio.wait_for(follower, WITHIN_S)
    assert not (await house.run(run)).ended
    house.store.watcher = let_pass
    again = asyncio.create_task(house.events(run))
    await house.over(run)
    assert not house.runner.works_on(run.id)
    await house.runner.stop(run)
    assert (await again)[-1].name == "thread.run.cancelled"


async def test_why_a_run_failed_is_logged_once_however_often_its_end_is_tried(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "underpin.runs")
    run = await house.start(await house.thread(), 'words 1\nwait 20\nfail broken "It broke."')
    await house.said(run, 1)
    house.store.watcher = full_for(JournalChunk.kind, 4)
    ended = await house.over(run)
    assert (ended.status, ended.last_error and ended.last_error.message) == ("failed", "It broke.")
    (why,) = [record for record in caplog.records if "It broke." in record.getMessage()]
    assert vars(why)["run_id"] == run.id


async def test_a_message_that_was_stored_and_not_told_is_told_by_the_next_try(house: House) -> None:
    thread = await house.thread()
    run = await house.start(thread, "words 1\nwait 20\nwords 1")
    await house.said(run, 1)
    while len(await house.thread_events(thread)) < 2:  # noqa: ASYNC110 (the question is told beside the answer)
        await asyncio.sleep(0.005)
    house.store.watcher = full_for(ThreadEvent.kind, 1)
    await house.over(run)
    house.store.watcher = let_pass
    kept = (await house.messages(thread))[1]
    told = [event for event in await house.thread_events(thread) if event.name == MESSAGE_ADDED]
    assert [(event.seq, event.data["message"]["id"]) for event in told[1:]] == [(kept.seq, kept.id)]  # type: ignore[index,call-overload]
    numbers = [event.seq for event in await house.thread_events(thread)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_question_that_was_stored_and_not_told_is_told_by_who_ends_the_run(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        thread = await house.thread()
        house.store.watcher = full_for(ThreadEvent.kind, 1)
        run = await house.start(thread, "hang")
        await house.journalled(run, 3)
        await house.die()
    async with open_house(tmp_path) as heir:
        await heir.sweep.sweep(at_start=True)
        question = (await heir.messages(thread))[0]
        told = {event.seq: event.name for event in await heir.thread_events(thread)}
        assert told[question.seq] == MESSAGE_ADDED
