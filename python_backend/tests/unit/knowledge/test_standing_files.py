"""The list of a standing store's files: made anew when something changed, and not otherwise."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.files.shelf import Shelf, open_shelf, pieces
from underpin.errors import NotFound
from underpin.knowledge import standing_files
from underpin.knowledge.standing import Standing
from underpin.knowledge.standing_files import StandingFiles
from underpin.knowledge.store_files import StoreFiles
from underpin.knowledge.vector_stores import VectorStores
from underpin.objects.stored import DEFAULT_OWNER
from underpin.objects.vector_store import VectorStore
from underpin.objects.vector_store_file import FileError, VectorStoreFile
from underpin.store.base import EVERYONE

STORE = "vs_up"


@dataclass
class House:
    shelf: Shelf
    files: StandingFiles
    stores: VectorStores

    async def add(self, name: str) -> str:
        async with self.shelf.files.arriving(DEFAULT_OWNER) as arrival:
            await arrival.take(pieces(b"bytes"))
            return await self.files.add(STORE, arrival, name)

    async def names(self) -> list[str]:
        return [file.filename for file in await self.files.listed(STORE)]


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(standing_files, "LIST_KEPT_S", 0.0)
    async with open_shelf(tmp_path) as shelf:
        standing = Standing(shelf.store, None, uploads=STORE, knowledge=None)
        await standing.begin()
        stores = VectorStores(shelf.store)
        store_files = StoreFiles(shelf.store, shelf.files, stores, lease_s=5)
        yield House(shelf, StandingFiles(standing, shelf.store, shelf.files, store_files, None), stores)


async def test_a_list_is_made_again_only_when_something_changed(house):
    first = await house.add("a.txt")
    before = await house.files.listed(STORE)
    assert await house.files.listed(STORE) is before, "nothing was read again"
    error = FileError(code="invalid_file", message="It is locked.")
    row = (await house.shelf.store.page(VectorStoreFile, STORE, scope=EVERYONE)).data[0]
    await house.shelf.store.update(VectorStoreFile, row.id, {"status": "failed", "last_error": error}, scope=EVERYONE)
    await house.stores.changed(STORE)
    [failed] = await house.files.listed(STORE)
    assert (failed.file_id, failed.status, failed.reason) == (first, "failed", "It is locked.")


async def test_what_was_added_or_removed_is_seen_at_once(house):
    first = await house.add("a.txt")
    await house.add("b.txt")
    assert await house.names() == ["b.txt", "a.txt"]
    await house.files.remove(STORE, first)
    assert await house.names() == ["b.txt"]
    assert len(house.shelf.on_disk()) == 1
    with pytest.raises(NotFound, match=f"No file found with id '{first}'"):
        await house.files.remove(STORE, first)


async def test_a_store_that_was_deleted_is_made_again_for_the_next_file(house):
    await house.add("a.txt")
    assert await house.names() == ["a.txt"]
    for row in (await house.shelf.store.page(VectorStoreFile, STORE, scope=EVERYONE)).data:
        await house.shelf.store.delete(VectorStoreFile, row.id, scope=EVERYONE)
    await house.shelf.store.delete(VectorStore, STORE, scope=EVERYONE)
    assert await house.names() == []
    await house.add("b.txt")
    assert await house.names() == ["b.txt"]


async def test_a_long_list_comes_whole(house):
    rows = [
        VectorStoreFile(
            id=f"vsf_{at}", seq=at + 1, created_at=1, vector_store_id=STORE, file_id=f"file-{at}", filename=f"{at}.txt"
        )
        for at in range(2500)
    ]
    await house.shelf.store.add_many(rows)
    assert len(await house.files.listed(STORE)) == 2500
