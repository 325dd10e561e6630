"""What the EventLog promises, to a follower in the writer's process, in another one, and to one whose past left the memory."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.stored_things import ANN, BOB, run
from tests.faults.watched_store import Call, WatchedStore
from underpin.errors import ConditionFailed, NotFound
from underpin.eventlog import memory
from underpin.eventlog.base import Event, RunWriter, event_line
from underpin.eventlog.journaled import JournaledLog
from underpin.ids import derived_id
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.run import EVENTS_A_CLAIM, Run, RunStatus, may_become
from underpin.runs.claims import Claims
from underpin.store.base import In, Store

WITHIN_S = 20.0
"""No wait of a test is longer; none of them is expected to come near it."""


@dataclass
class Logs:
    """`writing` belongs to the process that has the run; followers ask `reading`."""

    store: WatchedStore
    writing: JournaledLog
    reading: JournaledLog
    fenced: list[str] = field(default_factory=list)
    written: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.store.watcher = self._watch

    async def _watch(self, call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await do()
        finally:
            if call.verb == "write_journal":
                self.written.set()

    async def kept(self, last: int) -> None:
        """Until the journal of the run has everything up to a number."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                self.written.clear()
                if (await self.store.get(Run, "run_r", scope=ANN)).journal_last >= last:
                    return
                await self.written.wait()

    async def begin(self, name: str = "r", **fields: object) -> RunWriter:
        given = {"status": "in_progress", "claim": "first", "lease_until": self.store.now() + 60, **fields}
        begun = run(name, **given)
        await self.store.add(begun)
        return self.writing.open(begun, lambda: self.fenced.append(begun.id))

    async def told(self, name: str = "r", after: int = 0) -> list[Event]:
        """All that a follower is told until it ends."""
        async with asyncio.timeout(WITHIN_S):
            batches = self.reading.follow(f"run_{name}", after, scope=ANN)
            return [event async for batch in batches for event in batch]

    async def take(self, name: str = "r") -> Run:
        """Another owner takes the run over."""
        claims = Claims(self.store, "worker_other", 60)
        return await claims.take_run(await self.store.get(Run, f"run_{name}", scope=ANN))


@pytest_asyncio.fixture(params=["live", "journal only", "tail overflow"])
async def logs(
    request: pytest.FixtureRequest, another: Callable[[], Awaitable[Store]], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Logs]:
    if request.param == "tail overflow":
        monkeypatch.setattr(memory, "TAIL_EVENTS", 4)
    store = WatchedStore(await another())
    writing = JournaledLog(store, flush_s=0.01, lease_s=60, heartbeat_s=20, tail_s=0.01)
    await writing.start()
    reading = writing
    if request.param == "journal only":
        reading = JournaledLog(await another(), flush_s=0.01, lease_s=60, heartbeat_s=20, tail_s=0.01)
    yield Logs(store, writing, reading)
    await writing.stop()


def word(number: int) -> tuple[str, bytes]:
    return "thread.message.delta", b'{"text":"word \xe2\x80\xa6 %d"}' % number


def say(writer: RunWriter, first: int, last: int) -> None:
    for number in range(first, last + 1):
        writer.append(*word(number))
    writer.wake()


async def end(writer: RunWriter, status: RunStatus = "completed") -> Run:
    event = (f"thread.run.{status}", b'{"status":"%b"}' % status.encode())
    return await writer.commit([event], {"status": status}, {"status": In(may_become(status))})


def expected(count: int, first: int = 1) -> list[Event]:
    """A log of `count` words and the end of its run."""
    words = [Event(first + at, word(at + 1)[0], event_line(*word(at + 1))) for at in range(count)]
    return [*words, Event(first + count, "thread.run.completed", event_line("thread.run.completed", b'{"status":"completed"}'))]


async def until(follower: asyncio.Task[list[Event]]) -> list[Event]:
    async with asyncio.timeout(WITHIN_S):
        return await follower


