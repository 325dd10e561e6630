"""Who lives: a lock that the kernel lets go of, whatever kills its holder."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from underpin.errors import ConfigError
from underpin.store import worker_locks
from underpin.store.sqlite import SqliteStore
from underpin.store.worker_locks import WorkerLocks

ROOT = Path(__file__).resolve().parents[3]

HOLDER = """
import asyncio, sys
from pathlib import Path
from underpin.store.sqlite import SqliteStore

async def main():
    store = SqliteStore(Path(sys.argv[1]), worker=sys.argv[2])
    await store.open()
    print("open", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def start_worker(folder: Path, worker: str) -> "subprocess.Popen[bytes]":
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder), worker], stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    assert child.stdout.readline() == b"open\n"
    return child


def kill(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait(timeout=30)
    assert child.stdout is not None
    child.stdout.close()


async def test_a_worker_lives_until_its_process_is_killed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, worker="us")
    await store.open()
    child = start_worker(tmp_path, "them")
    try:
        assert await store.worker_lives("them") is True
        assert await store.worker_lives("them") is True
    finally:
        kill(child)
    assert await store.worker_lives("them") is False
    assert not (tmp_path / "workers" / "them.lock").exists()
    assert await store.worker_lives("them") is False
    await store.close()


async def test_we_live_and_so_does_another_store_of_this_process_until_it_closes(tmp_path: Path) -> None:
    one, two = SqliteStore(tmp_path), SqliteStore(tmp_path)
    assert one.worker != two.worker
    await one.open()
    await two.open()
    for store in (one, two):
        assert await store.worker_lives(one.worker) is True
        assert await store.worker_lives(two.worker) is True
    await two.close()
    assert await one.worker_lives(two.worker) is False
    assert await one.worker_lives(one.worker) is True
    await one.close()


async def test_the_files_of_the_dead_are_cleared_away_at_open(tmp_path: Path) -> None:
    kill(start_worker(tmp_path, "dead"))
    living = start_worker(tmp_path, "living")
    try:
        store = SqliteStore(tmp_path, worker="us")
        await store.open()
        assert {file.name for file in (tmp_path / "workers").iterdir()} == {"us.lock", "living.lock"}
        assert await store.worker_lives("living") is True
        await store.close()
    finally:
        kill(living)


async def test_a_name_can_be_used_again_by_the_next_process(tmp_path: Path) -> None:
    kill(start_worker(tmp_path, "w1"))
    again = start_worker(tmp_path, "w1")
    store = SqliteStore(tmp_path)
    await store.open()
    try:
        assert await store.worker_lives("w1") is True
    finally:
        kill(again)
    assert await store.worker_lives("w1") is False
    await store.close()


async def test_a_name_that_a_living_process_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_locks, "HOLD_WITHIN_S", 0.1)
    store = SqliteStore(tmp_path, worker="w1")
    await store.open()
    with pytest.raises(ConfigError, match="w1"):
        await SqliteStore(tmp_path, worker="w1").open()
    assert await store.worker_lives("w1") is True
    await store.ping()
    await store.close()


@pytest.mark.parametrize("name", ["../underpin", "a/b", "", ".", "a b", "x" * 200, "\0", "\ud83d"])
async def test_a_name_that_no_worker_of_this_host_can_have_is_left_to_its_lease(tmp_path: Path, name: str) -> None:
    store = SqliteStore(tmp_path / "data")
    await store.open()
    (tmp_path / "data" / "underpin.lock").touch()
    assert await store.worker_lives(name) is None
    assert (tmp_path / "data" / "underpin.lock").exists()
    await store.close()


def test_two_who_look_at_a_worker_while_it_starts_again_never_bury_it_alive(tmp_path: Path) -> None:
    """Who looks holds the file for a moment and removes it: the one that starts must end up with the file that has the name."""
    watcher = WorkerLocks(tmp_path / "workers", "watcher")
    watcher.hold()
    for _ in range(200):
        (tmp_path / "workers" / "w1.lock").touch()
        starting = WorkerLocks(tmp_path / "workers", "w1")
        watcher.lives("w1")
        starting.hold()
        assert watcher.lives("w1") is True
        starting.release()
        assert watcher.lives("w1") is False
    watcher.release()


def test_a_file_is_removed_while_it_is_still_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it could be the file of the next one who has the name."""
    watcher, dead = WorkerLocks(tmp_path / "workers", "watcher"), WorkerLocks(tmp_path / "workers", "dead")
    watcher.hold()
    dead.hold()

    def try_to_take_it(locks: WorkerLocks, worker: str) -> None:
        FileLock(tmp_path / "workers" / f"{worker}.lock", blocking=False).acquire()

    with monkeypatch.context() as patched:
        patched.setattr(WorkerLocks, "_remove", try_to_take_it)
        with pytest.raises(Timeout):
            dead.release()
    dead.release()
    (tmp_path / "workers" / "dead.lock").touch()
    with monkeypatch.context() as patched:
        patched.setattr(WorkerLocks, "_remove", try_to_take_it)
        with pytest.raises(Timeout):
            watcher.lives("dead")
    watcher.release()


async def test_starting_again_while_others_look_is_never_dead(tmp_path: Path) -> None:
    watchers = [WorkerLocks(tmp_path / "workers", f"watcher{number}") for number in range(2)]
    for watcher in watchers:
        watcher.hold()
    stop = False

    def look(watcher: WorkerLocks) -> int:
        looks = 0
        while not stop:
            watcher.lives("w1")
            looks += 1
        return looks

    looking = [asyncio.create_task(asyncio.to_thread(look, watcher)) for watcher in watchers]
    try:
        for _ in range(50):
            starting = WorkerLocks(tmp_path / "workers", "w1")
            await asyncio.to_thread(starting.hold)
            assert watchers[0].lives("w1") is True
            starting.release()
    finally:
        stop = True
        assert min(await asyncio.gather(*looking)) > 0
    for watcher in watchers:
        watcher.release()
