"""The guide's `conversations`, in the database where the guide's programs kept them: their schema to the letter, no added field.

Rows of other programs lack fields, have naive or no dates, ids of other types, and duplicates. There is no unique index; that a
thread gets one row from us is decided by a document in a collection of our own, which names the row's id before it is inserted.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial

from bson import ObjectId
from pymongo import DESCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.errors import DuplicateKeyError

from ..errors import AlreadyExists
from ..objects.conversation import Conversation
from ..objects.stored import DEFAULT_OWNER
from .mongo import MongoStore
from .mongo_address import Document
from .mongo_indexes import CONVERSATIONS, PREFIX

OBJECT_ID = re.compile(r"[0-9a-f]{24}")
OLDEST = datetime.min.replace(tzinfo=UTC)
LOOK_S = 0.05
LOOKS = 10
"""How often one looks for the row that another is about to insert, before one inserts it: the other may have died."""


class MongoConversations:
    """The Conversations seam beside an open MongoStore."""

    def __init__(self, store: MongoStore) -> None:
        self._connection = store.connection

    async def add(self, conversation: Conversation) -> bool:
        """Raises ValueError for an id that is not 24 hexadecimal digits, AlreadyExists when it is taken."""
        if not OBJECT_ID.fullmatch(conversation.id):
            raise ValueError(f"The id of a conversation is 24 hexadecimal digits, not {conversation.id!r}.")
        work = partial(_add, self._rows(), self._connection.collection(f"{PREFIX}conversation_rows"), conversation)
        return await self._connection.call(work, turns=[_turn(conversation.userId, conversation.threadId)])

    async def get(self, user: str, thread_id: str) -> Conversation | None:
        rows = self._rows()
        return await self._connection.call(lambda: _newest(rows, user, thread_id))

    async def page(self, user: str, limit: int = 1000) -> list[Conversation]:
        return await self._connection.call(partial(_listed, self._rows(), user, limit))

    async def rename(self, user: str, thread_id: str, *, name: str | None, is_group: bool | None) -> bool:
        given = {"name": name, "isGroup": is_group, "updatedAt": datetime.now(UTC)}
        change = {"$set": {field: value for field, value in given.items() if value is not None}}
        rows = self._rows()
        changed = await self._connection.call(
            lambda: rows.update_many(_of(user, thread_id), change), turns=[_turn(user, thread_id)]
        )
        return changed.matched_count > 0

    async def touch(self, user: str, thread_id: str) -> bool:
        return await self.rename(user, thread_id, name=None, is_group=None)

    async def delete(self, user: str, thread_id: str) -> int:
        rows, places = self._rows(), self._connection.collection(f"{PREFIX}conversation_rows")

        async def work() -> int:
            gone = await rows.delete_many(_of(user, thread_id))
            await places.delete_one({"_id": _place(user, thread_id)})
            return gone.deleted_count

        return await self._connection.call(work, turns=[_turn(user, thread_id)])

    def _rows(self) -> AsyncCollection[Document]:
        return self._connection.collection(CONVERSATIONS)


async def _add(rows: AsyncCollection[Document], places: AsyncCollection[Document], conversation: Conversation) -> bool:
    """The first to ask decides the id of the thread's row. Whoever inserts it then, it is one row."""
    user, thread_id = conversation.userId, conversation.threadId
    if await _newest(rows, user, thread_id) is not None:
        return False
    place = {"_id": _place(user, thread_id), "row": conversation.id}
    try:
        await places.insert_one(place)
    except DuplicateKeyError:
        for _ in range(LOOKS):
            if await _newest(rows, user, thread_id) is not None:
                return False
            await asyncio.sleep(LOOK_S)
        place = await places.find_one({"_id": place["_id"]}) or place
    row_id = ObjectId(str(place["row"]))
    try:
        await rows.insert_one({"_id": row_id, **conversation.model_dump(exclude={"id"})})
    except DuplicateKeyError:
        taken = await rows.find_one({"_id": row_id})
        if taken is None or (taken.get("userId"), taken.get("threadId")) == (user, thread_id):
            return False  # by then another had inserted it, or somebody's own unique index allows no second row
        await places.delete_one({"_id": place["_id"]})
        raise AlreadyExists(f"There is already a conversation with id '{row_id}'.") from None
    return True


async def _newest(rows: AsyncCollection[Document], user: str, thread_id: str) -> Conversation | None:
    return max([row async for row in _read(rows.find(_of(user, thread_id)))], key=_age, default=None)


async def _listed(rows: AsyncCollection[Document], user: str, limit: int) -> list[Conversation]:
    """The server's order is ours but for dates that are text, which only a look at the rows can compare."""
    newest: dict[str, Conversation] = {}
    async with aclosing(_read(rows.find(_whose(user)).sort("createdAt", DESCENDING).batch_size(1000))) as found:
        async for row in found:
            known = newest.get(row.threadId)
            if known is None and len(newest) == limit:
                break
            if known is None or _age(row) > _age(known):
                newest[row.threadId] = row
    return sorted(newest.values(), key=_age, reverse=True)


async def _read(found: AsyncCursor[Document]) -> AsyncGenerator[Conversation, None]:
    async with found:
        async for document in found:
            if isinstance(document.get("threadId"), str):
                yield _conversation(document)


def _whose(user: str) -> Document:
    """A row without a userId is the default user's: the original had no other."""
    return {"userId": {"$in": [user, None]}} if user == DEFAULT_OWNER else {"userId": user}


def _of(user: str, thread_id: str) -> Document:
    return {**_whose(user), "threadId": thread_id}


def _turn(user: str, thread_id: str) -> str:
    return f"conversation {_place(user, thread_id)}"


def _place(user: str, thread_id: str) -> str:
    return hashlib.sha256(f"{user}\0{thread_id}".encode(errors="surrogatepass")).hexdigest()


def _age(row: Conversation) -> tuple[datetime, str]:
    """What decides between rows, also between equals."""
    return row.createdAt or OLDEST, row.id


def _conversation(document: Document) -> Conversation:
    """A row as far as it can be read: what another program wrote in another type counts as not there."""
    name, user = document.get("name"), document.get("userId")
    return Conversation(
        id=str(document["_id"]),
        userId=user if isinstance(user, str) else DEFAULT_OWNER,
        threadId=document["threadId"],
        name=name if isinstance(name, str) else "New Chat",
        isGroup=document.get("isGroup") is True,
        createdAt=_time(document.get("createdAt")),
        updatedAt=_time(document.get("updatedAt")),
    )


def _time(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return None
