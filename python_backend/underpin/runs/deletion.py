"""Deleting a thread with all that is in it. What takes several writes may be repeated: the thread goes when it is empty."""

from ..eventlog.base import DELETED
from ..objects.journal_chunk import JournalChunk
from ..objects.message import Message
from ..objects.run import Run
from ..objects.run_step import RunStep
from ..objects.thread import Thread
from ..objects.thread_event import ThreadEvent
from ..store.base import Scope
from .runner import Runner

PAGE = 100


async def delete_thread(runner: Runner, thread: Thread) -> None:
    """Stop its runs, tell its followers, and remove its messages, runs, steps, journals and events, and the thread."""
    store, scope = runner.room.store, Scope(thread.owner)
    await runner.room.thread_log.say(thread.owner, thread.id, DELETED, {"threadId": thread.id})
    await _empty(runner, thread)
    await store.delete(Thread, thread.id, scope=scope)
    await _empty(runner, thread)  # of a message that came meanwhile; from now on nobody finds the thread


async def _empty(runner: Runner, thread: Thread) -> None:
    store, scope = runner.room.store, Scope(thread.owner)
    # Found by a condition: a run that died before its turn has no place in the thread's order.
    while runs := (await store.page(Run, None, scope=scope, where={"thread_id": thread.id}, limit=PAGE)).data:
        for run in runs:
            if not run.ended:
                await runner.stop(run)
            await store.clear(JournalChunk, run.id, scope=scope)
            await store.clear(RunStep, run.id, scope=scope)
            await store.delete(Run, run.id, scope=scope)
    for kind in (Message, ThreadEvent):
        await store.clear(kind, thread.id, scope=scope)
