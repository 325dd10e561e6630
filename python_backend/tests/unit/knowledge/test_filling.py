"""Filling a standing store: what is added, replaced, left alone, told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.unit.files.shelf import Shelf, open_shelf
from tests.upstream_stores import KEY, UpstreamStores
from underpin.errors import NotFound
from underpin.knowledge import filling
from underpin.knowledge.filling import Filling, Told
from underpin.knowledge.folder_files import files_of
from underpin.knowledge.standing import Standing
from underpin.knowledge.standing_files import StandingFiles
from underpin.knowledge.store_files import StoreFiles
from underpin.knowledge.vector_stores import VectorStores
from underpin.models.tries import Patience
from underpin.models.upstream_stores import StoresClient
from underpin.objects.stored import DEFAULT_OWNER
from underpin.objects.vector_store_file import FileError, VectorStoreFile
from underpin.store.base import EVERYONE

STORE = "vs_know"


class House:
    """A store and somebody who reads what comes into it: `fails` says with which name it is to fail."""

    def __init__(self, shelf: Shelf, files: StandingFiles) -> None:
        self.shelf = shelf
        self.files = files
        self.came = asyncio.Event()
        self.fails: Callable[[str], bool] = lambda name: False

    async def fill(self, *paths: Path, most_bytes: int = 1000) -> list[tuple[str, str]]:
        told: list[Told] = []
        work = Filling(self.shelf.files, self.files, STORE, most_bytes=most_bytes, tell=told.append)
        async with asyncio.timeout(20):
            await work.fill(list(files_of(paths)))
        self.reasons = {Path(one.shown).name: one.reason for one in told}
        return [(Path(one.shown).name, one.outcome) for one in told]

    async def names(self) -> list[str]:
        self.files._lists[STORE].changed()
        return sorted(file.filename for file in await self.files.listed(STORE))

    async def read(self) -> None:
        while True:
            page = await self.shelf.store.page(VectorStoreFile, STORE, scope=EVERYONE, where={"status": "in_progress"})
            if page.data:
                self.came.set()
            for file in page.data:
                failed = {"status": "failed", "last_error": FileError(code="invalid_file", message="It is locked.")}
                done = failed if self.fails(file.filename) else {"status": "completed"}
                with suppress(NotFound):
                    await self.shelf.store.update(VectorStoreFile, file.id, done, scope=EVERYONE)
                    await VectorStores(self.shelf.store).changed(STORE)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def house(data_dir: Path, client: StoresClient | None = None) -> AsyncIterator[House]:
    async with open_shelf(data_dir) as shelf:
        standing = Standing(shelf.store, client, uploads=None, knowledge=STORE)
        await standing.begin()
        store_files = StoreFiles(shelf.store, shelf.files, VectorStores(shelf.store), lease_s=5)
        made = House(shelf, StandingFiles(standing, shelf.store, shelf.files, store_files, client))
        reading = asyncio.create_task(made.read())
        try:
            yield made
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            await standing.stop()


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(filling, "LOOK_S", 0.01)
    monkeypatch.setattr("underpin.knowledge.standing_files.LIST_KEPT_S", 0.0)
    monkeypatch.setattr("underpin.knowledge.standing_files.LIST_KEPT_THERE_S", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(f"This is {name}.", "utf-8")
    return folder


async def test_what_is_new_is_added_what_is_the_same_is_left_alone_what_changed_is_replaced(tmp_path, folder):
    async with house(tmp_path / "data") as one:
        assert await one.fill(folder) == [("a.txt", "added"), ("b.txt", "added")]
        assert await one.fill(folder) == [("a.txt", "unchanged"), ("b.txt", "unchanged")]
        (folder / "b.txt").write_text("Another text.", "utf-8")
        assert await one.fill(folder) == [("a.txt", "unchanged"), ("b.txt", "replaced")]
        assert await one.names() == ["a.txt", "b.txt"]
        assert len(one.shelf.on_disk()) == 2, "the old version's bytes went too"


async def test_a_folder_that_was_moved_is_not_added_again(tmp_path, folder):
    async with house(tmp_path / "data") as one:
        await one.fill(folder)
        moved = folder.rename(tmp_path / "elsewhere")
        assert await one.fill(moved) == [("a.txt", "unchanged"), ("b.txt", "unchanged")]


async def test_twins_in_two_folders_are_both_kept(tmp_path, folder):
    (folder / "c").mkdir()
    (folder / "c" / "a.txt").write_bytes((folder / "a.txt").read_bytes())
    async with house(tmp_path / "data") as one:
        for _ in range(3):
            await one.fill(folder)
            assert await one.names() == ["a.txt", "a.txt", "b.txt"]


async def test_a_version_that_cannot_be_read_replaces_nothing(tmp_path, folder):
    async with house(tmp_path / "data") as one:
        await one.fill(folder)
        (folder / "b.txt").write_text("Broken.", "utf-8")
        one.fails = lambda name: name == "b.txt"
        assert await one.fill(folder) == [("a.txt", "unchanged"), ("b.txt", "failed")]
        assert one.reasons["b.txt"] == "It is locked."
        assert await one.names() == ["a.txt", "b.txt"]
        one.fails = lambda name: False
        assert await one.fill(folder) == [("a.txt", "unchanged"), ("b.txt", "replaced")]


async def test_each_failure_is_told_and_the_others_go_on(tmp_path, folder):
    (folder / "large.txt").write_text("x" * 2000, "utf-8")
    async with house(tmp_path / "data") as one:
        told = await one.fill(folder / "none.txt", folder)
        assert told == [("none.txt", "failed"), ("large.txt", "failed"), ("a.txt", "added"), ("b.txt", "added")]
        assert "MAX_FILE_BYTES" in one.reasons["large.txt"]


async def test_one_that_was_broken_off_goes_on_where_it_was(tmp_path, folder):
    async with house(tmp_path / "data") as one:
        work = asyncio.create_task(one.fill(folder))
        await one.came.wait()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        told = await one.fill(folder)
        assert {name for name, _ in told} == {"a.txt", "b.txt"}
        assert await one.names() == ["a.txt", "b.txt"]
        assert len(one.shelf.on_disk()) == 2
        assert len((await one.shelf.files.page(DEFAULT_OWNER, limit=10, order="asc")).data) == 2


async def test_a_store_at_the_models_server_is_filled_there(tmp_path, folder):
    async with UpstreamStores() as upstream:
        upstream.keep(STORE)
        client = StoresClient(upstream.base_url, KEY, connect_timeout_s=5, patience=Patience(pauses_s=()))
        async with house(tmp_path / "data", client) as one:
            assert await one.fill(folder) == [("a.txt", "added"), ("b.txt", "added")]
            (folder / "a.txt").write_text("Another text.", "utf-8")
            assert sorted(await one.fill(folder)) == [("a.txt", "replaced"), ("b.txt", "unchanged")]
            kept = {upstream.files[made].name: upstream.files[made].data for made in upstream.stores[STORE].files}
            assert kept == {"a.txt": b"Another text.", "b.txt": b"This is b.txt."}
            assert len(upstream.files) == 2
            assert one.shelf.on_disk() == []
            assert (await one.shelf.files.page(DEFAULT_OWNER, limit=10, order="asc")).data == []
        await client.close()
