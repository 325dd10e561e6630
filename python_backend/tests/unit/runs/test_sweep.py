"""No state without a deadline: what nobody works on any more is finished, and one bad thing stops nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.faults.watched_store import Call
from tests.unit.runs.house import ANN, House, names, open_house
from underpin.errors import ConditionFailed, StoreUnavailable
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.runs import leg as leg_module
from underpin.runs.claims import Claims
from underpin.runs.order import new_run
from underpin.runs.runner import Times
from underpin.runs.settle import OWNER_DIED
from underpin.store.sqlite import SqliteStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest_asyncio.fixture
async def house(folder: Path) -> AsyncIterator[House]:
    async with open_house(folder) as house:
        yield house


async def orphan(house: House, thread: Thread, *, worker: str | None = None, **fields: Any) -> Run:
    """A run that a process put down, with its claim on the thread, before it died."""
    owned = Claims(house.store, worker or "worker_that_is_dead", 60).owned()
    order = await house.order(thread, "words 2")
    run = new_run(order, timeout_s=600, store_now=house.store.now(), owned={**owned, **fields})
    await house.store.add(run)
    return run


async def hold(house: House, thread: Thread, run_id: str, until: float = -1.0) -> None:
    changes = {"active_run": run_id, "active_worker": "worker_x", "active_until": house.store.now() + until}
    await house.store.update(Thread, thread.id, changes, scope=ANN)


async def test_a_run_whose_lease_ran_out_ends_and_its_thread_is_free(house: House) -> None:
    thread = await house.thread()
    run = await orphan(house, thread, lease_until=house.store.now() - 1)
    await hold(house, thread, run.id)
    await house.sweep.sweep()
    ended = await house.run(run)
    assert (ended.status, ended.settled, ended.last_error and ended.last_error.message) == ("failed", True, OWNER_DIED)
    assert await house.texts(thread) == [("user", "completed", "words 2")]
    assert await house.active(thread) is None


async def test_a_live_lease_of_a_worker_that_nobody_knows_is_trusted_between_starts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def nobody_knows(worker: str) -> bool | None:
        asked.append(worker)
        return None

    monkeypatch.setattr(house.store, "worker_lives", nobody_knows)
    runs = [await orphan(house, await house.thread()) for _ in range(3)]
    await house.start(await house.thread(), "hang")
    await house.sweep.sweep()
    assert [(await house.run(run)).status for run in runs] == ["queued"] * 3
    assert asked == ["worker_that_is_dead"]  # once, and never after ourselves


async def test_between_starts_too_a_worker_that_the_host_knows_to_be_dead_is_not_waited_for(house: House) -> None:
    thread = await house.thread()
    run = await orphan(house, thread)
    await hold(house, thread, run.id, until=60)
    await house.sweep.sweep()
    assert (await house.run(run)).status == "failed"
    assert await house.active(thread) is None


async def test_at_start_a_worker_that_the_host_knows_to_be_dead_is_not_waited_for(house: House) -> None:
    thread = await house.thread()
    run = await orphan(house, thread)
    await house.sweep.sweep(at_start=True)
    assert (await house.run(run)).status == "failed"


async def test_a_worker_that_lives_keeps_its_run_whatever_its_lease_says(house: House, folder: Path) -> None:
    alive = SqliteStore(folder)
    await alive.open()
    thread = await house.thread()
    run = await orphan(house, thread, worker=alive.worker, lease_until=house.store.now() - 1)
    await house.store.update(Run, run.id, {"worker": alive.worker}, scope=ANN)
    await house.sweep.sweep(at_start=True)
    assert (await house.run(run)).status == "queued"
    await alive.close()
    await house.sweep.sweep()
    assert (await house.run(run)).status == "failed"


async def test_an_own_run_is_left_alone(house: House) -> None:
    thread = await house.thread()
    run = await house.start(thread, "hang")
    await house.store.update(Run, run.id, {"lease_until": house.store.now() - 1}, scope=ANN)
    await hold(house, thread, run.id)
    await house.sweep.sweep(at_start=True)
    assert (await house.run(run)).status == "in_progress"
    kept = await house.store.get(Thread, thread.id, scope=ANN)
    assert kept.active_until is not None
    assert (kept.active_run, kept.active_until > house.store.now()) == (run.id, True)


async def test_an_own_run_that_nobody_works_on_any_more_ends_when_its_lease_has_run_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was away for longer than its end was tried."""
    monkeypatch.setattr(leg_module, "STORE_RETRY_S", 0.0)
    monkeypatch.setattr(leg_module, "STORE_RETRIES", 2)

    async def away(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        if call.verb == "write_journal":
            raise StoreUnavailable("The database does not answer: the disk is full.")
        return await do()

    watcher, house.store.watcher = house.store.watcher, away
    thread = await house.thread()
    run = await house.answer(thread, "words 2")
    assert run.status == "in_progress"
    house.store.watcher = watcher
    await house.sweep.sweep()
    assert (await house.run(run)).status == "in_progress"
    await house.store.update(Run, run.id, {"lease_until": house.store.now() - 1}, scope=ANN)
    await house.sweep.sweep()
    assert (await house.run(run)).status == "failed"
    assert (await house.texts(thread))[1:] == [("assistant", "completed", "word1 word2")]
    assert await house.active(thread) is None


async def test_a_thread_that_is_held_by_nobody_is_freed(house: House) -> None:
    thread = await house.thread()
    await hold(house, thread, "run_that_never_was")
    await house.sweep.sweep()
    assert await house.active(thread) is None
    assert (await house.answer(thread, "words 1")).status == "completed"


async def test_a_message_takes_over_from_a_run_that_never_was(house: House) -> None:
    thread = await house.thread()
    await hold(house, thread, "run_that_never_was", until=60)
    assert (await house.answer(thread, "words 1")).status == "completed"


async def test_a_run_that_has_ended_and_holds_its_thread_still_lets_go(house: House) -> None:
    thread = await house.thread()
    run = await orphan(house, thread, status="completed", lease_until=house.store.now() - 1)
    await hold(house, thread, run.id)
    await house.sweep.sweep()
    assert (await house.active(thread), (await house.run(run)).settled) == (None, True)
    assert [event.name for event in await house.thread_events(thread)] == ["thread.run.ended"]


async def test_outputs_that_never_come_expire(folder: Path) -> None:
    async with open_house(folder, times=Times(run_timeout_s=0.1)) as house:
        thread = await house.thread()
        run = await house.answer(thread, "call f {}")
        assert (run.status, run.lease_until) == ("requires_action", None)
        await house.store.update(Run, run.id, {"deadline": house.store.now() - 1}, scope=ANN)
        await house.sweep.sweep()
        assert (await house.run(run)).status == "expired"
        assert [step.status for step in await house.steps(run)] == ["expired"]
        assert names(await house.events(run))[-1] == "thread.run.expired"
        assert await house.active(thread) is None


async def test_outputs_that_are_awaited_stay_awaited_through_a_restart(folder: Path, house: House) -> None:
    async with open_house(folder) as first:
        thread = await first.thread()
        run = await first.answer(thread, "call f {}")
        await first.die()
    await house.sweep.sweep(at_start=True)
    assert ((await house.run(run)).status, await house.active(thread)) == ("requires_action", run.id)


async def test_messages_that_waited_are_adopted_and_answered_in_their_order(folder: Path, house: House) -> None:
    async with open_house(folder) as first:
        thread = await first.thread(shared=True)
        holder = await first.start(thread, "words 1\nhang", "wait")
        waiting = [await first.start(thread, f"words {number}", "wait") for number in (2, 3)]
        await first.said(holder, 1)
        await first.die()
    await house.sweep.sweep(at_start=True)
    for run in waiting:
        assert (await house.over(run)).status == "completed"
    assert [text for role, _, text in await house.texts(thread) if role == "user"] == ["words 1\nhang", "words 2", "words 3"]
    assert (await house.run(holder)).status == "failed"
    assert names(await house.events(waiting[0]))[-1] == "thread.run.completed"
    assert await house.active(thread) is None


async def test_the_journal_of_an_ended_run_is_cleared_in_its_time_and_its_messages_tell_the_rest(folder: Path) -> None:
    async with open_house(folder, times=Times(run_log_keep_s=0)) as house:
        thread = await house.thread()
        run = await house.answer(thread, 'say "Clay"\ncite file-a "Clay."')
        last = (await house.events(run))[-1].number
        await house.sweep.sweep()
    async with open_house(folder) as house:  # without the live log of the process that had it
        assert (await house.store.page(JournalChunk, run.id, scope=ANN)).data == []
        assert (await house.run(run)).log_until is None
        told = await house.events(run)
        assert names(told)[-2:] == ["thread.message.completed", "thread.run.completed"]
        assert {event.number for event in told} == {last}
        assert names(await house.events(run, after=3)) == ["thread.message.completed", "thread.run.completed"]
        assert await house.events(run, after=last) == []


async def test_one_thing_that_cannot_be_settled_does_not_stop_the_others(house: House, caplog: pytest.LogCaptureFixture) -> None:
    threads = [await house.thread() for _ in range(3)]
    runs = [await orphan(house, thread) for thread in threads]
    poisoned = runs[1].id

    async def poison(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        if call.writes and call.subject == poisoned:
            raise ZeroDivisionError("nobody thought of this")
        return await do()

    watcher, house.store.watcher = house.store.watcher, poison
    await house.sweep.sweep(at_start=True)
    assert [(await house.run(run)).status for run in runs] == ["failed", "queued", "failed"]
    assert house.sweep.failing is not None
    (why,) = [record for record in caplog.records if "cannot be settled" in record.getMessage()]
    assert (vars(why)["run_id"], vars(why)["thread_id"]) == (poisoned, threads[1].id)
    house.store.watcher = watcher
    await house.sweep.sweep(at_start=True)
    assert (await house.run(runs[1])).status == "failed"
    assert house.sweep.failing is None


async def test_a_run_that_others_settle_first_is_no_failure(house: House) -> None:
    thread = await house.thread()
    run = await orphan(house, thread)

    async def lost(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        if (call.verb, call.subject) == ("update", run.id) and "claim" in (call.changes or {}):
            raise ConditionFailed("taken", field="claim", current=run)
        return await do()

    house.store.watcher = lost
    await house.sweep.sweep(at_start=True)
    assert (house.sweep.failing, (await house.run(run)).status) == (None, "queued")


async def test_a_start_on_a_database_that_is_away_is_refused_not_ignored(house: House) -> None:
    async def away(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        raise StoreUnavailable("The database does not answer: it is locked by another program.")

    watcher, house.store.watcher = house.store.watcher, away
    with pytest.raises(StoreUnavailable):
        await house.sweep.start()
    house.store.watcher = watcher
