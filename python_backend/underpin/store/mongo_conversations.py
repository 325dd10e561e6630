"""The guide's `conversations`, in the database where the guide's programs kept them: their schema to the letter, no added field.

Rows of other programs lack fields, have naive or no dates, ids of other types, and duplicates. There is no unique index; that a
thread gets one row from us is decided by a document in a collection of our own.
"""

import hashlib
import re
from datetime import UTC, datetime
from functools import partial

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, OperationFailure

from ..errors import AlreadyExists
from ..objects.conversation import Conversation
from ..objects.stored import DEFAULT_OWNER
from .mongo import PREFIX, MongoStore
from .mongo_connection import Document

COLLECTION = "conversations"
OBJECT_ID = re.compile(r"[0-9a-f]{24}")
NEWEST_FIRST = [("createdAt", DESCENDING), ("_id", DESCENDING)]


class MongoConversations:
    """The Conversations seam beside an open MongoStore."""

    def __init__(self, store: MongoStore) -> None:
        self._connection = store.connection
        self._indexed = False

    async def add(self, conversation: Conversation) -> bool:
        """Raises ValueError for an id that is not 24 hexadecimal digits, AlreadyExists when it is taken."""
        if not OBJECT_ID.fullmatch(conversation.id):
            raise ValueError(f"The id of a conversation is 24 hexadecimal digits, not {conversation.id!r}.")
        if await self.get(conversation.userId, conversation.threadId) is not None:
            return False
        row_id = await self._connection.call(partial(self._agree, conversation))
        return await self._connection.call(partial(self._insert, conversation, row_id))

    async def get(self, user: str, thread_id: str) -> Conversation | None:
        rows = await self._rows()
        cursor = rows.find(_of(user, thread_id)).sort(NEWEST_FIRST).limit(1)
        found = await self._connection.call(lambda: cursor.to_list(1))
        return _conversation(found[0]) if found else None

    async def page(self, user: str, limit: int = 1000) -> list[Conversation]:
        rows = await self._rows()
        cursor = rows.find(_whose(user)).sort(NEWEST_FIRST)
        listed: dict[str, Conversation] = {}

        async def read() -> None:
            async for document in cursor:
                if "threadId" in document:
                    listed.setdefault(str(document["threadId"]), _conversation(document))
                if len(listed) == limit:
                    return

        try:
            await self._connection.call(read)
        finally:
            await cursor.close()
        return list(listed.values())

    async def rename(self, user: str, thread_id: str, *, name: str | None, is_group: bool | None) -> bool:
        given = {"name": name, "isGroup": is_group, "updatedAt": datetime.now(UTC)}
        change = {"$set": {field: value for field, value in given.items() if value is not None}}
        rows = await self._rows()
        changed = await self._connection.call(lambda: rows.update_many(_of(user, thread_id), change))
        return changed.matched_count > 0

    async def touch(self, user: str, thread_id: str) -> bool:
        return await self.rename(user, thread_id, name=None, is_group=None)

    async def delete(self, user: str, thread_id: str) -> int:
        rows, rooms = await self._rows(), self._places()
        gone = await self._connection.call(lambda: rows.delete_many(_of(user, thread_id)))
        await self._connection.call(lambda: rooms.delete_one({"_id": _place(user, thread_id)}))
        return gone.deleted_count

    async def _agree(self, conversation: Conversation) -> str:
        """The id that the thread's row gets, whoever inserts it: the first who asks decides."""
        place = _place(conversation.userId, conversation.threadId)
        try:
            await self._places().insert_one({"_id": place, "row": conversation.id})
        except DuplicateKeyError:
            found = await self._places().find_one({"_id": place})
            return conversation.id if found is None else str(found["row"])
        return conversation.id

    async def _insert(self, conversation: Conversation, row_id: str) -> bool:
        rows = self._connection.collection(COLLECTION)
        document = {"_id": ObjectId(row_id), **conversation.model_dump(exclude={"id"})}
        try:
            await rows.insert_one(document)
        except DuplicateKeyError:
            taken = await rows.find_one({"_id": ObjectId(row_id)})
            if taken is not None and (taken.get("userId"), taken.get("threadId")) != (conversation.userId, conversation.threadId):
                await self._places().delete_one({"_id": _place(conversation.userId, conversation.threadId)})
                raise AlreadyExists(f"There is already a conversation with id '{row_id}'.") from None
            return False
        return True

    async def _rows(self) -> AsyncCollection[Document]:
        rows = self._connection.collection(COLLECTION)
        if not self._indexed:
            await self._connection.call(partial(_make_indexes, rows))
            self._indexed = True
        return rows

    def _places(self) -> AsyncCollection[Document]:
        return self._connection.collection(f"{PREFIX}conversation_rows")


async def _make_indexes(rows: AsyncCollection[Document]) -> None:
    """Beside what is there, and not unique: old rows have duplicates."""
    for fields in (["userId", "threadId"], ["userId", "createdAt"]):
        try:
            await rows.create_index([(field, ASCENDING) for field in fields])
        except OperationFailure as error:
            if error.code not in {85, 86}:
                raise


def _whose(user: str) -> Document:
    """A row without a userId is the default user's: the original had no other."""
    return {"userId": {"$in": [user, None]}} if user == DEFAULT_OWNER else {"userId": user}


def _of(user: str, thread_id: str) -> Document:
    return {**_whose(user), "threadId": thread_id}


def _place(user: str, thread_id: str) -> str:
    return hashlib.sha256(f"{user}\0{thread_id}".encode()).hexdigest()


def _conversation(document: Document) -> Conversation:
    """A row as far as it can be read: what another program wrote in another type counts as not there."""
    name, user = document.get("name"), document.get("userId")
    return Conversation(
        id=str(document["_id"]),
        userId=user if isinstance(user, str) else DEFAULT_OWNER,
        threadId=str(document["threadId"]),
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
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
