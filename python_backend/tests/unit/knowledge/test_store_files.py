"""Files in vector stores: each once, with its attributes; taken out with all that was made of them."""

import pytest

from tests.faults.watched_store import Call
from tests.unit.files.shelf import ANN
from tests.unit.knowledge.stores import Stores
from underpin.errors import BadInput, NotFound, StoreUnavailable
from underpin.knowledge import store_files
from underpin.knowledge.leftovers import remove_leftover
from underpin.knowledge.store_files import NewFile
from underpin.objects.leftover import Leftover
from underpin.objects.vector_store_file import StaticChunking, StaticSizes, VectorStoreFile
from underpin.store.base import EVERYONE, Scope


async def listed(house: Stores, store_id: str) -> list[str]:
    page = await house.shelf.store.page(VectorStoreFile, store_id, scope=Scope(ANN), limit=1000, order="asc")
    return [file.file_id for file in page.data]


async def leftovers(house: Stores) -> list[Leftover]:
    return (await house.shelf.store.page(Leftover, None, scope=EVERYONE)).data


async def test_a_file_is_put_in_once_and_waits_to_be_read(house: Stores) -> None:
    store = await house.one()
    file_id = await house.shelf.file(filename="soil.txt")
    file = await house.files.add(ANN, store.id, file_id, attributes={"year": 2020.0})
    assert (file.status, file.filename, file.attributes, file.seq) == ("in_progress", "soil.txt", {"year": 2020.0}, 1)
    assert file.due is not None
    assert file.wire()["id"] == file_id
    again = await house.files.add(ANN, store.id, file_id, attributes={"year": 2021.0})
    assert (again.id, again.key, again.attributes) == (file.id, file.key, {"year": 2021.0})
    assert await listed(house, store.id) == [file_id]


async def test_a_file_that_is_put_in_again_without_attributes_keeps_its_own(house: Stores) -> None:
    store, file_id = await house.one(), await house.shelf.file(filename="soil.txt")
    first = await house.files.add(ANN, store.id, file_id, attributes={"site": "Ostbridge"})
    assert (await house.files.add(ANN, store.id, file_id)).attributes == {"site": "Ostbridge"}
    await house.files.cancel(first)
    again = await house.files.add(ANN, store.id, file_id)
    assert (again.status, again.attributes) == ("in_progress", {"site": "Ostbridge"})


async def test_one_that_failed_or_is_to_be_cut_otherwise_is_read_again(house: Stores) -> None:
    store = await house.one()
    file_id = await house.shelf.file()
    file = await house.files.add(ANN, store.id, file_id)
    await house.shelf.store.update(VectorStoreFile, file.id, {"status": "failed", "due": None}, scope=EVERYONE)
    again = await house.files.add(ANN, store.id, file_id)
    assert (again.status, again.key != file.key) == ("in_progress", True)
    await house.complete(again)
    sizes = StaticChunking(static=StaticSizes(max_chunk_size_tokens=100, chunk_overlap_tokens=50))
    third = await house.files.add(ANN, store.id, file_id, chunking=sizes)
    assert (third.status, third.chunking_strategy, third.key != again.key) == ("in_progress", sizes, True)
    assert await house.chunks_and_blocks() == (0, 0)
    assert await listed(house, store.id) == [file_id]


async def test_a_file_that_is_not_there_is_named(house: Stores) -> None:
    store = await house.one()
    with pytest.raises(NotFound, match="No such File object: file-none") as missing:
        await house.files.add(ANN, store.id, "file-none")
    assert missing.value.param == "file_id"
    there = await house.shelf.file()
    with pytest.raises(NotFound) as second:
        await house.files.add_all(ANN, store.id, [NewFile(there), NewFile("file-none")])
    assert second.value.param == "file_ids[1]"
    assert await listed(house, store.id) == []
    with pytest.raises(NotFound, match=f"No file found with id '{there}' in vector store '{store.id}'"):
        await house.files.get(ANN, store.id, there)


async def test_another_owners_file_is_not_there(house: Stores) -> None:
    store = await house.one()
    with pytest.raises(NotFound):
        await house.files.add(ANN, store.id, await house.shelf.file(owner="bob"))


async def test_many_files_come_in_their_order_and_each_once(house: Stores) -> None:
    store = await house.one()
    ids = [await house.shelf.file() for _ in range(5)]
    await house.files.add(ANN, store.id, ids[2], attributes={"kept": True})
    batch = await house.batches.create(ANN, store.id, [NewFile(file_id) for file_id in [*ids, ids[0]]])
    assert (batch.status, batch.file_counts.total, batch.file_counts.in_progress) == ("in_progress", 5, 5)
    assert await listed(house, store.id) == [ids[2], ids[0], ids[1], ids[3], ids[4]]
    assert (await house.files.get(ANN, store.id, ids[2])).batch_id == batch.id


async def test_a_store_that_is_full_takes_no_more(house: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_files, "MOST_FILES", 2)
    store = await house.one()
    ids = [await house.shelf.file() for _ in range(3)]
    with pytest.raises(BadInput, match="may have 2 at most"):
        await house.files.add_all(ANN, store.id, [NewFile(file_id) for file_id in ids])
    await house.files.add_all(ANN, store.id, [NewFile(file_id) for file_id in ids[:2]])
    with pytest.raises(BadInput, match="has 2 files"):
        await house.files.add(ANN, store.id, ids[2])
    await house.files.remove(ANN, store.id, ids[0])
    await house.files.add(ANN, store.id, ids[2])


