"""Migrations: run once, in order, whole or not at all; a new kind or index comes beside what is there."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest

from underpin.errors import ConfigError
from underpin.objects.stored import Stored
from underpin.store.kinds import KINDS
from underpin.store.migrations import MIGRATIONS, migrate, transaction

NEXT = (*MIGRATIONS, ("CREATE TABLE notes (text TEXT)", "INSERT INTO notes VALUES ('once')"))
BROKEN = (
    *MIGRATIONS,
    ("CREATE TABLE notes (text TEXT)", "INSERT INTO notes VALUES ('once')", "INSERT INTO no_such_table VALUES (1)"),
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "x.sqlite3", isolation_level=None)) as connection:
        yield connection


def names(connection: sqlite3.Connection, type: str) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = ?", (type,))}


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_an_empty_file_gets_a_table_for_every_kind(connection: sqlite3.Connection) -> None:
    migrate(connection, KINDS)
    assert names(connection, "table") >= {kind.kind for kind in KINDS} | {"clock", "conversations"}
    assert version(connection) == len(MIGRATIONS)


def test_migrating_twice_is_migrating_once(connection: sqlite3.Connection) -> None:
    migrate(connection, KINDS, NEXT)
    migrate(connection, KINDS, NEXT)
    assert connection.execute("SELECT text FROM notes").fetchall() == [("once",)]


def test_an_older_database_gets_what_it_lacks_and_keeps_what_it_has(connection: sqlite3.Connection) -> None:
    migrate(connection, KINDS)
    connection.execute("INSERT INTO threads VALUES ('thread_t', 'ann', 'ann', 1, '{}')")
    migrate(connection, KINDS, NEXT)
    assert version(connection) == len(NEXT)
    assert connection.execute("SELECT id FROM threads").fetchall() == [("thread_t",)]


def test_an_interrupted_migration_is_redone_from_its_beginning(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no_such_table"):
        migrate(connection, KINDS, BROKEN)
    assert version(connection) == len(MIGRATIONS)
    assert "notes" not in names(connection, "table")
    assert not connection.in_transaction
    migrate(connection, KINDS, NEXT)
    assert connection.execute("SELECT text FROM notes").fetchall() == [("once",)]


def test_the_very_first_migration_may_be_interrupted_too(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no_such_table"):
        migrate(connection, KINDS, ((*MIGRATIONS[0], "INSERT INTO no_such_table VALUES (1)"),))
    assert names(connection, "table") == set()
    migrate(connection, KINDS)
    assert version(connection) == len(MIGRATIONS)


def test_a_database_of_a_newer_version_is_left_alone(connection: sqlite3.Connection) -> None:
    migrate(connection, KINDS, NEXT)
    with pytest.raises(ConfigError, match="newer version"):
        migrate(connection, KINDS)
    assert version(connection) == len(NEXT)


def test_a_new_kind_and_a_new_index_come_beside_what_is_there(connection: sqlite3.Connection) -> None:
    class Plan(Stored):
        kind: ClassVar[str] = "plans"
        due: float = 0

    class SweptPlan(Plan):
        indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("due",),)

    migrate(connection, KINDS)
    migrate(connection, [*KINDS, Plan])
    connection.execute("INSERT INTO plans VALUES ('plan_p', 'ann', 'ann', 1, '{\"due\": 5}')")
    migrate(connection, [*KINDS, SweptPlan])
    assert {"plans_by_parent", "plans_by_due"} <= names(connection, "index")
    assert connection.execute("SELECT id FROM plans").fetchall() == [("plan_p",)]


def test_a_kind_whose_name_could_be_sql_gets_no_table(connection: sqlite3.Connection) -> None:
    class Odd(Stored):
        kind: ClassVar[str] = "odd (x); DROP TABLE threads"

    with pytest.raises(ValueError, match="table"):
        migrate(connection, [*KINDS, Odd])
    assert not connection.in_transaction


def test_a_transaction_that_fails_leaves_nothing_and_no_lock(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE notes (text TEXT)")

    def half() -> None:
        with transaction(connection):
            connection.execute("INSERT INTO notes VALUES ('half')")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert connection.execute("SELECT * FROM notes").fetchall() == []
    assert not connection.in_transaction
