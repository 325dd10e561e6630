"""The flusher: what it does while the database is away, and when the server stops."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.stored_things import ANN, run
from tests.faults.watched_store import Call, TwoStepStore, WatchedStore
from underpin.errors import ConditionFailed, StoreUnavailable
from underpin.eventlog.base import RunWriter
from underpin.eventlog.journaled import JournaledLog
from underpin.objects.run import Run, may_become
from underpin.store.base import In
from underpin.store.sqlite import SqliteStore

WITHIN_S = 20.0


class Faults:
    """Fails every write to the journal while `error` is set, before or after it was done; `calls` wakes whoever waits."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.after = False
        self.calls: asyncio.Queue[Call] = asyncio.Queue()

    async def __call__(self, call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        if call.verb != "write_journal":
            return await do()
        try:
            if self.error is not None and not self.after:
                raise self.error
            answer = await do()
            if self.error is not None:
                raise self.error
            return answer
        finally:
            self.calls.put_nowait(call)

    async def writes(self, count: int = 1) -> None:
        """Until the journal was written, or not, so many times more."""
        while not self.calls.empty():
            self.calls.get_nowait()
        for _ in range(count):
            await asyncio.wait_for(self.calls.get(), WITHIN_S)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest_asyncio.fixture(params=[WatchedStore, TwoStepStore])
async def store(tmp_path: Path, faults: Faults, request: pytest.FixtureRequest) -> AsyncIterator[WatchedStore]:
    store = request.param(SqliteStore(tmp_path), faults)
    await store.open()
    yield store
    await store.close()


@pytest_asyncio.fixture
async def log(store: WatchedStore) -> AsyncIterator[JournaledLog]:
    log = JournaledLog(store, flush_s=0.005, lease_s=60, heartbeat_s=0.02, tail_s=0.01)
    await log.start()
    yield log
    await log.stop()


async def begin(log: JournaledLog, store: WatchedStore, name: str = "r") -> RunWriter:
    begun = run(name, status="in_progress", claim="c")
    await store.add(begun)
    return log.open(begun, lambda: None)


async def end(writer: RunWriter) -> Run:
    return await writer.commit([("ended", b"{}")], {"status": "completed"}, {"status": In(may_become("completed"))})


async def names(log: JournaledLog, after: int = 0) -> list[str]:
    return [event.name async for batch in log.follow("run_r", after, scope=ANN) for event in batch]


async def replayed(store: WatchedStore) -> list[str]:
    return await names(JournaledLog(store, flush_s=1, lease_s=60, heartbeat_s=20, tail_s=0.01))


async def test_what_is_said_while_the_database_is_away_is_written_when_it_is_back(
    log: JournaledLog, store: WatchedStore, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    writer = await begin(log, store)
    faults.error = StoreUnavailable("The database does not answer: the disk is full.")
    writer.append("one", b"{}")
    await faults.writes(3)
    writer.append("two", b"{}")
    await faults.writes(3)
    faults.error = None
    await faults.writes()
    await end(writer)
    assert await replayed(store) == ["one", "two", "ended"]
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1  # once for each time that it goes away, not ten times a second
    assert "the disk is full" in warnings[0].getMessage()


async def test_writes_whose_answers_are_lost_are_told_once(log: JournaledLog, store: WatchedStore, faults: Faults) -> None:
    writer = await begin(log, store)
    faults.error, faults.after = StoreUnavailable("The database does not answer."), True
    for name in ("one", "two", "three"):
        writer.append(name, b"{}")
        await faults.writes(2)
    faults.error = None
    await end(writer)
    assert await replayed(store) == ["one", "two", "three", "ended"]
    assert await names(log) == ["one", "two", "three", "ended"]


async def test_a_mistake_in_one_flush_does_not_end_the_flusher(
    log: JournaledLog, store: WatchedStore, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    writer = await begin(log, store)
    faults.error = RuntimeError("nobody thought of this")
    writer.append("one", b"{}")
    await faults.writes(2)
    faults.error = None
    await faults.writes()
    assert (await store.get(Run, "run_r", scope=ANN)).journal_last == 1
    assert "nobody thought of this" in caplog.text


async def test_a_silent_run_keeps_its_lease(log: JournaledLog, store: WatchedStore, faults: Faults) -> None:
    await begin(log, store)
    leases: list[float] = []
    for _ in range(3):
        await faults.writes()
        lease_until = (await store.get(Run, "run_r", scope=ANN)).lease_until
        assert lease_until is not None
        leases.append(lease_until)
    assert leases[0] < leases[1] < leases[2]


async def test_stopping_writes_what_was_said(store: WatchedStore) -> None:
    log = JournaledLog(store, flush_s=60, lease_s=60, heartbeat_s=20)
    await log.start()
    writer = await begin(log, store)
    writer.append("one", b"{}")
    await log.stop()
    kept = await store.get(Run, "run_r", scope=ANN)
    assert (kept.journal_last, kept.status) == (1, "in_progress")


async def test_stopping_while_the_database_is_away_says_so_and_goes_on(
    store: WatchedStore, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    log = JournaledLog(store, flush_s=60, lease_s=60, heartbeat_s=20)
    await log.start()
    writer = await begin(log, store)
    writer.append("one", b"{}")
    faults.error = StoreUnavailable("The database does not answer: the disk is full.")
    await log.stop()
    assert "the disk is full" in caplog.text


async def test_a_commit_that_was_refused_by_the_status_leaves_nothing_that_is_ever_read(
    log: JournaledLog, store: WatchedStore
) -> None:
    writer = await begin(log, store)
    writer.append("one", b"{}")
    await store.update(Run, "run_r", {"status": "cancelling"}, scope=ANN)
    with pytest.raises(ConditionFailed):
        await writer.commit([("never", b"{}")], {"status": "queued"}, {"status": "in_progress"})
    writer.append("two", b"{}")
    await end(writer)
    assert await replayed(store) == await names(log) == ["one", "two", "ended"]


async def test_a_commit_whose_answer_was_lost_counts_and_followers_see_it(
    log: JournaledLog, store: WatchedStore, faults: Faults
) -> None:
    writer = await begin(log, store)
    writer.append("one", b"{}")
    follower = asyncio.create_task(names(log))
    await asyncio.sleep(0)
    faults.error, faults.after = StoreUnavailable("The database does not answer."), True
    with pytest.raises(StoreUnavailable):
        await end(writer)
    faults.error = None
    with pytest.raises(ConditionFailed) as refused:
        await end(writer)
    assert isinstance(refused.value.current, Run)
    assert refused.value.current.status == "completed"
    await writer.close()
    assert await asyncio.wait_for(follower, WITHIN_S) == ["one", "ended"]
    assert await replayed(store) == ["one", "ended"]


async def test_a_commit_that_was_torn_leaves_nothing_when_another_one_counts(tmp_path: Path) -> None:
    store = TwoStepStore(SqliteStore(tmp_path))
    await store.open()
    log = JournaledLog(store, flush_s=0.005, lease_s=60, heartbeat_s=0.005, tail_s=0.01)
    await log.start()
    writer = await begin(log, store)
    writer.append("one", b"{}")
    store.torn = True
    with pytest.raises(StoreUnavailable):
        await end(writer)
    store.torn = False
    writer.append("two", b"{}")  # it ends in another way: it was stopped meanwhile
    await asyncio.sleep(0.05)  # time for flushes that must not come
    await end(writer)
    assert await replayed(store) == await names(log) == ["one", "two", "ended"]
    await log.stop()
    await store.close()


async def test_ticks_come_only_after_a_silence_of_their_length(store: WatchedStore) -> None:
    """A follower of another process's run: what came in between starts the silence anew."""
    log = JournaledLog(store, flush_s=0.001, lease_s=60, heartbeat_s=60)
    await log.start()
    writer = await begin(log, store)
    elsewhere = JournaledLog(store, flush_s=1, lease_s=60, heartbeat_s=20, tail_s=0.02)
    ticks = words = 0
    async with asyncio.timeout(WITHIN_S):
        async for batch in elsewhere.follow("run_r", 0, scope=ANN, tick_s=0.3):
            ticks += not batch
            words += sum(event.name == "word" for event in batch)
            if words == 40:
                break
            if batch or words == 0:
                await asyncio.sleep(0.02)
                writer.append("word", b"{}")
    assert ticks <= 1
    await log.stop()
