"""Deleting a thread: nothing of it stays, whatever was going on in it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.faults.watched_store import Call
from tests.unit.runs.house import ANN, WITHIN_S, House
from underpin.errors import NotFound
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.message import Message
from underpin.objects.run import Run
from underpin.objects.run_step import RunStep
from underpin.objects.thread import Thread
from underpin.objects.thread_event import ThreadEvent
from underpin.runs.deletion import delete_thread
from underpin.runs.order import new_run
from underpin.store.base import EVERYONE

KINDS = (Thread, Message, Run, RunStep, JournalChunk, ThreadEvent)


async def left(house: House) -> dict[str, int]:
    """How many objects there are of each kind that belongs to threads."""
    pages = {kind.kind: await house.store.page(kind, None, scope=EVERYONE, limit=1000) for kind in KINDS}
    return {name: len(page.data) for name, page in pages.items() if page.data}


async def delete(house: House, thread: Thread) -> None:
    await delete_thread(house.runner, await house.store.get(Thread, thread.id, scope=ANN))


async def test_nothing_stays_of_a_thread_with_runs_of_all_kinds(house: House) -> None:
    thread = await house.thread()
    for script in ("words 3", "words 1\nfail broken", "fail key", "call f {}", "words 2\nhang"):
        await house.start(thread, script)
    await delete(house, thread)
    assert await left(house) == {}


async def test_another_threads_things_stay(house: House) -> None:
    thread, other = await house.thread(), await house.thread()
    await house.answer(thread, "words 1")
    await house.answer(other, "words 1")
    await delete(house, thread)
    assert len(await house.messages(other)) == 2
    assert len(await house.runs(other)) == 1


async def test_messages_that_wait_are_not_answered_any_more(house: House) -> None:
    thread = await house.thread(shared=True)
    runs = [await house.start(thread, script, "wait") for script in ("hang", "words 1", "words 2")]
    followers = [asyncio.create_task(house.events(run)) for run in runs]
    await asyncio.sleep(0)
    await delete(house, thread)
    for follower in followers:
        told = (await asyncio.wait_for(asyncio.gather(follower, return_exceptions=True), WITHIN_S))[0]
        assert isinstance(told, NotFound) or told[-1].name == "thread.run.cancelled"
    assert await left(house) == {}


async def test_a_run_that_never_got_its_turn_goes_too(house: House) -> None:
    """Its process died between the two first writes: it has no place in the thread's order."""
    thread = await house.thread()
    order = await house.order(thread, "words 1")
    owned = {"claim": "c", "worker": "worker_dead", "lease_until": house.store.now() + 60}
    await house.store.add(new_run(order, timeout_s=600, store_now=house.store.now(), owned=owned))
    await house.sweep.sweep(at_start=True)
    await delete(house, thread)
    assert await left(house) == {}


async def test_deleting_again_after_a_crash_in_the_middle_finishes_it(house: House) -> None:
    crashes = 0
    for died_after in range(1, 50):
        thread = await house.thread()
        await house.answer(thread, "words 1")
        writes = 0

        async def die(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
            nonlocal writes
            writes += call.writes
            if call.writes and writes > died_after:  # noqa: B023 (used within this round only)
                raise ZeroDivisionError
            return await do()

        watcher, house.store.watcher = house.store.watcher, die
        try:
            await delete(house, thread)
            break
        except ZeroDivisionError:
            crashes += 1
        finally:
            house.store.watcher = watcher
        await again(house, thread)
        assert await left(house) == {}
    assert crashes >= 7


async def again(house: House, thread: Thread) -> None:
    """A person who sees the thread deletes it again; where it is gone, the sweep has nothing to find."""
    try:
        await delete(house, thread)
    except NotFound:
        return


@pytest.mark.parametrize("at", [("add", "runs"), ("update", "threads"), ("add", "messages"), ("update", "runs")])
async def test_a_message_that_comes_at_the_same_time_leaves_nothing(house: House, at: tuple[str, str]) -> None:
    """The message is held at one of its writes until the deletion has gone as far as it can without it."""
    thread = await house.thread()
    order = await house.order(thread, "words 3")
    held, go_on = asyncio.Event(), asyncio.Event()

    async def hold(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        if (call.verb, call.what) == at and not held.is_set():
            held.set()
            await go_on.wait()
        return await do()

    house.store.watcher = hold
    starting = asyncio.create_task(house.runner.start(order))
    await asyncio.wait_for(held.wait(), WITHIN_S)
    deleting = asyncio.create_task(delete(house, thread))
    await asyncio.wait({deleting}, timeout=0.2)
    go_on.set()
    await asyncio.wait_for(deleting, WITHIN_S)
    results = await asyncio.gather(starting, return_exceptions=True)
    assert isinstance(results[0], Run | NotFound)
    assert await left(house) == {}


async def test_a_deleted_thread_is_not_found_by_the_next_message(house: House) -> None:
    thread = await house.thread()
    order = await house.order(thread, "words 1")
    await delete(house, thread)
    with pytest.raises(NotFound):
        await house.runner.start(order)
    assert await left(house) == {}
