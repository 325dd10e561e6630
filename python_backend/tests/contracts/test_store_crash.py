"""What every Store promises about cancelled callers and killed processes: what was answered is there, nothing is half done."""

import asyncio
import gc
import random
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.contracts.backends import Backend
from tests.contracts.stored_things import ANN, chunk, message, run, thread
from underpin.errors import NotFound
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.message import Message
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.store.base import Inc, JournalWrite, Store

ROOT = Path(__file__).resolve().parents[2]
ACKNOWLEDGED = 100


@pytest.mark.parametrize("round_number", range(3))
async def test_what_a_killed_process_was_answered_is_there(
    backend: Backend, another: Callable[[], Awaitable[Store]], round_number: int
) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contracts.writing_child", backend.name, backend.place),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdout is not None
    answered: list[str] = []
    try:
        async with asyncio.timeout(60):
            while len(answered) < ACKNOWLEDGED + round_number * 7:
                answered.append((await child.stdout.readline()).decode().strip())
    finally:
        child.kill()
        await child.wait()
    answered += [line for line in (await child.stdout.read()).decode().split("\n")[:-1] if line]

    store = await another()
    numbers = [int(line) for line in answered]
    assert numbers == list(range(len(numbers)))
    for number in numbers:
        assert (await store.get(Message, f"msg_{number}", scope=ANN)).seq == number + 1
    kept = await store.get(Run, "run_r", scope=ANN)
    assert numbers[-1] + 1 <= kept.journal_last <= numbers[-1] + 2
    chunks = (await store.page(JournalChunk, "run_r", scope=ANN, order="asc", limit=1000)).data
    assert {one.seq for one in chunks} >= set(range(1, kept.journal_last + 1))
    await store.add(message("after", seq=999))


async def test_a_thousand_cancelled_calls_leave_whole_objects_and_a_working_store(store: Store) -> None:
    chance = random.Random(20)
    await store.add(thread())
    await store.add(run(claim="c"))
    adds: dict[int, bool] = {}
    counted = flushed = 0

    async def call(number: int) -> None:
        nonlocal counted, flushed
        match number % 4:
            case 0:
                adds[number] = False
                await store.add(message(str(number), seq=number + 1))
                adds[number] = True
            case 1:
                await store.update(Thread, "thread_t", {"last_seq": Inc()}, scope=ANN, only_if={"active_run": None})
                counted += 1
            case 2:
                write = JournalWrite("run_r", chunk("run_r", number), {"past_heads": [], "claim_no": Inc()}, {"claim": "c"})
                assert await store.write_journal([write]) == [True]
                flushed += 1
            case _:
                await store.page(Message, "thread_t", scope=ANN)

    cancelled = 0
    for number in range(1000):
        task = asyncio.create_task(call(number))
        for _ in range(chance.randrange(5)):
            await asyncio.sleep(0)
        task.cancel()
        result = (await asyncio.gather(task, return_exceptions=True))[0]
        assert result is None or isinstance(result, asyncio.CancelledError)
        cancelled += result is not None
    assert cancelled > 100

    await store.ping()
    there = {int(one.id.removeprefix("msg_")) for one in (await store.page(Message, None, scope=ANN, limit=1000)).data}
    assert {number for number, answered in adds.items() if answered} <= there <= set(adds)
    assert counted <= (await store.get(Thread, "thread_t", scope=ANN)).last_seq <= 250
    kept = await store.get(Run, "run_r", scope=ANN)
    chunks = (await store.page(JournalChunk, "run_r", scope=ANN, limit=1000)).data
    assert flushed <= kept.claim_no - 1 <= 250
    assert len(chunks) >= kept.claim_no - 1  # every head that moved has its chunk


async def test_a_cancelled_write_is_over_before_the_next_begins(store: Store) -> None:
    await store.add(thread())
    for number in range(100):
        task = asyncio.create_task(store.update(Thread, "thread_t", {"last_seq": Inc(1000)}, scope=ANN))
        await asyncio.sleep(0)
        task.cancel()
        before = await store.update(Thread, "thread_t", {"last_seq": Inc()}, scope=ANN)
        after = await store.update(Thread, "thread_t", {"last_seq": Inc()}, scope=ANN)
        assert after.last_seq == before.last_seq + 1
        assert after.last_seq % 1000 == 2 * (number + 1)
        await asyncio.gather(task, return_exceptions=True)


# PyMongo leaves its socket to the garbage collector when it is cancelled while it connects.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_a_cancelled_open_leaves_a_database_that_opens(backend: Backend, another: Callable[[], Awaitable[Store]]) -> None:
    for turns in range(12):
        opening = asyncio.create_task(backend.store().open())
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
    store = await another()
    with pytest.raises(NotFound):
        await store.get(Thread, "thread_t", scope=ANN)
    await store.add(thread())
    gc.collect()
