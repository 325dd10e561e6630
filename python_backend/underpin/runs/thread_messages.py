"""Messages that are put into a thread, or taken out of it, apart from a run."""

import time
from collections.abc import Sequence

from ..errors import ConditionFailed, NotFound, ThreadBusy
from ..eventlog.base import MESSAGE_ADDED, MESSAGE_DELETED, ThreadLog
from ..ids import derived_id
from ..objects.message import Message
from ..objects.run import RunInput
from ..objects.thread import Thread
from ..store.base import Inc, Scope, Store
from .busy import refuse_unless_ended
from .runner import Runner

ATTEMPTS = 5
"""How many runs may end and begin under a message before it says that the thread is busy."""


def placed(thread: Thread, given: RunInput, seq: int, created_at: int) -> Message:
    """What was given, as a message of the thread."""
    return Message(
        id=given.message_id,
        owner=thread.owner,
        seq=seq,
        created_at=created_at,
        thread_id=thread.id,
        role=given.role,
        content=given.content,
        attachments=given.attachments,
        metadata=given.metadata,
    )


async def add_message(runner: Runner, thread: Thread, message: Message) -> Message:
    """Put a message behind the last one. Raises ThreadBusy while a run is active, NotFound when the thread is gone."""
    store, scope = runner.room.store, Scope(thread.owner)
    for _ in range(ATTEMPTS):
        try:
            numbered = await store.update(Thread, thread.id, {"last_seq": Inc()}, scope=scope, only_if={"active_run": None})
        except ConditionFailed as error:
            held = error.current if isinstance(error.current, Thread) else thread
            if held.active_run is not None:
                await refuse_unless_ended(store, runner.after_end, held, held.active_run)
        else:
            added = message.model_copy(update={"seq": numbered.last_seq})
            await store.add(added)
            told = {"message": added.wire()}
            await runner.room.thread_log.append(thread.owner, thread.id, added.seq, MESSAGE_ADDED, told)
            return added
    raise ThreadBusy(thread.id, thread.active_run or "")


async def first_messages(store: Store, thread_log: ThreadLog, thread: Thread, given: Sequence[RunInput]) -> None:
    """The messages with which a new thread begins, under the numbers that it was made with."""
    now = int(time.time())
    for seq, one in enumerate(given, start=1):
        named = one.model_copy(update={"message_id": derived_id("msg_", thread.id, "first", seq)})
        message = placed(thread, named, seq, now)
        await store.add(message)
        await thread_log.append(thread.owner, thread.id, seq, MESSAGE_ADDED, {"message": message.wire()})


async def delete_message(store: Store, thread_log: ThreadLog, message: Message) -> None:
    """Take a message out, and tell the thread's followers."""
    if not await store.delete(Message, message.id, scope=Scope(message.owner)):
        return
    try:
        await thread_log.say(message.owner, message.thread_id, MESSAGE_DELETED, {"messageId": message.id})
    except NotFound:
        return  # the thread went meanwhile, and its followers know
