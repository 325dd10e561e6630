"""When the database cannot answer: one sentence, nothing half done, and everything works again when it can."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from underpin.errors import ConditionFailed, StoreUnavailable, UnderpinError
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.message import Message, text_content
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.store.base import Inc, JournalWrite, Scope
from underpin.store.migrations import transaction
from underpin.store.sqlite import SqliteStore
from underpin.store.sqlite_conversations import SqliteConversations

ANN = Scope("ann")
BUSY_S = 0.2
ROOT = Path(__file__).resolve().parents[3]


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path, busy_timeout_s=BUSY_S)
    await store.open()
    await store.add(thread("t"))
    yield store
    await store.close()


@contextmanager
def another_program(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / "underpin.sqlite3", isolation_level=None)) as connection:
        yield connection


def thread(name: str) -> Thread:
    return Thread(id=f"thread_{name}", owner="ann", created_at=1, seq=1)


def message(number: int, text: str = "x") -> Message:
    given = {"id": f"msg_{number}", "owner": "ann", "seq": number, "created_at": 1, "thread_id": "thread_t", "role": "user"}
    return Message.model_validate({**given, "content": text_content(text)})


def run(name: str) -> Run:
    return Run(id=f"run_{name}", owner="ann", created_at=1, thread_id="thread_t", assistant_id="a", model="m", claim="c")


def flush(name: str, lines: str) -> JournalWrite:
    chunk = JournalChunk(id=f"run_{name}.1", owner="ann", seq=1, run_id=f"run_{name}", claim_no=1, first=1, lines=lines)
    return JournalWrite(f"run_{name}", chunk, {"journal_last": 1}, {"claim": "c"})


async def limit_pages(store: SqliteStore, more: int) -> None:
    """A disk that has room for so many pages more."""

    def limit(connection: sqlite3.Connection) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + more}")

    await store.database.write(limit)


async def test_a_locked_database_refuses_writes_with_a_sentence_and_heals(store: SqliteStore, tmp_path: Path) -> None:
    conversations = SqliteConversations(store)
    await store.add(run("a"))
    with another_program(tmp_path) as other:
        other.execute("BEGIN IMMEDIATE")
        for call in (
            store.add(thread("u")),
            store.update(Thread, "thread_t", {"last_seq": Inc()}, scope=ANN),
            store.delete(Thread, "thread_t", scope=ANN),
            store.clear(Thread, "ann", scope=ANN),
            store.next_seq("ann"),
            store.write_journal([flush("a", "{}")]),
            conversations.touch("ann", "thread_t"),
            store.ping(),
        ):
            with pytest.raises(StoreUnavailable) as refused:
                await call
            assert refused.value.message == "The database does not answer: it is locked by another program."
        assert await store.get(Thread, "thread_t", scope=ANN) == thread("t")
        other.execute("ROLLBACK")
    await store.ping()
    await store.add(thread("u"))
    assert (await store.update(Thread, "thread_t", {"last_seq": Inc()}, scope=ANN)).last_seq == 1
    assert await store.write_journal([flush("a", "{}")]) == [True]
    assert await store.next_seq("ann") == 1


async def test_a_short_lock_is_waited_for_while_others_are_served(store: SqliteStore, tmp_path: Path) -> None:
    patient = SqliteStore(tmp_path, busy_timeout_s=30)
    await patient.open()
    with another_program(tmp_path) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(patient.add(thread("u")))
        for _ in range(50):
            await patient.get(Thread, "thread_t", scope=ANN)
        assert not writing.done()
        other.execute("ROLLBACK")
    await writing
    await patient.close()


async def test_nobody_waits_for_the_timeouts_of_all_who_asked_before(store: SqliteStore, tmp_path: Path) -> None:
    with another_program(tmp_path) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        calls = [store.add(thread(str(number))) for number in range(40)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        took_s = time.monotonic() - began
        other.execute("ROLLBACK")
    assert all(isinstance(result, StoreUnavailable) for result in results)
    assert took_s < 4 * 2 * BUSY_S < 40 * BUSY_S
    await store.add(thread("0"))


async def test_reads_do_not_wait_behind_a_write(store: SqliteStore) -> None:
    go_on = threading.Event()
    writing = asyncio.create_task(store.database.write(lambda connection: go_on.wait(30)))
    try:
        await asyncio.sleep(0)
        assert await store.get(Thread, "thread_t", scope=ANN) == thread("t")
        assert (await store.page(Thread, "ann", scope=ANN)).data == [thread("t")]
        assert not writing.done()
    finally:
        go_on.set()
    assert await writing is True


async def test_a_full_disk_is_a_sentence_and_half_a_batch_is_none(store: SqliteStore) -> None:
    for name in ("a", "b"):
        await store.add(run(name))
    await limit_pages(store, more=20)
    with pytest.raises(StoreUnavailable, match=r"^The database does not answer: the disk is full\.$"):
        await store.write_journal([flush("a", "{}"), flush("b", "x" * 4096 * 40)])
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await store.add(message(1, "x" * 4096 * 40))
    for name in ("a", "b"):
        assert (await store.get(Run, f"run_{name}", scope=ANN)).journal_last == 0
    assert (await store.page(JournalChunk, None, scope=ANN)).data == []
    assert (await store.page(Message, None, scope=ANN)).data == []

    await limit_pages(store, more=10_000)
    assert await store.write_journal([flush("a", "{}"), flush("b", "x" * 4096 * 40)]) == [True, True]
    await store.add(message(1, "x" * 4096 * 40))
    check = await store.database.read(lambda connection: connection.execute("PRAGMA integrity_check").fetchall())
    assert check == [("ok",)]


async def test_a_damaged_file_is_a_sentence_without_its_name(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    await store.add(message(1))
    await store.close()
    with another_program(tmp_path) as other:
        page_bytes = other.execute("PRAGMA page_size").fetchone()[0]
        root = other.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages_by_parent'").fetchone()[0]
    with (tmp_path / "underpin.sqlite3").open("r+b") as file:
        file.seek((root - 1) * page_bytes)
        file.write(b"\xff" * page_bytes)
    store = SqliteStore(tmp_path)
    await store.open()
    with pytest.raises(StoreUnavailable) as refused:
        await store.page(Message, "thread_t", scope=ANN)
    assert refused.value.message == "The database does not answer: its file is damaged."
    await store.add(thread("t"))
    assert await store.get(Thread, "thread_t", scope=ANN) == thread("t")
    await store.close()


async def test_an_object_that_does_not_fit_its_kind_is_an_error_that_shows_nothing_of_it(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.add(message(1, "a secret"))
    with another_program(tmp_path) as other:
        other.execute("UPDATE messages SET doc = json_set(doc, '$.role', 'nobody')")
    with pytest.raises(UnderpinError) as broken:
        await store.get(Message, "msg_1", scope=ANN)
    assert broken.value.message == "A stored message cannot be read: 1 of its fields do not fit."
    assert broken.value.__cause__ is None
    assert broken.value.__suppress_context__


async def test_an_object_of_an_older_version_has_the_defaults_of_the_fields_that_it_lacks(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.add(run("old"))
    with another_program(tmp_path) as other:
        other.execute("UPDATE runs SET doc = json_remove(doc, '$.claim_no', '$.journal_last')")
    changes = {"claim_no": Inc(), "journal_last": Inc(5)}
    changed = await store.update(Run, "run_old", changes, scope=ANN)
    assert (changed.claim_no, changed.journal_last) == (2, 5)


async def test_a_caller_who_is_cancelled_in_a_transaction_leaves_it_to_end(store: SqliteStore) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            connection.execute("INSERT INTO threads VALUES ('thread_u', 'ann', 'ann', 2, '{}')")
            begun.set()
            assert go_on.wait(30)
            connection.execute("UPDATE threads SET doc = json_set(doc, '$.id', id, '$.created_at', 1) WHERE doc = '{}'")

    writing = asyncio.create_task(store.database.write(slow))
    await asyncio.to_thread(begun.wait, 30)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert [one.id for one in (await store.page(Thread, "ann", scope=ANN)).data] == ["thread_t"]
    next_write = asyncio.create_task(store.update(Thread, "thread_u", {"last_seq": Inc()}, scope=ANN))
    go_on.set()
    assert (await next_write).last_seq == 1


async def test_a_refused_update_ends_its_transaction(store: SqliteStore) -> None:
    with pytest.raises(ConditionFailed):
        await store.update(Thread, "thread_t", {"last_seq": 1}, scope=ANN, only_if={"active_run": "r"})
    assert await store.database.write(lambda connection: connection.in_transaction) is False


async def test_between_a_refusal_and_the_look_at_its_reason_nobody_else_gets_in(store: SqliteStore, tmp_path: Path) -> None:
    locked: list[str] = []
    with closing(sqlite3.connect(tmp_path / "underpin.sqlite3", timeout=0, check_same_thread=False)) as other:

        def meddle(statement: str) -> None:
            if statement.startswith("SELECT doc, "):
                try:
                    other.execute("UPDATE threads SET doc = json_set(doc, '$.active_run', 'r')")
                except sqlite3.OperationalError as error:
                    locked.append(str(error))

        await store.database.write(lambda connection: connection.set_trace_callback(meddle))
        with pytest.raises(ConditionFailed) as lost:
            await store.update(Thread, "thread_t", {"last_seq": 1}, scope=ANN, only_if={"active_run": "r"})
        await store.database.write(lambda connection: connection.set_trace_callback(None))
    assert (lost.value.field, lost.value.current) == ("active_run", thread("t"))
    assert locked == ["database is locked"]


async def test_a_job_that_breaks_is_told_to_its_caller_and_the_connection_goes_on(store: SqliteStore) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            connection.execute("DELETE FROM threads")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.database.write(broken)
    assert await store.get(Thread, "thread_t", scope=ANN) == thread("t")
    await store.ping()


@pytest.mark.parametrize("end", ["raise SystemExit(3)", "raise KeyboardInterrupt", "return"])
def test_a_process_that_forgot_to_close_its_store_still_ends(tmp_path: Path, end: str) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
from underpin.store.sqlite import SqliteStore

kept = SqliteStore(Path(sys.argv[1]))

async def main():
    await kept.open()
    await kept.next_seq("ann")
    print("open", flush=True)
    {end}

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, timeout=60, capture_output=True, check=False)
    assert ended.stdout == b"open\n"
