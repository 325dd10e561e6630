"""The row that a chat has in `conversations`: made with its first message, named by a date until a title replaces it."""

import logging
import secrets
from datetime import UTC, datetime

from ..errors import StoreUnavailable
from ..objects.conversation import Conversation
from .rooms import Rooms

logger = logging.getLogger("underpin.api")


def new_conversation(owner: str, thread_id: str, *, name: str | None = None, is_group: bool = False) -> Conversation:
    """A row of now; its name is the date and time where none is given, as in the original."""
    now = datetime.now(UTC)
    return Conversation(
        id=f"{int(now.timestamp()):08x}{secrets.token_hex(8)}",  # the form of an ObjectId, whose first half is the time too
        userId=owner,
        threadId=thread_id,
        name=name or f"{now.astimezone():%Y-%m-%d %H:%M:%S}",
        isGroup=is_group,
        createdAt=now,
        updatedAt=now,
    )


async def remember(rooms: Rooms, owner: str, thread_id: str) -> bool:
    """A message was sent in the thread: its row is there and says when. True when it was made now."""
    if await rooms.conversations.touch(owner, thread_id):
        return False
    return await rooms.conversations.add(new_conversation(owner, thread_id))


async def remember_chat(rooms: Rooms, owner: str, thread_id: str) -> None:
    """`remember`, for a message whose run has begun: a store that fails now is a warning, because the answer comes all the same.
    The thread's next message makes up for it."""
    try:
        is_new = await remember(rooms, owner, thread_id)
    except StoreUnavailable as error:
        line = "⚠️ The list of conversations does not show the message yet in thread: %s. %s"
        logger.warning(line, thread_id, error.message, extra={"thread_id": thread_id})
        return
    if is_new:
        log_new_conversation(rooms, thread_id)


def log_new_conversation(rooms: Rooms, thread_id: str) -> None:
    """The guide's line."""
    logger.info("✅ Created new conversation in %s: %s", rooms.store_name, thread_id, extra={"thread_id": thread_id})
