"""What every Store promises about one object: add, get, update, delete, scope, and what outlives a close."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.contracts.backends import Backend
from tests.contracts.stored_things import ANN, BOB, chunk, message, one_of_each_kind, run, thread
from underpin.errors import AlreadyExists, BadInput, ConditionFailed, NotFound, StoreUnavailable
from underpin.objects.assistant import Assistant
from underpin.objects.message import FileCitation, Message, Text, TextPart
from underpin.objects.owner import Owner
from underpin.objects.run import Head, Run, RunInput, Usage
from underpin.objects.stored import Stored
from underpin.objects.thread import Thread
from underpin.store.base import EVERYONE, Inc, JournalWrite, Scope, Store


@pytest.mark.parametrize("obj", one_of_each_kind(), ids=lambda obj: obj.kind)
async def test_an_object_of_every_kind_comes_back_as_it_was(store: Store, obj: Stored) -> None:
    await store.add(obj)
    assert await store.get(type(obj), obj.id, scope=ANN) == obj


async def test_what_is_missing_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="thread_none"):
        await store.get(Thread, "thread_none", scope=ANN)
    with pytest.raises(NotFound, match="thread_none"):
        await store.update(Thread, "thread_none", {"last_seq": 1}, scope=ANN)
    assert await store.delete(Thread, "thread_none", scope=ANN) is False


async def test_an_id_is_of_one_kind(store: Store) -> None:
    await store.add(thread("same"))
    with pytest.raises(NotFound):
        await store.get(Run, "thread_same", scope=ANN)


async def test_a_second_object_of_the_same_id_is_refused_and_the_first_stays(store: Store) -> None:
    await store.add(thread(metadata={"n": "first"}))
    with pytest.raises(AlreadyExists, match="thread_t"):
        await store.add(thread(metadata={"n": "second"}))
    with pytest.raises(AlreadyExists):
        await store.add(thread(owner="bob"))
    assert (await store.get(Thread, "thread_t", scope=ANN)).metadata == {"n": "first"}


async def test_a_deleted_object_is_gone_and_its_id_is_free(store: Store) -> None:
    await store.add(thread())
    assert await store.delete(Thread, "thread_t", scope=ANN) is True
    assert await store.delete(Thread, "thread_t", scope=ANN) is False
    with pytest.raises(NotFound):
        await store.get(Thread, "thread_t", scope=ANN)
    await store.add(thread())


# Scope


async def test_foreign_looks_like_missing(store: Store) -> None:
    await store.add(thread())
    for name in ("thread_t", "thread_none"):
        with pytest.raises(NotFound) as read:
            await store.get(Thread, name, scope=BOB)
        with pytest.raises(NotFound) as changed:
            await store.update(Thread, name, {"last_seq": 9}, scope=BOB, only_if={"active_run": "never"})
        assert read.value.message.replace(name, "") == changed.value.message.replace(name, "") == "No thread found with id ''."
        assert await store.delete(Thread, name, scope=BOB) is False
    assert await store.get(Thread, "thread_t", scope=ANN) == thread()


async def test_everyone_reaches_all_owners(store: Store) -> None:
    await store.add(thread())
    assert (await store.update(Thread, "thread_t", {"last_seq": 4}, scope=EVERYONE)).last_seq == 4
    assert (await store.get(Thread, "thread_t", scope=EVERYONE)).owner == "ann"
    assert await store.delete(Thread, "thread_t", scope=EVERYONE) is True


async def test_a_shared_scope_admits_group_threads_and_no_others(store: Store) -> None:
    member = Scope("bob", shared=True)
    await store.add(thread("group", shared=True))
    await store.add(thread("private"))
    assert (await store.get(Thread, "thread_group", scope=member)).owner == "ann"
    assert (await store.update(Thread, "thread_group", {"last_seq": Inc()}, scope=member)).last_seq == 1
    assert [found.id for found in (await store.page(Thread, "ann", scope=member)).data] == []  # seq 0: in no list
    with pytest.raises(NotFound):
        await store.get(Thread, "thread_private", scope=member)
    with pytest.raises(NotFound):
        await store.get(Thread, "thread_group", scope=BOB)


async def test_a_shared_scope_means_nothing_to_other_kinds(store: Store) -> None:
    await store.add(message())
    with pytest.raises(NotFound):
        await store.get(Message, "msg_m", scope=Scope("bob", shared=True))


async def test_an_owner_with_the_letters_of_a_pattern_is_only_himself(store: Store) -> None:
    await store.add(thread())
    for owner in ("%", "a%", "ann ", "ANN", "", "an_"):
        with pytest.raises(NotFound):
            await store.get(Thread, "thread_t", scope=Scope(owner))


# Changes


async def test_an_update_changes_what_it_names_and_returns_the_object(store: Store) -> None:
    await store.add(thread(metadata={"a": "b"}))
    changed = await store.update(Thread, "thread_t", {"active_run": "run_r", "active_until": 2.5}, scope=ANN)
    assert changed == thread(metadata={"a": "b"}, active_run="run_r", active_until=2.5)
    assert await store.get(Thread, "thread_t", scope=ANN) == changed


async def test_an_update_without_changes_reads_under_its_condition(store: Store) -> None:
    await store.add(thread())
    assert await store.update(Thread, "thread_t", {}, scope=ANN, only_if={"active_run": None}) == thread()
    with pytest.raises(ConditionFailed):
        await store.update(Thread, "thread_t", {}, scope=ANN, only_if={"active_run": "run_r"})


async def test_models_and_lists_of_models_are_values(store: Store) -> None:
    await store.add(run())
    said = RunInput(message_id="msg_m", content=[TextPart(text=Text(value="Ton ist bindig. 🪨"))])
    changes = {
        "input": said,
        "past_heads": [Head(claim_no=1, last=4), {"claim_no": 2, "last": 9}],
        "usage": Usage(total_tokens=3),
    }
    changed = await store.update(Run, "run_r", changes, scope=ANN)
    assert changed.input == said
    assert changed.past_heads == [Head(claim_no=1, last=4), Head(claim_no=2, last=9)]
    assert changed.usage == Usage(total_tokens=3)
    assert (await store.update(Run, "run_r", {"input": None}, scope=ANN)).input is None


async def test_a_union_of_content_parts_keeps_its_members(store: Store) -> None:
    await store.add(message())
    note = {"type": "file_citation", "text": "[1]", "start_index": 0, "end_index": 3, "file_citation": {"file_id": "file-1"}}
    content = [TextPart(text=Text(value="[1]", annotations=[FileCitation.model_validate(note)]))]
    assert (await store.update(Message, "msg_m", {"content": content}, scope=ANN)).content == content


async def test_a_misspelt_field_is_an_error_and_changes_nothing(store: Store) -> None:
    await store.add(thread())
    with pytest.raises((TypeError, ValueError), match="activ_run"):
        await store.update(Thread, "thread_t", {"activ_run": "run_r"}, scope=ANN)
    with pytest.raises((TypeError, ValueError), match="activ_run"):
        await store.update(Thread, "thread_t", {"last_seq": 1}, scope=ANN, only_if={"activ_run": None})
    with pytest.raises((TypeError, ValueError), match="activ_run"):
        await store.page(Thread, None, scope=ANN, where={"activ_run": None})
    with pytest.raises((TypeError, ValueError), match="statu"):
        await store.write_journal([JournalWrite("run_r", None, {"statu": "queued"}, {})])
    assert await store.get(Thread, "thread_t", scope=ANN) == thread()


async def test_a_nested_path_is_no_field(store: Store) -> None:
    await store.add(thread())
    with pytest.raises((TypeError, ValueError)):
        await store.update(Thread, "thread_t", {"metadata.a": "b"}, scope=ANN)
    with pytest.raises((TypeError, ValueError)):
        await store.update(Thread, "thread_t", {"last_seq": 1}, scope=ANN, only_if={"metadata.a": None})


@pytest.mark.parametrize("changes", [{"status": "finished"}, {"created_at": "soon"}, {"usage": 5}, {"model": None}])
async def test_a_value_that_the_field_cannot_hold_is_refused_before_it_is_written(
    store: Store, changes: dict[str, object]
) -> None:
    await store.add(run())
    with pytest.raises((TypeError, ValueError)):
        await store.update(Run, "run_r", changes, scope=ANN)
    assert await store.get(Run, "run_r", scope=ANN) == run()


@pytest.mark.parametrize("field", ["id", "owner", "thread_id"])
async def test_id_owner_and_parent_never_change(store: Store, field: str) -> None:
    await store.add(run())
    with pytest.raises((TypeError, ValueError), match=field):
        await store.update(Run, "run_r", {field: "other"}, scope=ANN)


async def test_inc_adds_to_the_number_that_is_there(store: Store) -> None:
    await store.add(thread(last_seq=40))
    assert (await store.update(Thread, "thread_t", {"last_seq": Inc()}, scope=ANN)).last_seq == 41
    assert (await store.update(Thread, "thread_t", {"last_seq": Inc(9)}, scope=ANN)).last_seq == 50
    assert (await store.update(Thread, "thread_t", {"last_seq": Inc(-50)}, scope=ANN)).last_seq == 0


@pytest.mark.parametrize("field", ["active_until", "active_run", "metadata", "shared"])
async def test_inc_counts_only_numbers_that_are_never_null(store: Store, field: str) -> None:
    await store.add(thread())
    with pytest.raises((TypeError, ValueError), match=field):
        await store.update(Thread, "thread_t", {field: Inc()}, scope=ANN)


async def test_a_new_seq_moves_the_object_in_its_parents_order(store: Store) -> None:
    await store.add(message("a"))
    await store.add(message("b", seq=2))
    assert [found.id for found in (await store.page(Message, "thread_t", scope=ANN)).data] == ["msg_b"]
    assert (await store.update(Message, "msg_a", {"seq": 5}, scope=ANN)).seq == 5
    assert [found.id for found in (await store.page(Message, "thread_t", scope=ANN)).data] == ["msg_a", "msg_b"]
    assert (await store.update(Message, "msg_a", {"seq": Inc(-4)}, scope=ANN)).seq == 1
    assert [found.id for found in (await store.page(Message, "thread_t", scope=ANN)).data] == ["msg_b", "msg_a"]


async def test_text_that_is_no_text_is_bad_input_and_nothing_is_stored(store: Store) -> None:
    half = "half of a pair \ud83d"
    await store.add(thread())
    with pytest.raises(BadInput):
        await store.add(thread("half", metadata={"a": half}))
    with pytest.raises(BadInput):
        await store.update(Thread, "thread_t", {"metadata": {"a": half}}, scope=ANN)
    with pytest.raises((BadInput, NotFound)):
        await store.get(Thread, half, scope=ANN)
    with pytest.raises(NotFound):
        await store.get(Thread, "thread_half", scope=ANN)
    assert await store.get(Thread, "thread_t", scope=ANN) == thread()


# Order of an owner, clock, life


async def test_next_seq_counts_for_each_owner(store: Store) -> None:
    assert [await store.next_seq("ann") for _ in range(3)] == [1, 2, 3]
    assert await store.next_seq("bob") == 1
    assert await store.next_seq("ann") == 4
    assert (await store.get(Owner, "ann", scope=ANN)).last_seq == 4


@pytest.mark.race
async def test_next_seq_gives_fifty_callers_fifty_numbers(another: Callable[[], Awaitable[Store]]) -> None:
    stores = [await another(), await another()]
    numbers = await asyncio.gather(*(stores[turn % 2].next_seq("ann") for turn in range(50)))
    assert sorted(numbers) == list(range(1, 51))


async def test_now_is_the_same_for_all_and_never_goes_back(another: Callable[[], Awaitable[Store]]) -> None:
    one, two = await another(), await another()
    seen = [clock.now() for _ in range(200) for clock in (one, two)]
    if seen != sorted(seen):  # two hosts' samples may differ a little; one process's own never go back
        assert max(abs(a - b) for a, b in zip(seen[::2], seen[1::2], strict=True)) < 1
    assert seen[::2] == sorted(seen[::2])


async def test_ping_answers(store: Store) -> None:
    await store.ping()


async def test_a_worker_that_never_was_does_not_live(store: Store) -> None:
    assert await store.worker_lives("worker_that_never_was") in (False, None)


# Close and open


async def test_a_closed_store_is_unavailable_whatever_is_asked(store: Store, backend: Backend) -> None:
    await store.add(thread())
    conversations = backend.conversations(store)
    await store.close()
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.add(thread("u")),
        lambda: store.get(Thread, "thread_t", scope=ANN),
        lambda: store.update(Thread, "thread_t", {"last_seq": 1}, scope=ANN),
        lambda: store.delete(Thread, "thread_t", scope=ANN),
        lambda: store.page(Thread, "ann", scope=ANN),
        lambda: store.clear(Message, "thread_t", scope=ANN),
        lambda: store.next_seq("ann"),
        lambda: store.write_journal([JournalWrite("run_r", chunk("run_r", 1), {"journal_last": 1}, {})]),
        lambda: store.ping(),
        lambda: conversations.get("ann", "thread_t"),
        lambda: conversations.touch("ann", "thread_t"),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable):
            await call()


async def test_a_store_that_was_never_opened_is_unavailable_and_can_be_closed(backend: Backend) -> None:
    store = backend.store()
    with pytest.raises(StoreUnavailable):
        await store.get(Thread, "thread_t", scope=ANN)
    await store.close()


async def test_closing_twice_and_from_two_tasks_is_closing_once(backend: Backend) -> None:
    store = backend.store()
    await store.open()
    await asyncio.gather(store.close(), store.close())
    await store.close()


async def test_a_cancelled_close_closes_all_the_same(backend: Backend, another: Callable[[], Awaitable[Store]]) -> None:
    store = backend.store()
    await store.open()
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.ping()
    await (await another()).ping()


async def test_close_finishes_what_was_asked_before(backend: Backend, another: Callable[[], Awaitable[Store]]) -> None:
    store = backend.store()
    await store.open()
    writes = [asyncio.create_task(store.add(thread(str(n)))) for n in range(50)]
    await asyncio.sleep(0)  # they have asked now
    await store.close()
    await asyncio.gather(*writes)
    reader = await another()
    assert len((await reader.page(Thread, None, scope=ANN, limit=100)).data) == 50


async def test_everything_is_there_after_close_and_open(backend: Backend, another: Callable[[], Awaitable[Store]]) -> None:
    store = backend.store()
    await store.open()
    before = store.now()
    for obj in one_of_each_kind():
        await store.add(obj)
    await store.update(Thread, "thread_t", {"last_seq": 7}, scope=ANN)
    await store.next_seq("bob")
    await store.close()
    store = await another()
    for obj in one_of_each_kind():
        if not isinstance(obj, Thread):
            assert await store.get(type(obj), obj.id, scope=ANN) == obj
    assert (await store.get(Thread, "thread_t", scope=ANN)).last_seq == 7
    assert await store.next_seq("bob") == 2
    assert store.now() >= before


async def test_two_stores_on_one_database_see_each_other(another: Callable[[], Awaitable[Store]]) -> None:
    one, two = await another(), await another()
    await one.add(Assistant(id="asst_a", owner="ann", created_at=1))
    changed = await two.update(Assistant, "asst_a", {"name": "Soil"}, scope=ANN)
    assert await one.get(Assistant, "asst_a", scope=ANN) == changed
