"""What every Store promises about lists: order, both directions, places that are nobody's, and clearing."""

import pytest

from tests.contracts.stored_things import ANN, BOB, chunk, message, run, thread
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.message import Message
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.store.base import EVERYONE, Below, In, IsSet, Order, Scope, Store


async def fill(store: Store, *seqs: int, parent: str = "thread_t") -> None:
    for seq in seqs:
        await store.add(message(f"{parent}_{seq}", parent, seq=seq))


async def listed(store: Store, **arguments: object) -> tuple[list[int], bool]:
    page = await store.page(Message, "thread_t", scope=ANN, **arguments)  # type: ignore[arg-type]
    return [one.seq for one in page.data], page.has_more


# order, after, before, limit → seq numbers in the list, has_more; the thread has 1 to 12
PAGES: list[tuple[Order, int | None, int | None, int, list[int], bool]] = [
    ("desc", None, None, 20, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], False),
    ("desc", None, None, 12, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], False),
    ("desc", None, None, 3, [12, 11, 10], True),
    ("desc", 7, None, 2, [6, 5], True),
    ("desc", 7, None, 6, [6, 5, 4, 3, 2, 1], False),
    ("desc", 1, None, 5, [], False),
    ("desc", 0, None, 5, [], False),
    ("desc", 99, None, 2, [12, 11], True),
    ("desc", None, 7, 2, [9, 8], True),
    ("desc", None, 7, 5, [12, 11, 10, 9, 8], False),
    ("desc", None, 12, 5, [], False),
    ("desc", None, 0, 3, [3, 2, 1], True),
    ("desc", 9, 3, 20, [8, 7, 6, 5, 4], False),
    ("desc", 9, 3, 2, [8, 7], True),
    ("asc", None, None, 3, [1, 2, 3], True),
    ("asc", 7, None, 2, [8, 9], True),
    ("asc", 7, None, 5, [8, 9, 10, 11, 12], False),
    ("asc", 12, None, 5, [], False),
    ("asc", 0, None, 2, [1, 2], True),
    ("asc", -5, None, 2, [1, 2], True),
    ("asc", None, 7, 2, [5, 6], True),
    ("asc", None, 7, 6, [1, 2, 3, 4, 5, 6], False),
    ("asc", None, 1, 6, [], False),
    ("asc", None, 99, 2, [11, 12], True),
    ("asc", 3, 9, 20, [4, 5, 6, 7, 8], False),
    ("asc", 3, 9, 2, [4, 5], True),
    ("asc", 9, 3, 5, [], False),
    ("desc", 3, 9, 5, [], False),
    ("asc", 10**30, None, 5, [], False),
    ("desc", 10**30, None, 1, [12], True),
    ("desc", -(10**30), None, 1, [], False),
    ("asc", None, 10**30, 1, [12], True),
]


@pytest.mark.parametrize(("order", "after", "before", "limit", "seqs", "more"), PAGES)
async def test_a_page_is_the_part_of_the_order_that_was_asked_for(
    store: Store, order: Order, after: int | None, before: int | None, limit: int, seqs: list[int], more: bool
) -> None:
    await fill(store, 4, 2, 12, 7, 1, 3, 9, 8, 6, 11, 10, 5)
    assert await listed(store, order=order, after=after, before=before, limit=limit) == (seqs, more)


async def test_twenty_from_the_newest_is_what_nobody_asks_for_in_words(store: Store) -> None:
    await fill(store, *range(1, 26))
    assert await listed(store) == (list(range(25, 5, -1)), True)


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_list_read_page_by_page_is_the_whole_list_in_both_directions(store: Store, order: Order) -> None:
    await fill(store, *range(1, 24))
    whole = list(range(1, 24)) if order == "asc" else list(range(23, 0, -1))
    forth: list[int] = []
    more = True
    while more:
        seqs, more = await listed(store, order=order, limit=5, after=forth[-1] if forth else None)
        forth += seqs
    assert forth == whole
    back: list[int] = [whole[-1]]
    more = True
    while more:
        seqs, more = await listed(store, order=order, limit=5, before=back[0])
        back = seqs + back
    assert back == whole


async def test_gaps_and_places_between_are_as_good_as_any(store: Store) -> None:
    await fill(store, 10, 20, 30)
    assert await listed(store, after=25) == ([20, 10], False)
    assert await listed(store, before=15, order="asc") == ([10], False)


async def test_what_has_no_place_yet_is_in_no_parents_list(store: Store) -> None:
    await fill(store, 0, 1, 2)
    assert await listed(store) == ([2, 1], False)
    assert await listed(store, order="asc", after=-1) == ([1, 2], False)
    assert await listed(store, before=-1) == ([2, 1], False)
    everywhere = await store.page(Message, None, scope=ANN)
    assert sorted(one.seq for one in everywhere.data) == [0, 1, 2]


async def test_a_page_is_of_one_parent_and_in_scope(store: Store) -> None:
    await fill(store, 1, 2)
    await fill(store, 3, parent="thread_u")
    await store.add(message("bobs", seq=4, owner="bob"))
    assert await listed(store) == ([2, 1], False)
    assert [one.seq for one in (await store.page(Message, "thread_t", scope=BOB)).data] == [4]
    assert [one.seq for one in (await store.page(Message, "thread_t", scope=EVERYONE)).data] == [4, 2, 1]
    assert [one.seq for one in (await store.page(Message, "thread_none", scope=EVERYONE)).data] == []


