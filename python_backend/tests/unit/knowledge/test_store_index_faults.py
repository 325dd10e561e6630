"""Indexes when several processes make one at once, when one dies at it, and when what lies on the disk is not an index."""

import asyncio
import json
import shutil
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from tests.unit.knowledge.indexed import FakeEmbedder, Indexed, blocks_of, open_indexed
from underpin.errors import StoreUnavailable
from underpin.knowledge import store_index_update
from underpin.knowledge.store_index_folder import DATABASE, IndexFolder
from underpin.knowledge.store_index_writer import IndexWriter
from underpin.objects.chunk import Chunk
from underpin.objects.vector_store import VectorStore
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store.base import EVERYONE

BACKEND = Path(__file__).resolve().parents[3]
LONG_S = 60


@pytest_asyncio.fixture
async def indexed(tmp_path: Path) -> AsyncIterator[Indexed]:
    async with open_indexed(tmp_path) as indexed:
        yield indexed


async def filled(indexed: Indexed, files: int = 12) -> VectorStore:
    store = await indexed.new_store()
    for n in range(files):
        await indexed.put(store, f"{n}.md", [f"Borehole {n} met clay at {depth} m." for depth in range(8)])
    return store


async def process(tmp_path: Path, store: VectorStore, query: str, *more: str) -> Process:
    made = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.unit.knowledge.indexing_process", str(tmp_path), store.id, query, *more),
        cwd=BACKEND, stdin=PIPE, stdout=PIPE,
    )  # fmt: skip
    assert made.stdout is not None
    assert await asyncio.wait_for(made.stdout.readline(), LONG_S) == b"ready\n"
    return made


async def found_by(made: Process) -> list[str]:
    said, _ = await asyncio.wait_for(made.communicate(b"go\n"), LONG_S)
    names = json.loads(said)
    assert isinstance(names, list)
    return names


def counts(folder: IndexFolder) -> dict[str, int]:
    """Rows of each kind, and vectors that count."""
    tables = {"files": "files", "rows": "rows", "sets": "(SELECT DISTINCT chunk_set FROM files)"}
    with closing(sqlite3.connect(folder.database)) as connection:
        found = {name: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for name, table in tables.items()}
        return found | {"vectors": connection.execute("SELECT vectors FROM state").fetchone()[0]}


async def test_two_processes_that_make_an_index_at_once_make_one(tmp_path: Path, indexed: Indexed) -> None:
    store = await filled(indexed)
    both = [await process(tmp_path, store, "clay in borehole 7") for _ in range(2)]
    found = await asyncio.gather(*map(found_by, both))
    assert found[0][0] == found[1][0] == "7.md"
    assert counts(IndexFolder(indexed.folder, store.id)) == {"files": 12, "rows": 96, "sets": 12, "vectors": 96}


async def test_what_one_process_indexed_the_other_only_reads(tmp_path: Path, indexed: Indexed) -> None:
    store = await filled(indexed)
    assert (await found_by(await process(tmp_path, store, "borehole 7")))[0] == "7.md"
    database = IndexFolder(indexed.folder, store.id).database
    before = database.stat().st_mtime_ns, database.stat().st_ino
    assert (await indexed.names(store, "borehole 7"))[0] == "7.md"
    assert (database.stat().st_mtime_ns, database.stat().st_ino) == before
    await indexed.put(store, "new.md", ["Dolomite."])
    assert (await found_by(await process(tmp_path, store, "dolomite")))[0] == "new.md"
    assert (await indexed.names(store, "dolomite"))[0] == "new.md"


@pytest.mark.parametrize("commits", [0, 1, 5])
async def test_a_process_killed_while_it_adds_files_leaves_whole_files_only(
    tmp_path: Path, indexed: Indexed, commits: int
) -> None:
    store = await filled(indexed)
    dying = await process(tmp_path, store, "clay", str(commits))
    await asyncio.wait_for(dying.communicate(b"go\n"), LONG_S)
    assert dying.returncode == -signal.SIGKILL
    folder = IndexFolder(indexed.folder, store.id)
    files = counts(folder)["files"]
    assert files == max(0, commits - 1)  # the first commit is that of the embedder
    assert counts(folder) == {"files": files, "rows": 8 * files, "sets": files, "vectors": 8 * files}
    assert folder.vectors_file(1).stat().st_size > 8 * files * 64 * 4
    for n in (0, 5, 11):
        assert (await indexed.names(store, f"Borehole {n} met clay at 5 m."))[0] == f"{n}.md"
    assert counts(folder) == {"files": 12, "rows": 96, "sets": 12, "vectors": 96}


async def test_a_process_killed_while_another_embedder_takes_over_leaves_the_old_vectors(
    tmp_path: Path, indexed: Indexed
) -> None:
    store = await filled(indexed)
    await indexed.names(store, "clay")
    new = FakeEmbedder("new", 48)
    for file in (await indexed.store.page(VectorStoreFile, store.id, scope=EVERYONE, limit=100)).data:
        chunks = (await indexed.store.page(Chunk, file.chunk_set, scope=EVERYONE, limit=100, order="asc")).data
        await indexed.store.add_many(await blocks_of(file, [chunk.text for chunk in chunks], new))
    await indexed.changed(store, embedder="new")
    dying = await process(tmp_path, store, "clay", "0")
    await asyncio.wait_for(dying.communicate(b"go\n"), LONG_S)
    assert dying.returncode == -signal.SIGKILL
    folder = IndexFolder(indexed.folder, store.id)
    assert counts(folder) == {"files": 12, "rows": 96, "sets": 12, "vectors": 96}
    assert folder.vectors_file(1).stat().st_size == 96 * 64 * 4
    indexed.embedders["new"] = new
    assert (await indexed.names(store, "Borehole 5 met clay at 5 m."))[0] == "5.md"
    assert new.asked == 1
    assert [file.name for file in folder.path.glob("vectors-*")] == ["vectors-2.f32"]
    assert folder.vectors_file(2).stat().st_size == 96 * 48 * 4


