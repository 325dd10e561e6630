"""The layout of the SQLite database: numbered migrations for what is fixed, and a table for each kind.

A migration and its number are written in one transaction, so that an interrupted one is simply run again. One that was
released is never edited; the next one changes what it did. A kind may gain a field without one, unless conditions ask for the
field's default: older documents lack it, and a migration must write it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import ConfigError
from ..objects.stored import Stored

APPLICATION_ID = 0x556E6470  # "Undp": tells this program's databases from other people's

Migration = tuple[str, ...]
"""SQL statements, run one after the other."""

MIGRATIONS: tuple[Migration, ...] = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        """CREATE TABLE clock (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            boot_id TEXT NOT NULL,
            boot_clock_s REAL NOT NULL,
            offset_s REAL NOT NULL,
            reached_s REAL NOT NULL
        )""",
        """CREATE TABLE conversations (
            "_id" TEXT NOT NULL PRIMARY KEY,
            "userId" TEXT NOT NULL,
            "threadId" TEXT NOT NULL,
            "name" TEXT NOT NULL,
            "isGroup" INTEGER NOT NULL,
            "createdAt" TEXT,
            "updatedAt" TEXT
        )""",
        'CREATE INDEX conversations_by_thread ON conversations ("userId", "threadId", "createdAt")',
        'CREATE INDEX conversations_by_date ON conversations ("userId", "createdAt")',
    ),
)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything or nothing, holding the database's only write lock from the start."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def migrate(connection: sqlite3.Connection, kinds: Sequence[type[Stored]], migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the database to this program's layout; what is there stays.

    Raises ConfigError when the database is another program's, or was made by a newer version of this one.
    """
    version = _version(connection, newest=len(migrations))
    for number, statements in enumerate(migrations[version:], start=version + 1):
        with transaction(connection):
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
    with transaction(connection):
        for kind in kinds:
            for statement in _table_of(kind):
                connection.execute(statement)


def expression(field: str) -> str:
    """A top-level field of the document, in the very words of the indexes: SQLite uses an index only for the same text."""
    return f"json_extract(doc, '$.{field}')"


def _version(connection: sqlite3.Connection, newest: int) -> int:
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application != APPLICATION_ID:
        if application or version or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            raise ConfigError(
                "underpin.sqlite3 in the data directory was made by another program. Choose another UNDERPIN_DATA_DIR."
            )
        return 0
    if version > newest:
        raise ConfigError(
            f"underpin.sqlite3 in the data directory was made by a newer version (schema {version}; this one knows {newest}). "
            "Install the newer version, or choose another UNDERPIN_DATA_DIR."
        )
    return version


def _table_of(kind: type[Stored]) -> Iterator[str]:
    table = kind.kind
    if not table.isidentifier():
        raise ValueError(f"{table!r} cannot be the name of a table.")
    yield f"""CREATE TABLE IF NOT EXISTS {table} (
        id TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, parent TEXT NOT NULL, seq INTEGER NOT NULL, doc TEXT NOT NULL)"""
    yield f"CREATE INDEX IF NOT EXISTS {table}_by_parent ON {table} (parent, seq)"
    for fields in kind.indexes:
        # An index that begins with the parent keeps its order too, so that a filtered page stops at its limit.
        under_parent = fields[0] == (kind.parent or "owner")
        parts = ["parent", *map(expression, fields[1:]), "seq"] if under_parent else list(map(expression, fields))
        yield f"CREATE INDEX IF NOT EXISTS {table}_by_{'_'.join(fields)} ON {table} ({', '.join(parts)})"