async def test_where_no_parent_is_the_owner_is(store: Store) -> None:
    for seq in (1, 2):
        await store.add(thread(f"a{seq}", seq=seq))
    await store.add(thread("b1", seq=1, owner="bob"))
    assert [one.id for one in (await store.page(Thread, "ann", scope=ANN)).data] == ["thread_a2", "thread_a1"]
    assert (await store.page(Thread, "bob", scope=ANN)).data == []
    assert {one.id for one in (await store.page(Thread, None, scope=ANN)).data} == {"thread_a1", "thread_a2"}


async def test_a_shared_scope_lists_group_threads_too(store: Store) -> None:
    await store.add(thread("group", seq=1, shared=True))
    await store.add(thread("private", seq=2))
    member = Scope("bob", shared=True)
    assert [one.id for one in (await store.page(Thread, "ann", scope=member)).data] == ["thread_group"]
    assert [one.id for one in (await store.page(Thread, None, scope=member)).data] == ["thread_group"]


async def test_all_parents_are_listed_without_one(store: Store) -> None:
    for number in range(7):
        await store.add(run(f"{number}", f"thread_{number}", seq=number, owner="ann" if number % 2 else "bob"))
    assert len((await store.page(Run, None, scope=EVERYONE)).data) == 7
    assert len((await store.page(Run, None, scope=ANN)).data) == 3
    page = await store.page(Run, None, scope=EVERYONE, limit=6)
    assert (len(page.data), page.has_more) == (6, True)
    page = await store.page(Run, None, scope=EVERYONE, limit=7)
    assert (len(page.data), page.has_more) == (7, False)


async def test_a_place_in_the_order_of_no_parent_is_an_error(store: Store) -> None:
    with pytest.raises(ValueError, match="parent"):
        await store.page(Message, None, scope=EVERYONE, after=3)
    with pytest.raises(ValueError, match="parent"):
        await store.page(Message, None, scope=EVERYONE, before=3)


async def test_where_narrows_a_page_and_more_means_more_of_it(store: Store) -> None:
    for seq in range(1, 13):
        await store.add(run(str(seq), seq=seq, waiting=seq % 3 == 0, worker="w" if seq > 6 else None))
    where = {"waiting": True}
    page = await store.page(Run, "thread_t", scope=ANN, where=where, order="asc", limit=3)
    assert ([one.seq for one in page.data], page.has_more) == ([3, 6, 9], True)
    page = await store.page(Run, "thread_t", scope=ANN, where=where, order="asc", after=6, limit=3)
    assert ([one.seq for one in page.data], page.has_more) == ([9, 12], False)
    page = await store.page(Run, "thread_t", scope=ANN, where=where, before=6, limit=1)
    assert ([one.seq for one in page.data], page.has_more) == ([9], True)
    page = await store.page(Run, "thread_t", scope=ANN, where={**where, "worker": IsSet()})
    assert [one.seq for one in page.data] == [12, 9]
    page = await store.page(Run, "thread_t", scope=ANN, where={"worker": None, "status": In(("queued",))}, limit=2)
    assert ([one.seq for one in page.data], page.has_more) == ([6, 5], True)


async def test_the_sweep_finds_what_ran_out_and_nothing_else(store: Store) -> None:
    await store.add(run("due", lease_until=5.0, deadline=99.0))
    await store.add(run("alive", lease_until=15.0, deadline=99.0))
    await store.add(run("late", lease_until=15.0, deadline=5.0))
    await store.add(run("nobody"))
    await store.add(run("settled", lease_until=5.0, deadline=5.0, settled=True))
    for field, expected in (("lease_until", "run_due"), ("deadline", "run_late")):
        found = await store.page(Run, None, scope=EVERYONE, where={"settled": False, field: Below(10)})
        assert [one.id for one in found.data] == [expected]


@pytest.mark.parametrize("limit", [0, -1, 1001, 10**30])
async def test_a_limit_is_one_to_a_thousand(store: Store, limit: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        await store.page(Message, "thread_t", scope=ANN, limit=limit)


async def test_a_thousand_is_a_limit(store: Store) -> None:
    await fill(store, 1, 2)
    assert await listed(store, limit=1000) == ([2, 1], False)
    assert await listed(store, limit=1) == ([2], True)


# Clear


async def test_clear_removes_what_a_parent_has_in_scope(store: Store) -> None:
    await fill(store, 0, 1, 2)
    await fill(store, 1, parent="thread_u")
    await store.add(message("bobs", seq=4, owner="bob"))
    assert await store.clear(Message, "thread_t", scope=ANN) == 3
    assert await store.clear(Message, "thread_t", scope=ANN) == 0
    assert await listed(store) == ([], False)
    left = await store.page(Message, None, scope=EVERYONE)
    assert {one.id for one in left.data} == {"msg_thread_u_1", "msg_bobs"}


async def test_clear_up_to_a_seq_takes_it_too_and_leaves_what_has_no_place(store: Store) -> None:
    for number in range(6):
        await store.add(chunk("run_r", number))
    assert await store.clear(JournalChunk, "run_r", scope=ANN, up_to_seq=3) == 3
    left = await store.page(JournalChunk, None, scope=ANN)
    assert sorted(one.seq for one in left.data) == [0, 4, 5]
    assert await store.clear(JournalChunk, "run_r", scope=ANN, up_to_seq=3) == 0
    assert await store.clear(JournalChunk, "run_r", scope=ANN, up_to_seq=0) == 0
    assert await store.clear(JournalChunk, "run_r", scope=ANN, up_to_seq=-2) == 0
    assert await store.clear(JournalChunk, "run_r", scope=ANN, up_to_seq=10**30) == 2