def not_a_database(folder: IndexFolder) -> None:
    folder.database.write_bytes(b"x" * 8192)


def pages_of_garbage(folder: IndexFolder) -> None:
    with closing(sqlite3.connect(folder.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = folder.database.read_bytes()
    folder.database.write_bytes(held[:4096] + b"\xa5" * (len(held) - 4096))


def an_empty_database(folder: IndexFolder) -> None:
    folder.database.write_bytes(b"")


def vectors_cut_short(folder: IndexFolder) -> None:
    folder.vectors_file(1).write_bytes(folder.vectors_file(1).read_bytes()[:-4])


def no_vectors(folder: IndexFolder) -> None:
    folder.vectors_file(1).unlink()


def nothing_at_all(folder: IndexFolder) -> None:
    shutil.rmtree(folder.path)


def another_layout(folder: IndexFolder) -> None:
    with closing(sqlite3.connect(folder.database)) as connection:
        connection.execute("PRAGMA user_version = 1")


DAMAGES = [
    not_a_database, pages_of_garbage, an_empty_database, vectors_cut_short, no_vectors, nothing_at_all, another_layout,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
async def test_several_damaged_indexes_are_made_again_in_one_search(
    tmp_path: Path, damage: Callable[[IndexFolder], None]
) -> None:
    async with open_indexed(tmp_path) as first:
        stores = [await filled(first, files=count) for count in (1, 2, 3, 4)]
        for store in stores:
            await first.names(store, "clay")
    for store in stores:
        damage(IndexFolder(tmp_path / "indexes", store.id))
    async with open_indexed(tmp_path) as second:
        asked = [await second.now(store) for store in stores]
        searches = (second.indexes.search(asked, "clay", limit=200) for _ in range(3))
        for found in await asyncio.gather(*searches):
            assert len(found) == 8 * (1 + 2 + 3 + 4)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_index_is_made_again(tmp_path: Path, damage: Callable[[IndexFolder], None]) -> None:
    async with open_indexed(tmp_path) as first:
        store = await filled(first)
        await first.names(store, "clay")
    folder = IndexFolder(tmp_path / "indexes", store.id)
    damage(folder)
    async with open_indexed(tmp_path) as second:
        for n in (0, 11):
            assert (await second.names(store, f"Borehole {n} met clay at 5 m."))[0] == f"{n}.md"
    assert counts(folder) == {"files": 12, "rows": 96, "sets": 12, "vectors": 96}


async def test_an_index_may_be_deleted_while_it_is_searched(indexed: Indexed) -> None:
    store = await filled(indexed)
    assert (await indexed.names(store, "borehole 7"))[0] == "7.md"
    shutil.rmtree(indexed.folder)
    assert (await indexed.names(store, "borehole 7"))[0] == "7.md"
    await indexed.put(store, "new.md", ["Dolomite."])
    assert (await indexed.names(store, "dolomite"))[0] == "new.md"
    assert (await indexed.names(store, "borehole 7"))[0] == "7.md"


async def test_a_damaged_index_of_one_store_leaves_the_other_alone(tmp_path: Path) -> None:
    async with open_indexed(tmp_path) as first:
        stores = [await filled(first), await filled(first)]
        for store in stores:
            await first.names(store, "clay")
    sound, damaged = [IndexFolder(tmp_path / "indexes", store.id) for store in stores]
    identity = sound.identity()
    pages_of_garbage(damaged)
    async with open_indexed(tmp_path) as second:
        now = [await second.now(store) for store in stores]
        assert await second.indexes.search(now, "borehole 7")
    assert sound.identity() == identity
    assert counts(damaged)["files"] == 12


async def test_a_full_disk_is_said_and_leaves_what_was_there(indexed: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await filled(indexed)
    assert (await indexed.names(store, "borehole 7"))[0] == "7.md"
    await indexed.put(store, "new.md", ["Dolomite."])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(IndexWriter, "add_chunks", full)
        with pytest.raises(StoreUnavailable, match=r"No space left on device\. Look at UNDERPIN_DATA_DIR"):
            await indexed.names(store, "dolomite")
    assert (await indexed.names(store, "dolomite"))[0] == "new.md"
    assert counts(IndexFolder(indexed.folder, store.id))["files"] == 13


async def test_a_search_does_not_wait_for_ever_for_an_index_that_is_being_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_index_update, "COMMIT_EVERY", 1)
    async with open_indexed(tmp_path, patience_s=0.0) as indexed:
        store = await filled(indexed)
        assert len(await indexed.names(store, "clay", limit=200)) < 96
        async with asyncio.timeout(LONG_S):
            while len(await indexed.names(store, "clay", limit=200)) < 96:
                pass  # each search is a turn of the loop
    assert (IndexFolder(indexed.folder, store.id).path / DATABASE).exists()
