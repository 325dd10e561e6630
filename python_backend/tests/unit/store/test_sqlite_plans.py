"""No query of the store grows with its tables: SQLite itself says which index it takes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest

from underpin.objects.idempotency_key import IdempotencyKey
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.leftover import Leftover
from underpin.objects.message import Message
from underpin.objects.run import Run
from underpin.objects.stored import Stored
from underpin.objects.thread import Thread
from underpin.objects.vector_store import VectorStore
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store import sqlite_query as query
from underpin.store.base import EVERYONE, Below, In, IsSet, Scope
from underpin.store.kinds import KINDS
from underpin.store.sqlite_conversations import LISTED, NEWEST
from underpin.store.sqlite_opening import prepare
from underpin.store.sqlite_query import Sql, Stretch

ANN = Scope("ann")
FALLING = Stretch(above=None, below=9, falling=True, rows=21)
RISING = Stretch(above=3, below=None, falling=False, rows=21)


class Indexed(Stored):
    """A kind that is searched under its parent."""

    kind: ClassVar[str] = "indexed"
    parent: ClassVar[str | None] = "thread_id"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("thread_id", "run_id"),)

    thread_id: str
    run_id: str | None = None


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    prepare(tmp_path, [*KINDS, Indexed], lambda connection: None)
    with closing(sqlite3.connect(tmp_path / "underpin.sqlite3")) as connection:
        yield connection


def plan(connection: sqlite3.Connection, sql: Sql) -> str:
    return "; ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql.text}", sql.values))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("scope", [ANN, EVERYONE, Scope("ann", shared=True)], ids=["owner", "everyone", "shared"])
def test_one_object_is_found_by_its_id(connection: sqlite3.Connection, kind: type[Stored], scope: Scope) -> None:
    change = query.update(kind, "x", {"seq": 1}, {"seq": 0}, scope)
    for sql in (query.get(kind, "x", scope), query.delete(kind, "x", scope), change.change, change.why_not):
        assert plan(connection, sql) == f"SEARCH {kind.kind} USING INDEX sqlite_autoindex_{kind.kind}_1 (id=?)"


def test_a_claim_is_found_by_its_id(connection: sqlite3.Connection) -> None:
    only_if = {"claim": "c", "status": In(("queued",)), "settled": False, "lease_until": Below(5)}
    sql = query.update(Run, "x", {"lease_until": 5.0}, only_if, EVERYONE).change
    assert plan(connection, sql) == "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("part", [FALLING, RISING], ids=["falling", "rising"])
@pytest.mark.parametrize("scope", [ANN, EVERYONE], ids=["owner", "everyone"])
def test_a_page_walks_its_parents_order(connection: sqlite3.Connection, kind: type[Stored], part: Stretch, scope: Scope) -> None:
    found = plan(connection, query.of_parent(kind, "p", {}, scope, part))
    assert found.startswith(f"SEARCH {kind.kind} USING INDEX {kind.kind}_by_parent (parent=? AND seq>?")
    assert "TEMP B-TREE" not in found


@pytest.mark.parametrize(
    ("kind", "where", "index"),
    [
        (Run, {"settled": False, "lease_until": Below(5)}, "runs_by_settled_lease_until (<expr>=? AND <expr><?)"),
        (Run, {"settled": False, "deadline": Below(5)}, "runs_by_settled_deadline (<expr>=? AND <expr><?)"),
        (Run, {"log_until": Below(5)}, "runs_by_log_until (<expr><?)"),
        (Thread, {"active_until": Below(5)}, "threads_by_active_until (<expr><?)"),
        (IdempotencyKey, {"forget_at": Below(5)}, "idempotency_keys_by_forget_at (<expr><?)"),
        (
            VectorStoreFile,
            {"status": "in_progress", "due": Below(5)},
            "vector_store_files_by_status_due (<expr>=? AND <expr><?)",
        ),
        (VectorStoreFile, {"status": "in_progress", "worker": IsSet()}, "vector_store_files_by_status_due (<expr>=?)"),
        (VectorStoreFile, {"file_id": "x"}, "vector_store_files_by_file_id (<expr>=?)"),
        (Leftover, {"due": Below(5)}, "leftovers_by_due (<expr><?)"),
        (VectorStore, {"due": Below(5)}, "vector_stores_by_due (<expr><?)"),
        (VectorStore, {"expires_at": Below(5), "status": In(("completed",))}, "vector_stores_by_expires_at (<expr><?)"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_the_sweep_finds_what_ran_out_by_its_own_index(
    connection: sqlite3.Connection, kind: type[Stored], where: dict[str, object], index: str
) -> None:
    found = plan(connection, query.everywhere(kind, where, EVERYONE, rows=101))
    assert found == f"SEARCH {kind.kind} USING INDEX {index}"


@pytest.mark.parametrize(("kind", "where"), [(Run, {"waiting": True}), (Message, {"run_id": "x"})])
@pytest.mark.parametrize("part", [FALLING, RISING], ids=["falling", "rising"])
def test_a_filtered_page_stays_with_its_parent_and_in_order(
    connection: sqlite3.Connection, kind: type[Stored], where: dict[str, object], part: Stretch
) -> None:
    found = plan(connection, query.of_parent(kind, "p", where, ANN, part))
    assert found.startswith(f"SEARCH {kind.kind} USING INDEX {kind.kind}_by_")
    assert "(parent=? AND " in found
    assert "TEMP B-TREE" not in found


@pytest.mark.parametrize("part", [FALLING, RISING], ids=["falling", "rising"])
def test_an_index_that_begins_with_the_parent_finds_a_filtered_page_without_looking_at_the_rest(
    connection: sqlite3.Connection, part: Stretch
) -> None:
    found = plan(connection, query.of_parent(Indexed, "p", {"run_id": "x"}, ANN, part))
    assert found.startswith("SEARCH indexed USING INDEX indexed_by_thread_id_run_id (parent=? AND <expr>=? AND seq>?")
    assert "TEMP B-TREE" not in found


def test_clearing_looks_at_one_parent(connection: sqlite3.Connection) -> None:
    for up_to_seq, reach in ((None, ""), (5, " AND seq>? AND seq<?")):
        found = plan(connection, query.clear(JournalChunk, "p", EVERYONE, up_to_seq))
        assert found == f"SEARCH journal USING INDEX journal_by_parent (parent=?{reach})"


@pytest.mark.parametrize("sql", [NEWEST, LISTED])
def test_conversations_are_found_by_their_user_and_come_in_order(connection: sqlite3.Connection, sql: str) -> None:
    found = plan(connection, Sql(sql, ("ann", 5 if sql is LISTED else "thread_t")))
    assert "SCAN" not in found
    assert "USE TEMP B-TREE FOR ORDER BY" not in found
