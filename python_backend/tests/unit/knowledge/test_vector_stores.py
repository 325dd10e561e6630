"""Vector stores: found by their owner alone, counted from their files, used, expired, deleted."""

import time

import pytest

from tests.faults.watched_store import Call
from tests.unit.files.shelf import ANN
from tests.unit.knowledge.stores import Stores
from underpin.errors import NotFound, StoreUnavailable, WrongState
from underpin.knowledge.vector_stores import DAY_S, has_expired
from underpin.objects.vector_store import ExpiresAfter, VectorStore
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store.base import EVERYONE


async def test_a_store_is_found_by_its_owner_alone(house: Stores) -> None:
    store = await house.one(name="Soils")
    assert await house.stores.get(ANN, store.id) == store
    for owner, file_id in (("bob", store.id), (ANN, "vs_none"), (ANN, store.id + "\0x")):
        with pytest.raises(NotFound, match="No vector store found with id 'vs_"):
            await house.stores.get(owner, file_id)


async def test_counts_follow_the_files(house: Stores) -> None:
    store = await house.one()
    ids = [await house.shelf.file() for _ in range(3)]
    first, *_ = [await house.files.add(ANN, store.id, file_id) for file_id in ids]
    assert (await house.counts(store.id)).in_progress == 3
    assert (await house.stores.counted(await house.stores.get(ANN, store.id))).status == "in_progress"
    await house.complete(first)
    counted = await house.stores.counted(await house.stores.get(ANN, store.id))
    assert (counted.file_counts.completed, counted.file_counts.in_progress, counted.file_counts.total) == (1, 2, 3)
    assert counted.usage_bytes == 12
    for file_id in ids:
        await house.files.remove(ANN, store.id, file_id)
    assert (await house.counts(store.id)).total == 0


async def test_a_count_is_kept_with_its_generation_and_made_once(house: Stores) -> None:
    store = await house.one()
    await house.files.add(ANN, store.id, await house.shelf.file())
    await house.counts(store.id)
    pages: list[str] = []

    async def watch(call: Call, do):
        if call.verb == "page":
            pages.append(call.what)
        return await do()

    house.shelf.store.watcher = watch
    assert (await house.counts(store.id)).total == 1
    assert pages == []
    await house.stores.changed(store.id, by_request=True)
    assert (await house.counts(store.id)).total == 1
    assert pages == ["vector_store_files"]


async def test_a_crash_before_the_store_hears_of_a_change_leaves_no_wrong_count_for_good(house: Stores) -> None:
    store = await house.one()
    file = await house.files.add(ANN, store.id, await house.shelf.file())
    assert (await house.counts(store.id)).in_progress == 1
    await house.shelf.store.update(VectorStoreFile, file.id, {"status": "failed"}, scope=EVERYONE)  # and no more
    assert (await house.counts(store.id)).in_progress == 1
    await house.stores.changed(store.id)  # the sweep's
    house.stores._recent.forget(store.id)
    assert (await house.counts(store.id)).failed == 1


async def test_a_count_that_was_outrun_by_a_change_is_not_kept(house: Stores) -> None:
    store = await house.one()
    file = await house.files.add(ANN, store.id, await house.shelf.file())

    async def change_meanwhile(call: Call, do):
        answer = await do()
        if call.verb == "page":
            house.shelf.store.watcher = let_pass
            await house.complete(file)
        return answer

    async def let_pass(call: Call, do):
        return await do()

    house.shelf.store.watcher = change_meanwhile
    assert (await house.counts(store.id)).in_progress == 1
    house.stores._recent.forget(store.id)
    assert (await house.counts(store.id)).completed == 1


async def test_a_use_moves_the_expiry_and_is_written_once_a_minute(house: Stores) -> None:
    store = await house.one(expires_after=ExpiresAfter(days=1))
    assert store.expires_at == store.created_at + DAY_S
    await house.stores.touch(store)
    assert await house.stores.get(ANN, store.id) == store
    earlier = {"last_active_at": store.created_at - 100, "expires_at": store.created_at + 50}
    before = await house.shelf.store.update(VectorStore, store.id, earlier, scope=EVERYONE)
    await house.stores.touch(before)
    after = await house.stores.get(ANN, store.id)
    assert after.last_active_at is not None
    assert after.last_active_at >= store.created_at
    assert after.expires_at == after.last_active_at + DAY_S
    await house.stores.touch(before)  # the same use again
    assert await house.stores.get(ANN, store.id) == after


async def test_a_store_whose_time_is_over_takes_nothing_though_the_sweep_is_late(house: Stores) -> None:
    store = await house.one(expires_after=ExpiresAfter(days=1))
    over = await house.shelf.store.update(VectorStore, store.id, {"expires_at": int(time.time()) - 1}, scope=EVERYONE)
    assert has_expired(over)
    assert (await house.stores.get(ANN, store.id)).status == "expired"
    with pytest.raises(WrongState, match=f"Vector store '{store.id}' has expired"):
        await house.files.add(ANN, store.id, await house.shelf.file())
    with pytest.raises(WrongState, match="has expired"):
        await house.stores.modify(ANN, store.id, {"expires_after": None})
    assert (await house.stores.modify(ANN, store.id, {"name": "Old"})).name == "Old"


async def test_a_new_expiry_counts_from_the_last_use_and_none_is_for_ever(house: Stores) -> None:
    store = await house.one()
    assert store.expires_at is None
    changed = await house.stores.modify(ANN, store.id, {"expires_after": ExpiresAfter(days=2)})
    assert changed.expires_at == store.created_at + 2 * DAY_S
    assert (await house.stores.modify(ANN, store.id, {"expires_after": None})).expires_at is None


async def test_a_deleted_store_is_found_by_nobody(house: Stores) -> None:
    store = await house.one()
    asked: list[str] = []

    async def on_delete() -> None:
        asked.append("swept")

    house.stores.on_delete = on_delete
    await house.stores.delete(ANN, store.id)
    assert asked == ["swept"]
    assert (await house.shelf.store.page(VectorStore, ANN, scope=EVERYONE)).data == []
    for call in (house.stores.get, house.stores.delete, house.stores.usable):
        with pytest.raises(NotFound):
            await call(ANN, store.id)
    with pytest.raises(NotFound):
        await house.stores.modify(ANN, store.id, {"name": "x"})
    with pytest.raises(NotFound):
        await house.files.add(ANN, store.id, await house.shelf.file())


async def test_another_foreign_store_of_the_same_id_is_refused(house: Stores) -> None:
    await house.one(id="vs_mine")
    with pytest.raises(Exception, match="already"):
        await house.stores.create("bob", id="vs_mine")


async def test_a_store_that_does_not_answer_says_so(house: Stores) -> None:
    store = await house.one()

    async def away(call: Call, do):
        raise StoreUnavailable("The database does not answer.")

    house.shelf.store.watcher = away
    with pytest.raises(StoreUnavailable):
        await house.stores.get(ANN, store.id)
