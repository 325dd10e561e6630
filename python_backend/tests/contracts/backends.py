"""The backends that the store's contracts are held against: a new one is a class here and a line in BACKENDS."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any, Protocol

from bson import CodecOptions, ObjectId
from pymongo import MongoClient

from underpin.objects.conversation import Conversation
from underpin.store.base import Conversations, Store
from underpin.store.mongo import MongoStore
from underpin.store.mongo_address import Timeouts
from underpin.store.mongo_conversations import MongoConversations
from underpin.store.sqlite import SqliteStore
from underpin.store.sqlite_conversations import SqliteConversations


class Backend(Protocol):
    """One empty database, reached by as many stores as a test makes: `BACKENDS[backend.name](backend.place)` is another on it."""

    name: str
    place: str

    def store(self) -> Store:
        """A store that is not open yet, on the same database each time, as another process would have it."""

    def conversations(self, store: Store) -> Conversations:
        """The conversations beside an open store."""

    def plant(self, rows: Sequence[Conversation]) -> None:
        """Conversations as another program wrote them: duplicates, no dates."""

    def rows(self) -> list[Conversation]:
        """All conversations as they are kept, in the order in which they came."""


class SqliteBackend:
    """`place` is the folder."""

    name = "sqlite"

    def __init__(self, place: str) -> None:
        self.place = place
        self.folder = Path(place)

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


# FerretDB reads a whole collection for every update: a batch of 200 takes it 6 s on two cores that nobody else uses.
PATIENT = Timeouts(answer_s=20, socket_s=60)


class MongoBackend:
    """`place` is a URI with a database in it."""

    name = "mongo"

    def __init__(self, place: str) -> None:
        self.place = place

    def store(self) -> MongoStore:
        return MongoStore(self.place, timeouts=PATIENT)

    def conversations(self, store: Store) -> MongoConversations:
        assert isinstance(store, MongoStore)
        return MongoConversations(store)

    def plant(self, rows: Sequence[Conversation]) -> None:
        with self._client() as client:
            found = client.get_default_database()["conversations"]
            found.insert_many({"_id": ObjectId(row.id), **row.model_dump(exclude={"id"})} for row in rows)

    def rows(self) -> list[Conversation]:
        with self._client() as client:
            aware = CodecOptions[dict[str, Any]](tz_aware=True, tzinfo=UTC)
            found = client.get_default_database().get_collection("conversations", codec_options=aware).find()
            return [Conversation.model_validate({**row, "id": str(row["_id"])}) for row in found]

    def _client(self) -> MongoClient[dict[str, Any]]:
        return MongoClient(self.place)


BACKENDS: dict[str, Callable[[str], Backend]] = {"sqlite": SqliteBackend, "mongo": MongoBackend}