async def test_what_was_made_of_a_file_goes_with_it(house: Stores) -> None:
    store = await house.one()
    file_id, other = await house.shelf.file(), await house.shelf.file()
    for each in (file_id, other):
        await house.complete(await house.files.add(ANN, store.id, each))
    assert [chunk.text for chunk in (await house.files.chunks(await house.files.get(ANN, store.id, file_id))).data] == [
        "Clay swells."
    ]
    await house.files.remove(ANN, store.id, file_id)
    assert await house.chunks_and_blocks() == (1, 1)
    assert await leftovers(house) == []
    assert await listed(house, store.id) == [other]
    with pytest.raises(NotFound):
        await house.files.remove(ANN, store.id, file_id)


async def test_a_file_at_work_is_gone_at_once_and_its_chunks_when_its_worker_must_have_heard(house: Stores) -> None:
    store = await house.one()
    file_id = await house.shelf.file()
    file = await house.files.add(ANN, store.id, file_id)
    await house.write(file)
    await house.files.remove(ANN, store.id, file_id)
    assert await listed(house, store.id) == []
    [left] = await leftovers(house)
    assert left.due > house.shelf.store.now()
    again = await house.files.add(ANN, store.id, file_id)
    await house.write(again)
    await house.shelf.store.update(Leftover, left.id, {"embedders": ["m1"]}, scope=EVERYONE)
    assert not await remove_leftover(house.shelf.store, (await leftovers(house))[0])
    assert await house.chunks_and_blocks() == (1, 1), "those of the file that was put in again stay"
    assert await listed(house, store.id) == [file_id]


@pytest.mark.parametrize("write", range(1, 7))
async def test_a_removal_that_is_broken_off_is_finished_later(house: Stores, write: int) -> None:
    store = await house.one()
    file_id = await house.shelf.file()
    await house.complete(await house.files.add(ANN, store.id, file_id))
    writes = 0

    async def away(call: Call, do):
        nonlocal writes
        writes += call.writes
        if writes >= write:
            raise StoreUnavailable("The database does not answer.")
        return await do()

    async def let_pass(call: Call, do):
        return await do()

    file = await house.files.get(ANN, store.id, file_id)
    house.shelf.store.watcher = away
    try:
        await house.files.take_out(file)
    except StoreUnavailable:
        assert write <= 3
    house.shelf.store.watcher = let_pass
    for left in await leftovers(house):
        await remove_leftover(house.shelf.store, left)
    if write > 1:
        assert await house.chunks_and_blocks() == (0, 0)
        assert await listed(house, store.id) == []
    else:
        assert await listed(house, store.id) == [file_id]


async def test_a_deleted_file_leaves_every_store(house: Stores) -> None:
    file_id, other = await house.shelf.file(), await house.shelf.file()
    stores = [await house.one() for _ in range(3)]
    for store in stores:
        await house.complete(await house.files.add(ANN, store.id, file_id))
        await house.files.add(ANN, store.id, other)
    await house.files.forget_file(file_id)
    await house.files.forget_file(file_id)
    for store in stores:
        assert await listed(house, store.id) == [other]
        assert (await house.counts(store.id)).total == 1
    assert await house.chunks_and_blocks() == (0, 0)


async def test_attributes_are_changed_whole_and_searches_hear_of_it(house: Stores) -> None:
    store = await house.one()
    file_id = await house.shelf.file()
    await house.files.add(ANN, store.id, file_id, attributes={"a": "b"})
    before = (await house.stores.get(ANN, store.id)).generation
    assert (await house.files.modify(ANN, store.id, file_id, {"c": True})).attributes == {"c": True}
    assert (await house.stores.get(ANN, store.id)).generation == before + 1


async def test_a_cancelled_batch_keeps_what_was_done(house: Stores) -> None:
    store = await house.one()
    ids = [await house.shelf.file() for _ in range(3)]
    batch = await house.batches.create(ANN, store.id, [NewFile(file_id) for file_id in ids])
    await house.complete(await house.files.get(ANN, store.id, ids[0]))
    cancelled = await house.batches.cancel(ANN, store.id, batch.id)
    counts = cancelled.file_counts
    assert (cancelled.status, counts.completed, counts.cancelled, counts.total) == ("cancelled", 1, 2, 3)
    assert await house.batches.cancel(ANN, store.id, batch.id) == cancelled
    assert (await house.counts(store.id)).cancelled == 2


async def test_a_batch_is_at_its_end_when_its_files_are(house: Stores) -> None:
    store = await house.one()
    ids = [await house.shelf.file() for _ in range(2)]
    batch = await house.batches.create(ANN, store.id, [NewFile(file_id) for file_id in ids])
    for file_id in ids:
        file = await house.files.get(ANN, store.id, file_id)
        await house.shelf.store.update(VectorStoreFile, file.id, {"status": "failed"}, scope=EVERYONE)
    house.batches._recent.forget(batch.id)
    assert (await house.batches.get(ANN, store.id, batch.id)).status == "failed"
    await house.shelf.store.update(VectorStoreFile, file.id, {"status": "completed"}, scope=EVERYONE)
    house.batches._recent.forget(batch.id)
    assert (await house.batches.get(ANN, store.id, batch.id)).status == "completed"
    other = await house.one()
    with pytest.raises(NotFound, match="No vector store file batch found"):
        await house.batches.get(ANN, other.id, batch.id)
