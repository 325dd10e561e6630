"""What runs on a connection's thread, each function as a whole: the statements of one call of the store."""

import sqlite3
from collections.abc import Sequence
from typing import TypeVar

from ..errors import AlreadyExists, ConditionFailed, NotFound
from ..objects.stored import Stored
from .fields import noun, object_as_json, object_from_json, parent_of
from .migrations import expression, transaction
from .sqlite_database import error_code
from .sqlite_query import Sql, Update

T = TypeVar("T", bound=Stored)

INSERT = "INSERT INTO {table} (id, owner, parent, seq, doc) VALUES (?, ?, ?, ?, ?)"
INSERT_NEW = f"{INSERT} ON CONFLICT (id) DO NOTHING"

Row = tuple[str, str, str, int, str]


def row_of(obj: Stored) -> Row:
    return obj.id, obj.owner, parent_of(obj), obj.seq, object_as_json(obj)


def objects(kind: type[T], sql: Sql, connection: sqlite3.Connection) -> list[T]:
    return [object_from_json(kind, row[0]) for row in connection.execute(sql.text, sql.values).fetchall()]


def count(sql: Sql, connection: sqlite3.Connection) -> int:
    return connection.execute(sql.text, sql.values).rowcount


def insert(kind: type[Stored], row: Row, connection: sqlite3.Connection) -> None:
    try:
        connection.execute(INSERT.format(table=kind.kind), row)
    except sqlite3.IntegrityError as error:
        if error_code(error) != sqlite3.SQLITE_CONSTRAINT:
            raise
        raise AlreadyExists(f"There is already a {noun(kind)} with id '{row[0]}'.") from error


def insert_new(rows: Sequence[tuple[type[Stored], Row]], connection: sqlite3.Connection) -> None:
    """One transaction, so that the log is written once for all of them."""
    with transaction(connection):
        for kind, row in rows:
            connection.execute(INSERT_NEW.format(table=kind.kind), row)


def update(kind: type[T], id: str, sql: Update, connection: sqlite3.Connection) -> T:
    """One statement when it holds. When it does not, a transaction finds out why, so that no other process can change the object
    between the refusal and the look at it."""
    if (document := _changed(sql, connection)) is not None:
        return object_from_json(kind, document)
    with transaction(connection):
        if (document := _changed(sql, connection)) is None:
            raise _refusal(kind, id, sql, connection)
    return object_from_json(kind, document)


def next_seq(first: Row, connection: sqlite3.Connection) -> int:
    last = expression("last_seq")
    rows = connection.execute(
        f"{INSERT.format(table='owners')} ON CONFLICT (id) DO UPDATE "
        f"SET doc = json_set(doc, '$.last_seq', {last} + 1) RETURNING {last}",
        first,
    ).fetchall()
    return int(rows[0][0])


def write_journal(batch: Sequence[tuple[Sql, Row | None]], table: str, connection: sqlite3.Connection) -> list[bool]:
    """The run first: in a transaction nobody sees the order, and a refused run's chunk need not be written at all."""
    held = []
    with transaction(connection):
        for change, chunk in batch:
            held.append(bool(connection.execute(change.text, change.values).fetchall()))
            if held[-1] and chunk is not None:
                connection.execute(INSERT_NEW.format(table=table), chunk)
    return held


def take_write_lock(connection: sqlite3.Connection) -> None:
    """Take the lock that a write would need, and write nothing."""
    with transaction(connection):
        pass


def _changed(sql: Update, connection: sqlite3.Connection) -> str | None:
    # All rows are fetched: the statement is over, and its change committed, only when it has no more of them.
    rows = connection.execute(sql.change.text, sql.change.values).fetchall()
    return rows[0][0] if rows else None


def _refusal(kind: type[Stored], id: str, sql: Update, connection: sqlite3.Connection) -> NotFound | ConditionFailed:
    row = connection.execute(sql.why_not.text, sql.why_not.values).fetchone()
    if row is None:
        return NotFound(f"No {noun(kind)} found with id '{id}'.")
    field = next(field for field, holds in zip(sql.fields, row[1:], strict=True) if not holds)
    return ConditionFailed(
        f"The {noun(kind)} '{id}' was not changed: its {field} is not what it must be.",
        field=field,
        current=object_from_json(kind, row[0]),
    )
