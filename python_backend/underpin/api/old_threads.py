"""Threads that lived at OpenAI: their rows are in `conversations` still, their messages nowhere. A setting lets a new message
start such a thread afresh under its old id."""

import logging
import re
import time

from ..errors import AlreadyExists, NotFound
from ..objects.thread import Thread
from ..store.base import Scope
from .rooms import Rooms

logger = logging.getLogger("underpin.api")

THREAD_ID = re.compile(r"thread_[A-Za-z0-9]{1,100}")


async def adopt_old_thread(rooms: Rooms, owner: str, thread_id: str) -> Thread:
    """The thread, made empty under the id of the owner's old row. Raises NotFound where the setting or the row is missing."""
    row = None
    if rooms.adopt_old_threads and THREAD_ID.fullmatch(thread_id):
        row = await rooms.conversations.get(owner, thread_id)
    if row is None:
        raise NotFound(f"No thread found with id '{thread_id[:100]}'.")
    seq = await rooms.store.next_seq(owner)
    thread = Thread(id=thread_id, owner=owner, seq=seq, created_at=int(time.time()), shared=row.isGroup)
    try:
        await rooms.store.add(thread)
    except AlreadyExists:  # a second message came at the same moment
        return await rooms.store.get(Thread, thread_id, scope=Scope(owner, shared=True))
    logger.info("✅ Started old thread afresh: %s", thread_id, extra={"thread_id": thread_id})
    return thread
