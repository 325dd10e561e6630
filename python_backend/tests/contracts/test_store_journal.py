"""What every Store promises about the journal: a run's head moves only for its claim, and one refusal is nobody else's."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.contracts.stored_things import ANN, chunk, run
from underpin.errors import AlreadyExists, NotFound
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.run import Run
from underpin.store.base import Below, In, JournalWrite, Store


def flush(name: str, number: int, claim: str = "c", **changes: object) -> JournalWrite:
    written = {"journal_last": number, "lease_until": 20.0 + number, **changes}
    only_if = {"claim": claim, "status": In(("queued", "in_progress"))}
    return JournalWrite(f"run_{name}", chunk(f"run_{name}", number), written, only_if)


async def test_a_flush_makes_chunks_visible_by_the_head_of_their_runs(store: Store) -> None:
    for name in ("a", "b"):
        await store.add(run(name, claim="c"))
    assert await store.write_journal([flush("a", 3), flush("b", 9)]) == [True, True]
    assert await store.write_journal([flush("a", 5)]) == [True]
    found = await store.get(Run, "run_a", scope=ANN)
    assert (found.journal_last, found.lease_until, found.claim) == (5, 25.0, "c")
    page = await store.page(JournalChunk, "run_a", scope=ANN, order="asc")
    assert page.data == [chunk("run_a", 3), chunk("run_a", 5)]


async def test_a_refused_run_is_told_and_the_others_are_written(store: Store) -> None:
    for name in ("a", "b", "c"):
        await store.add(run(name, claim="c"))
    await store.update(Run, "run_b", {"claim": "another"}, scope=ANN)
    await store.update(Run, "run_c", {"status": "cancelling"}, scope=ANN)
    batch = [flush("a", 3), flush("b", 3), flush("gone", 3), flush("c", 3), flush("a", 4)]
    assert await store.write_journal(batch) == [True, False, False, False, True]
    assert [(await store.get(Run, f"run_{name}", scope=ANN)).journal_last for name in "abc"] == [4, 0, 0]
    assert (await store.get(Run, "run_b", scope=ANN)).lease_until is None
    with pytest.raises(NotFound):
        await store.get(Run, "run_gone", scope=ANN)


async def test_a_heartbeat_is_a_write_without_a_chunk(store: Store) -> None:
    await store.add(run(claim="c"))
    beat = JournalWrite("run_r", None, {"lease_until": 40.0}, {"claim": "c"})
    assert await store.write_journal([beat]) == [True]
    assert (await store.get(Run, "run_r", scope=ANN)).lease_until == 40.0
    assert (await store.page(JournalChunk, "run_r", scope=ANN)).data == []
    assert await store.write_journal([JournalWrite("run_r", None, {"lease_until": 50.0}, {"lease_until": Below(40)})]) == [False]


async def test_a_repeated_flush_changes_nothing_and_the_first_chunk_stays(store: Store) -> None:
    await store.add(run(claim="c"))
    first = flush("r", 3)
    assert await store.write_journal([first]) == [True]
    again = JournalWrite("run_r", chunk("run_r", 3, "other lines"), first.changes, first.only_if)
    assert await store.write_journal([again]) == [True]
    assert (await store.page(JournalChunk, "run_r", scope=ANN)).data == [chunk("run_r", 3)]
    with pytest.raises(AlreadyExists):
        await store.add(chunk("run_r", 3))


async def test_an_empty_batch_is_an_empty_answer(store: Store) -> None:
    assert await store.write_journal([]) == []


async def test_a_batch_of_two_hundred_runs_is_one_call(store: Store) -> None:
    names = [str(number) for number in range(200)]
    for name in names:
        await store.add(run(name, claim="c" if int(name) % 10 else "other"))
    held = await store.write_journal([flush(name, 7) for name in names])
    assert held == [bool(int(name) % 10) for name in names]


@pytest.mark.race
async def test_the_head_never_counts_for_two_claims(another: Callable[[], Awaitable[Store]]) -> None:
    """An owner flushes while another takes the run over: whatever was answered True stands before the takeover."""
    stores = [await another(), await another()]
    await stores[0].add(run(claim="old"))

    async def old_owner() -> int:
        number = 0
        while (await stores[0].write_journal([flush("r", number + 1, "old")]))[0]:
            number += 1
        return number

    async def new_owner() -> Run:
        while (await stores[1].get(Run, "run_r", scope=ANN)).journal_last < 20:
            pass
        return await stores[1].update(Run, "run_r", {"claim": "new"}, scope=ANN, only_if={"claim": "old"})

    flushed, taken = await asyncio.gather(old_owner(), new_owner())
    assert flushed == taken.journal_last >= 20
    assert await stores[0].get(Run, "run_r", scope=ANN) == taken
