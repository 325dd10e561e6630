"""What every Store promises about conditions: which hold, which field is named when one does not, and who wins a race."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.contracts.stored_things import ANN, BOB, run, thread
from underpin.errors import ConditionFailed, NotFound
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.store.base import Below, In, Inc, IsSet, Store

HOLDING: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"claim": None}, {"claim": None}),
    ({"claim": "c"}, {"claim": "c"}),
    ({"claim": "c"}, {"claim": IsSet()}),
    ({"claim": "c"}, {"claim": In(("b", "c"))}),
    ({"claim": None}, {"claim": In(("b", None))}),
    ({"settled": False}, {"settled": False}),
    ({"settled": True}, {"settled": True}),
    ({"settled": False}, {"settled": IsSet()}),
    ({"settled": True}, {"settled": In((True, False))}),
    ({"journal_last": 0}, {"journal_last": 0}),
    ({"journal_last": 7}, {"journal_last": 7.0}),
    ({"journal_last": 7}, {"journal_last": In((6, 7))}),
    ({"journal_last": 7}, {"journal_last": Below(8)}),
    ({"lease_until": 7.0}, {"lease_until": 7}),
    ({"lease_until": 7.25}, {"lease_until": Below(7.5)}),
    ({"lease_until": -1.5}, {"lease_until": Below(0)}),
    ({"journal_last": 2**53 + 1}, {"journal_last": 2**53 + 1}),
    ({"status": "queued"}, {"status": In(("queued", "in_progress"))}),
    ({"tool_choice": "none"}, {"tool_choice": "none"}),
    ({"claim": "c", "settled": False, "journal_last": 3}, {"claim": "c", "settled": False, "journal_last": 3}),
    ({"claim": 'it\'s "$.x" \\ 🪨'}, {"claim": 'it\'s "$.x" \\ 🪨'}),
]

FAILING: list[tuple[dict[str, object], dict[str, object], str]] = [
    ({"claim": None}, {"claim": IsSet()}, "claim"),
    ({"claim": None}, {"claim": "c"}, "claim"),
    ({"claim": None}, {"claim": ""}, "claim"),
    ({"claim": None}, {"claim": In(("b", "c"))}, "claim"),
    ({"claim": "c"}, {"claim": None}, "claim"),
    ({"claim": "c"}, {"claim": "C"}, "claim"),
    ({"claim": "c"}, {"claim": "c "}, "claim"),
    ({"claim": "c"}, {"claim": In(())}, "claim"),
    ({"claim": "1"}, {"claim": 1}, "claim"),
    ({"claim": "true"}, {"claim": True}, "claim"),
    ({"claim": "null"}, {"claim": None}, "claim"),
    ({"claim": "5"}, {"claim": Below(9)}, "claim"),
    ({"settled": True}, {"settled": False}, "settled"),
    ({"settled": False}, {"settled": None}, "settled"),
    ({"settled": True}, {"settled": 1}, "settled"),
    ({"settled": False}, {"settled": 0}, "settled"),
    ({"settled": False}, {"settled": Below(1)}, "settled"),
    ({"journal_last": 1}, {"journal_last": True}, "journal_last"),
    ({"journal_last": 0}, {"journal_last": False}, "journal_last"),
    ({"journal_last": 0}, {"journal_last": None}, "journal_last"),
    ({"journal_last": 1}, {"journal_last": "1"}, "journal_last"),
    ({"journal_last": 7}, {"journal_last": Below(7)}, "journal_last"),
    ({"journal_last": 2**53 + 1}, {"journal_last": 2**53}, "journal_last"),
    ({"lease_until": None}, {"lease_until": Below(1e18)}, "lease_until"),
    ({"lease_until": None}, {"lease_until": 0}, "lease_until"),
    ({"tool_choice": {"type": "function"}}, {"tool_choice": '{"type":"function"}'}, "tool_choice"),
    ({"claim": "c", "settled": True}, {"claim": "c", "settled": False, "journal_last": 0}, "settled"),
    ({"claim": "d", "settled": True}, {"claim": "c", "settled": False}, "claim"),
]


@pytest.mark.parametrize(("fields", "conditions"), HOLDING)
async def test_a_condition_that_holds_lets_the_change_through(
    store: Store, fields: dict[str, object], conditions: dict[str, object]
) -> None:
    await store.add(run(**fields))
    assert (await store.update(Run, "run_r", {"worker": "w"}, scope=ANN, only_if=conditions)).worker == "w"
    found = await store.page(Run, None, scope=ANN, where=conditions)
    assert [one.id for one in found.data] == ["run_r"]


@pytest.mark.parametrize(("fields", "conditions", "field"), FAILING)
async def test_a_condition_that_fails_is_named_with_the_object_as_it_is(
    store: Store, fields: dict[str, object], conditions: dict[str, object], field: str
) -> None:
    await store.add(run(**fields))
    with pytest.raises(ConditionFailed) as lost:
        await store.update(Run, "run_r", {"worker": "w"}, scope=ANN, only_if=conditions)
    assert lost.value.field == field
    assert lost.value.current == run(**fields) == await store.get(Run, "run_r", scope=ANN)
    assert (await store.page(Run, None, scope=ANN, where=conditions)).data == []


async def test_a_foreign_object_is_missing_before_its_condition_is_looked_at(store: Store) -> None:
    await store.add(run())
    with pytest.raises(NotFound):
        await store.update(Run, "run_r", {"worker": "w"}, scope=BOB, only_if={"claim": "c"})


@pytest.mark.parametrize("value", [{"a": 1}, ["a"], object(), Below("5"), Below(True), Inc(), In(({},)), run()])  # type: ignore[arg-type]
async def test_a_condition_that_no_scalar_can_meet_is_an_error(store: Store, value: object) -> None:
    await store.add(run())
    with pytest.raises((TypeError, ValueError)):
        await store.update(Run, "run_r", {"worker": "w"}, scope=ANN, only_if={"claim": value})
    with pytest.raises((TypeError, ValueError)):
        await store.page(Run, "thread_t", scope=ANN, where={"claim": value})


async def test_operators_of_a_database_are_only_text(store: Store) -> None:
    """What a request could smuggle into a string stays a string."""
    for claim in ('{"$ne": null}', "$exists", "' OR 1=1 --", "%"):
        await store.add(run(claim, claim="c"))
        with pytest.raises(ConditionFailed):
            await store.update(Run, f"run_{claim}", {"worker": "w"}, scope=ANN, only_if={"claim": claim})
        assert (await store.update(Run, f"run_{claim}", {"claim": claim}, scope=ANN)).claim == claim
        assert (await store.page(Run, None, scope=ANN, where={"claim": claim})).data[0].id == f"run_{claim}"


@pytest.mark.race
async def test_one_of_fifty_claims_wins(another: Callable[[], Awaitable[Store]]) -> None:
    stores = [await another(), await another()]
    await stores[0].add(thread())

    async def claim(number: int) -> Thread | ConditionFailed:
        changes = {"active_run": f"run_{number}", "last_seq": Inc(2)}
        try:
            return await stores[number % 2].update(Thread, "thread_t", changes, scope=ANN, only_if={"active_run": None})
        except ConditionFailed as lost:
            return lost

    results = await asyncio.gather(*(claim(number) for number in range(50)))
    winners = [(number, result) for number, result in enumerate(results) if isinstance(result, Thread)]
    assert len(winners) == 1
    number, winner = winners[0]
    assert (winner.active_run, winner.last_seq) == (f"run_{number}", 2)
    losers = [result for result in results if isinstance(result, ConditionFailed)]
    assert all((lost.field, lost.current) == ("active_run", winner) for lost in losers)
    assert await stores[1].get(Thread, "thread_t", scope=ANN) == winner


@pytest.mark.race
async def test_fifty_incs_give_fifty_numbers(another: Callable[[], Awaitable[Store]]) -> None:
    stores = [await another(), await another()]
    await stores[0].add(thread())
    changed = await asyncio.gather(
        *(stores[number % 2].update(Thread, "thread_t", {"last_seq": Inc()}, scope=ANN) for number in range(50))
    )
    assert sorted(one.last_seq for one in changed) == list(range(1, 51))


@pytest.mark.race
async def test_a_refusal_always_shows_a_field_that_does_not_hold(another: Callable[[], Awaitable[Store]]) -> None:
    """Two who take a thing from each other: what the loser is shown never meets the condition that it lost by."""
    stores = [await another(), await another()]
    await stores[0].add(thread(active_run="a"))

    async def swap(store: Store, mine: str, theirs: str) -> list[object]:
        shown: list[object] = []
        for _ in range(100):
            try:
                await store.update(Thread, "thread_t", {"active_run": mine}, scope=ANN, only_if={"active_run": theirs})
            except ConditionFailed as lost:
                shown.append(lost.current)
        return shown

    a, b = await asyncio.gather(swap(stores[0], "a", "b"), swap(stores[1], "b", "a"))
    assert all(found == thread(active_run="a") for found in a)
    assert all(found == thread(active_run="b") for found in b)
    assert abs(len(a) - len(b)) <= 1