async def test_events_are_numbered_from_one_without_gaps_and_told_in_order(logs: Logs) -> None:
    writer = await logs.begin()
    follower = asyncio.create_task(logs.told())
    for number in range(1, 101):
        say(writer, number, number)
        await asyncio.sleep(0)
    ended = await end(writer)
    assert (ended.status, ended.journal_last) == ("completed", 101)
    assert await until(follower) == expected(100)


async def test_an_event_knows_its_data(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 1)
    await end(writer)
    assert [event.data for event in await logs.told()] == [word(1)[1], b'{"status":"completed"}']


async def test_each_of_two_hundred_events_can_be_resumed_while_the_run_goes_on(logs: Logs) -> None:
    writer = await logs.begin()
    followers = []
    for number in range(1, 201):
        say(writer, number, number)
        followers.append(asyncio.create_task(logs.told(after=number)))
        await asyncio.sleep(0)
    await end(writer)
    whole = expected(200)
    for number, follower in enumerate(followers, start=1):
        assert await until(follower) == whole[number:]


async def test_each_of_two_hundred_events_can_be_resumed_after_the_end(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 200)
    await end(writer)
    await writer.close()
    whole = expected(200)
    for after in range(202):
        assert await logs.told(after=after) == whole[after:]


async def test_what_was_seen_live_is_replayed_byte_for_byte(logs: Logs) -> None:
    writer = await logs.begin()
    writer.append("thread.message.delta", '{"text":"汉 🪨 \\" \\\\ \\n \u2028 {\\"event\\":\\"x\\"}"}'.encode())
    writer.append_line("thread.message.delta", event_line("thread.message.delta", b'{"text":"built before"}'))
    follower = asyncio.create_task(logs.told())
    writer.wake()
    await end(writer)
    await writer.close()
    live = await until(follower)
    elsewhere = JournaledLog(logs.store, flush_s=1, lease_s=60, heartbeat_s=20, tail_s=0.01)
    replayed = [event async for batch in elsewhere.follow("run_r", 0, scope=ANN) for event in batch]
    assert [event.line for event in replayed] == [event.line for event in live]
    assert replayed == live
    assert len(live) == 3


async def test_fifty_followers_from_anywhere_are_told_the_same(logs: Logs) -> None:
    writer = await logs.begin()
    followers = [asyncio.create_task(logs.told(after=at % 5)) for at in range(50)]
    for number in range(1, 301):
        say(writer, number, number)
        if number % 10 == 0:
            await asyncio.sleep(0.001)  # not to wait for something: so that flushes fall in between
    await end(writer)
    whole = expected(300)
    for at, follower in enumerate(followers):
        assert await until(follower) == whole[at % 5 :]


async def test_a_follower_that_does_not_read_slows_nobody_and_misses_nothing(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 10)
    async with asyncio.timeout(WITHIN_S), aclosing(logs.reading.follow("run_r", 0, scope=ANN)) as slow:
        seen = list(await anext(slow))
        quick = asyncio.create_task(logs.told())
        for first in range(11, 20_000, 100):
            say(writer, first, first + 99)
            await asyncio.sleep(0)
        count = first + 99
        await end(writer)
        assert len(await until(quick)) == count + 1
        seen += [event async for batch in slow for event in batch]
    assert seen == expected(count)


async def test_a_quiet_run_ticks_with_an_empty_batch_and_goes_on(logs: Logs) -> None:
    writer = await logs.begin()
    async with asyncio.timeout(WITHIN_S), aclosing(logs.reading.follow("run_r", 0, scope=ANN, tick_s=0.03)) as follower:
        assert list(await anext(follower)) == []
        assert list(await anext(follower)) == []
        say(writer, 1, 1)
        batch = list(await anext(follower))
        while not batch:
            batch = list(await anext(follower))
        assert batch == expected(1)[:1]
        await end(writer)
        rest = [event async for batch in follower for event in batch]
    assert rest == expected(1)[1:]


