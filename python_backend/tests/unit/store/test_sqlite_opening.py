"""Opening a data directory: what is made, and one clear line for each that cannot be opened."""

import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from underpin.errors import ConfigError, StoreUnavailable
from underpin.objects.thread import Thread
from underpin.store.base import Scope
from underpin.store.kinds import KINDS
from underpin.store.sqlite import SqliteStore
from underpin.store.sqlite_opening import prepare

FILE = "underpin.sqlite3"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def refusal(folder: Path) -> str:
    """What a person is told who starts with this data directory."""
    with pytest.raises(ConfigError) as refused:
        await SqliteStore(folder).open()
    assert str(folder) not in refused.value.message
    assert "\n" not in refused.value.message
    return refused.value.message


async def test_the_data_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "data"
    store = SqliteStore(folder)
    await store.open()
    assert mode(folder) == 0o700
    assert mode(folder / "workers") == 0o700
    await store.add(Thread(id="thread_t", created_at=1))
    assert {mode(file) for file in folder.glob(f"{FILE}*")} == {0o600}
    await store.close()


async def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    store = SqliteStore(folder)
    await store.open()
    await store.close()
    assert mode(folder) == 0o755
    assert mode(folder / FILE) == 0o600


async def test_a_closed_store_leaves_one_file_that_holds_everything(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    await store.add(Thread(id="thread_t", owner="ann", created_at=1))
    await store.close()
    assert files(tmp_path) == {FILE, "opening.lock", "workers"}
    assert files(tmp_path / "workers") == set()


async def test_writes_go_to_a_log_and_are_flushed_as_was_asked(tmp_path: Path) -> None:
    for synchronous, number in (("NORMAL", 1), ("FULL", 2)):
        store = SqliteStore(tmp_path, synchronous=synchronous)  # type: ignore[arg-type]
        await store.open()
        for run in (store.database.read, store.database.write):
            assert await run(lambda connection: connection.execute("PRAGMA journal_mode").fetchone()) == ("wal",)
            assert await run(lambda connection: connection.execute("PRAGMA synchronous").fetchone()) == (number,)
        await store.close()


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    with pytest.raises(StoreUnavailable):
        await store.database.read(lambda connection: connection.execute("DELETE FROM threads"))
    await store.close()


async def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.34.1")
    assert await refusal(tmp_path) == "SQLite 3.34.1 is too old: 3.35.0 or newer is needed. Use a newer Python."
    assert files(tmp_path) == set()


async def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    assert "cannot be made or written (File exists)" in await refusal(tmp_path / "data")
    assert "cannot be made or written (Not a directory)" in await refusal(tmp_path / "data" / "below")
    assert (tmp_path / "data").read_text() == "mine"


async def test_a_file_in_the_place_of_the_workers_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "workers").write_text("mine")
    assert "workers' locks in the data directory cannot be written (File exists)" in await refusal(tmp_path)
    assert (tmp_path / "workers").read_text() == "mine"


async def test_a_database_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert "UNDERPIN_DATA_DIR" in await refusal(tmp_path)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("Dear diary, " * 1000)
    assert "is not a SQLite database" in await refusal(tmp_path)
    assert (tmp_path / FILE).read_text() == "Dear diary, " * 1000


async def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path, KINDS, lambda connection: None)
    content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    assert "is damaged. Restore it from a backup" in await refusal(tmp_path)


async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute("CREATE TABLE diary (day TEXT)")
    assert "was made by another program" in await refusal(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("diary",)]


async def test_a_newer_versions_database_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path, KINDS, lambda connection: None)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("PRAGMA user_version = 9000")
    assert "made by a newer version (schema 9000; this one knows" in await refusal(tmp_path)


async def test_a_refused_directory_can_be_opened_once_it_is_put_right(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("Dear diary, " * 1000)
    await refusal(tmp_path)
    (tmp_path / FILE).unlink()
    store = SqliteStore(tmp_path)
    await store.open()
    await store.ping()
    await store.close()


async def test_a_worker_name_that_is_no_file_name_is_refused(tmp_path: Path) -> None:
    for name in ("../up", "a/b", "", "a.lock", "x" * 101):
        if name:
            with pytest.raises(ConfigError, match="name"):
                SqliteStore(tmp_path, worker=name)
    assert SqliteStore(tmp_path, worker="").worker.startswith("worker_")


def test_many_who_open_at_once_all_find_one_database(tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def open_it() -> None:
        try:
            prepare(tmp_path / "data", KINDS, lambda connection: None)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=60)
    assert failed == []


async def test_a_kind_that_was_not_registered_is_a_type_error(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, kinds=[kind for kind in KINDS if kind is not Thread])
    await store.open()
    with pytest.raises(TypeError, match="Thread"):
        await store.add(Thread(id="thread_t", created_at=1))
    with pytest.raises(TypeError, match="Thread"):
        await store.page(Thread, None, scope=Scope("ann"))
    await store.close()
