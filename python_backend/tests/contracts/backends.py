"""The backends that the store's contracts are held against: a new one is a class here and a line in BACKENDS."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from underpin.objects.conversation import Conversation
from underpin.store.base import Conversations, Store
from underpin.store.sqlite import SqliteStore
from underpin.store.sqlite_conversations import SqliteConversations


class Backend(Protocol):
    """One empty database, reached by as many stores as a test makes."""

    def store(self) -> Store:
        """A store that is not open yet, on the same database each time, as another process would have it."""

    def conversations(self, store: Store) -> Conversations:
        """The conversations beside an open store."""

    def plant(self, rows: Sequence[Conversation]) -> None:
        """Conversations as another program wrote them: duplicates, no dates."""

    def rows(self) -> list[Conversation]:
        """All conversations as they are kept, in the order in which they came."""


class SqliteBackend:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def store(self) -> SqliteStore:
        return SqliteStore(self.folder)

    def conversations(self, store: Store) -> SqliteConversations:
        assert isinstance(store, SqliteStore)
        return SqliteConversations(store)

    def plant(self, rows: Sequence[Conversation]) -> None:
        with closing(sqlite3.connect(self.folder / "underpin.sqlite3")) as connection, connection:
            for row in rows:
                wire = row.wire()
                marks = ", ".join("?" for _ in wire)
                names = ", ".join(f'"{name}"' for name in wire)
                connection.execute(f"INSERT INTO conversations ({names}) VALUES ({marks})", list(wire.values()))

    def rows(self) -> list[Conversation]:
        with closing(sqlite3.connect(self.folder / "underpin.sqlite3")) as connection:
            connection.row_factory = sqlite3.Row
            found = connection.execute("SELECT * FROM conversations ORDER BY rowid").fetchall()
            return [Conversation.model_validate({**row, "id": row["_id"]}) for row in found]


BACKENDS: dict[str, Callable[[Path], Backend]] = {
    "sqlite": SqliteBackend,
}