async def test_an_unknown_run_and_a_foreign_one_look_the_same(logs: Logs) -> None:
    await logs.begin()
    for run_id, scope in (("run_none", ANN), ("run_r", BOB)):
        with pytest.raises(NotFound):
            await asyncio.wait_for(anext(logs.reading.follow(run_id, 0, scope=scope)), WITHIN_S)


async def test_a_commit_that_is_refused_is_never_told(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 5)
    follower = asyncio.create_task(logs.told())
    await logs.store.update(Run, "run_r", {"status": "cancelling"}, scope=ANN)
    with pytest.raises(ConditionFailed) as refused:
        await writer.commit([("thread.run.queued", b"{}")], {"status": "queued"}, {"status": In(may_become("queued"))})
    assert refused.value.field == "status"
    assert isinstance(refused.value.current, Run)
    assert refused.value.current.status == "cancelling"
    assert (await end(writer, "cancelled")).status == "cancelled"
    for told in (await until(follower), await logs.told()):
        assert [(event.number, event.name) for event in told[4:]] == [(5, word(5)[0]), (6, "thread.run.cancelled")]


async def test_a_commit_changes_the_run_and_tells_its_events_or_does_neither(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 3)
    committed = await writer.commit(
        [("thread.run.cancelling", b"{}")], {"status": "cancelling", "metadata": {"a": "b"}}, {"status": "in_progress"}
    )
    assert (committed.status, committed.metadata, committed.journal_last) == ("cancelling", {"a": "b"}, 4)
    with pytest.raises(ConditionFailed):
        await writer.commit([("never", b"{}")], {"metadata": {"c": "d"}}, {"status": "in_progress"})
    kept = await logs.store.get(Run, "run_r", scope=ANN)
    assert (kept.metadata, kept.journal_last) == ({"a": "b"}, 4)
    await end(writer, "cancelled")
    assert [event.name for event in await logs.told(after=3)] == ["thread.run.cancelling", "thread.run.cancelled"]


@pytest.mark.race
async def test_an_owner_whose_run_was_taken_is_told_once_and_writes_no_more(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 3)
    follower = asyncio.create_task(logs.told())
    await logs.kept(3)
    taken = await logs.take()
    say(writer, 4, 6)
    async with asyncio.timeout(WITHIN_S):
        while not logs.fenced:
            logs.written.clear()
            await logs.written.wait()
    say(writer, 7, 9)
    with pytest.raises(ConditionFailed) as refused:
        await end(writer)
    assert refused.value.field == "claim"
    heir = logs.writing.open(taken, lambda: logs.fenced.append("heir"))
    say(heir, 4, 4)
    await end(heir)
    assert logs.fenced == ["run_r"]
    begin = EVENTS_A_CLAIM + 1
    for told in (await until(follower), await logs.told()):
        beyond = [(event.number, event.name) for event in told if event.number > 6]
        assert beyond == [(begin, word(4)[0]), (begin + 1, "thread.run.completed")]
    assert [event.number for event in await logs.told()] == [1, 2, 3, begin, begin + 1]


async def test_chunks_that_a_stale_claim_left_are_never_read(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 3)
    await logs.kept(3)
    await writer.close()
    taken = await logs.take()
    for claim_no, first in ((1, 4), (3, 2 * EVENTS_A_CLAIM + 1)):
        lines = event_line("stale", b"{}").decode()
        stale = JournalChunk(
            id=derived_id("chunk_", claim_no), owner="ann", run_id="run_r", claim_no=claim_no, first=first, seq=first, lines=lines
        )
        await logs.store.add(stale)
    heir = logs.writing.open(taken, lambda: None)
    say(heir, 4, 4)
    await end(heir)
    names = [event.name for event in await logs.told()]
    assert names == ["thread.message.delta"] * 4 + ["thread.run.completed"]


