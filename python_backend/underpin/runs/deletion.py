"""Deleting a thread with all that is in it. What takes several writes may be repeated; the thread itself goes last."""

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
    """Stop its run, tell its followers, and remove its messages, runs, steps, journals and events, then the thread."""
    store, scope = runner.room.store, Scope(thread.owner)
    await runner.room.thread_log.say(thread.owner, thread.id, DELETED, {"threadId": thread.id})
    after: int | None = None
    while True:
        page = await store.page(Run, thread.id, scope=scope, after=after, limit=PAGE)
        for run in page.data:
            after = run.seq
            if not run.ended:
                await runner.stop(run)
            await store.clear(JournalChunk, run.id, scope=scope)
            await store.clear(RunStep, run.id, scope=scope)
        if not page.has_more:
            break
    for kind in (Run, Message, ThreadEvent):
        await store.clear(kind, thread.id, scope=scope)
    await store.delete(Thread, thread.id, scope=scope)
