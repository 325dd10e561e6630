"""The guide's conversations in a table of their own: its field names, ids that look like MongoDB's, times in UTC."""

import re
import sqlite3
from datetime import UTC, datetime
from functools import partial

from ..errors import AlreadyExists
from ..objects.conversation import Conversation
from .sqlite import SqliteStore

COLUMNS = '"_id", "userId", "threadId", "name", "isGroup", "createdAt", "updatedAt"'
OBJECT_ID = re.compile(r"[0-9a-f]{24}")

# A row without a date is older than any (SQLite sorts null lowest); rowid decides between equals, in both queries alike.
NEWEST = f"""SELECT {COLUMNS} FROM conversations WHERE "userId" = ? AND "threadId" = ?
    ORDER BY "createdAt" DESC, rowid DESC LIMIT 1"""
LISTED = f"""SELECT {COLUMNS} FROM conversations AS row WHERE "userId" = ? AND NOT EXISTS (
        SELECT 1 FROM conversations AS newer WHERE newer."userId" = row."userId" AND newer."threadId" = row."threadId"
        AND (coalesce(newer."createdAt", ''), newer.rowid) > (coalesce(row."createdAt", ''), row.rowid)
    ) ORDER BY "createdAt" DESC, rowid DESC LIMIT ?"""

Row = tuple[str, str, str, str, int, str | None, str | None]


class SqliteConversations:
    """The Conversations seam beside the objects of an open `SqliteStore`. Times are kept to the millisecond, as MongoDB does."""

    def __init__(self, store: SqliteStore) -> None:
        self._database = store.database
        self._clocks = store.clocks

    async def add(self, conversation: Conversation) -> bool:
        """Raises ValueError for an id that is not 24 hexadecimal digits, AlreadyExists when it is taken."""
        if not OBJECT_ID.fullmatch(conversation.id):
            raise ValueError(f"The id of a conversation is 24 hexadecimal digits, not {conversation.id!r}.")
        row = (
            conversation.id,
            conversation.userId,
            conversation.threadId,
            conversation.name,
            int(conversation.isGroup),
            _as_text(conversation.createdAt),
            _as_text(conversation.updatedAt),
        )
        return await self._database.write(partial(_insert, row))

    async def get(self, user: str, thread_id: str) -> Conversation | None:
        found = await self._database.read(partial(_rows, NEWEST, (user, thread_id)))
        return found[0] if found else None

    async def page(self, user: str, limit: int = 1000) -> list[Conversation]:
        return await self._database.read(partial(_rows, LISTED, (user, limit)))

    async def rename(self, user: str, thread_id: str, *, name: str | None, is_group: bool | None) -> bool:
        sql = """UPDATE conversations SET "name" = coalesce(?, "name"), "isGroup" = coalesce(?, "isGroup"), "updatedAt" = ?
            WHERE "userId" = ? AND "threadId" = ?"""
        return await self._database.write(partial(_count, sql, (name, is_group, self._now(), user, thread_id))) > 0

    async def touch(self, user: str, thread_id: str) -> bool:
        return await self.rename(user, thread_id, name=None, is_group=None)

    async def delete(self, user: str, thread_id: str) -> int:
        sql = 'DELETE FROM conversations WHERE "userId" = ? AND "threadId" = ?'
        return await self._database.write(partial(_count, sql, (user, thread_id)))

    def _now(self) -> str | None:
        return _as_text(datetime.fromtimestamp(self._clocks.wall(), UTC))


def _insert(row: Row, connection: sqlite3.Connection) -> bool:
    sql = f"""INSERT INTO conversations ({COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?
        WHERE NOT EXISTS (SELECT 1 FROM conversations WHERE "userId" = ? AND "threadId" = ?)"""
    try:
        return connection.execute(sql, (*row, row[1], row[2])).rowcount > 0
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"There is already a conversation with id '{row[0]}'.") from error


def _rows(sql: str, values: tuple[str | int, ...], connection: sqlite3.Connection) -> list[Conversation]:
    return [_conversation(row) for row in connection.execute(sql, values).fetchall()]


def _count(sql: str, values: tuple[str | int | None, ...], connection: sqlite3.Connection) -> int:
    return connection.execute(sql, values).rowcount


def _conversation(row: Row) -> Conversation:
    object_id, user, thread_id, name, is_group, created, updated = row
    return Conversation(
        id=object_id,
        userId=user,
        threadId=thread_id,
        name=name,
        isGroup=bool(is_group),
        createdAt=_as_time(created),
        updatedAt=_as_time(updated),
    )


def _as_text(time: datetime | None) -> str | None:
    """A form that sorts as the times do. A time without a zone is UTC, as in MongoDB."""
    if time is None:
        return None
    aware = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