async def test_who_saw_more_than_was_kept_goes_on_with_the_next_owner(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 3)
    await logs.kept(3)
    await writer.close()
    heir = logs.writing.open(await logs.take(), lambda: None)
    heir.append("thread.message.completed", b'{"whole":"text"}')
    await end(heir)
    told = await logs.told(after=50)
    assert [event.name for event in told] == ["thread.message.completed", "thread.run.completed"]
    assert told[0].number == EVENTS_A_CLAIM + 1


async def test_the_next_owner_reads_what_counts_of_all_claims(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 3)
    await logs.kept(3)
    for _ in range(2):
        await writer.close()
        writer = logs.writing.open(await logs.take(), lambda: None)
        say(writer, 1, 2)
        await logs.kept((await logs.store.get(Run, "run_r", scope=ANN)).first_number + 1)
    current = await logs.store.get(Run, "run_r", scope=ANN)
    kept = [event.number async for batch in logs.reading.kept(current) for event in batch]
    assert kept == [1, 2, 3, EVENTS_A_CLAIM + 1, EVENTS_A_CLAIM + 2, 2 * EVENTS_A_CLAIM + 1, 2 * EVENTS_A_CLAIM + 2]
    assert current.last_number == kept[-1]


async def test_a_follower_ends_when_outputs_are_needed_and_another_goes_on_after_them(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 2)
    follower = asyncio.create_task(logs.told())
    paused = await writer.commit(
        [("thread.run.requires_action", b"{}")], {"status": "requires_action", "lease_until": None}, {"status": "in_progress"}
    )
    await writer.close()
    assert paused.lease_until is None
    told = await until(follower)
    assert told[-1].name == "thread.run.requires_action"
    assert await logs.told() == told

    taken = await logs.take()
    await logs.store.update(Run, "run_r", {"status": "in_progress"}, scope=ANN)
    heir = logs.writing.open(taken, lambda: None)
    after_outputs = asyncio.create_task(logs.told(after=taken.first_number - 1))
    from_the_pause = asyncio.create_task(logs.told(after=3))
    from_the_begin = asyncio.create_task(logs.told())
    say(heir, 1, 20)
    await end(heir)
    rest = expected(20, first=EVENTS_A_CLAIM + 1)
    assert await until(after_outputs) == rest
    assert await until(from_the_pause) == rest
    assert await until(from_the_begin) == told + rest


async def test_a_flush_renews_the_lease(logs: Logs) -> None:
    writer = await logs.begin(lease_until=logs.store.now() + 1)
    say(writer, 1, 1)
    await logs.kept(1)
    kept = await logs.store.get(Run, "run_r", scope=ANN)
    assert kept.lease_until is not None
    assert kept.lease_until > logs.store.now() + 30


def tasks() -> set[asyncio.Task[Any]]:
    """All tasks but those of a database's driver and of the store's own connection, which come and go as they like."""
    where = {task: getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()}
    theirs = (f"{os.sep}pymongo{os.sep}", f"{os.sep}underpin{os.sep}store{os.sep}", f"{os.sep}asyncio{os.sep}")
    return {task for task, code in where.items() if code is None or not any(part in code.co_filename for part in theirs)}


async def test_followers_that_leave_leave_nothing(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 1)
    await logs.kept(1)
    before = tasks()
    for _ in range(20):
        follower = logs.reading.follow("run_r", 0, scope=ANN, tick_s=5)
        await anext(follower)
        await follower.aclose()
        waiting = asyncio.create_task(logs.told())
        await asyncio.sleep(0.002)
        waiting.cancel()
        assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)
    assert tasks() == before
    await end(writer)
    assert len(await logs.told()) == 2


async def test_when_the_server_stops_followers_end_once_they_have_read_what_is_there(logs: Logs) -> None:
    writer = await logs.begin()
    say(writer, 1, 50)
    await logs.kept(50)
    follower = asyncio.create_task(logs.told())
    logs.reading.end_followers()
    assert [event.number for event in await until(follower)] == list(range(1, 51))
    assert (await logs.store.get(Run, "run_r", scope=ANN)).status == "in_progress"
