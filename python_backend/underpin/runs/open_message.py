"""The answer that is being written just now: it is in the store only once it has ended, and in the log from its beginning."""

from ..eventlog.base import EventLog
from ..objects.message import Message, text_content
from ..objects.run import Run
from ..store.base import Scope
from .progress import Progress, replay


async def open_message(log: EventLog, run: Run) -> Message | None:
    """The message that the run began and has not ended, with what it says so far; None when there is none. It has no place in its
    thread yet: it will be the newest. Reads what the log has now and does not wait for more."""
    progress = Progress()
    async for batch in log.follow(run.id, 0, scope=Scope(run.owner), tick_s=0.0):
        if not batch:
            break
        replay(progress, run, batch, frozenset())
    begun = progress.message
    if begun is None or begun.told:
        return None
    return Message(
        id=begun.id,
        owner=run.owner,
        created_at=begun.created_at,
        thread_id=run.thread_id,
        status="in_progress",
        role="assistant",
        content=text_content(begun.value) if begun.text else [],
        assistant_id=run.assistant_id,
        run_id=run.id,
    )
