"""A thread that is held refuses: no second run, no message, while its run has not ended."""

from collections.abc import Awaitable, Callable

from ..errors import NotFound, ThreadBusy
from ..objects.run import Run
from ..objects.thread import Thread
from ..store.base import Scope, Store

AfterEnd = Callable[[Run], Awaitable[None]]
"""What is left to do for an ended run; repeatable (`Runner.after_end`)."""


async def refuse_when_busy(store: Store, after_end: AfterEnd, thread: Thread) -> None:
    """Raises ThreadBusy while a run that has not ended holds the thread, as `thread` was read."""
    if thread.active_run is not None:
        await refuse_unless_ended(store, after_end, thread, thread.active_run)


async def refuse_unless_ended(store: Store, after_end: AfterEnd, thread: Thread, holder: str) -> None:
    """Raises ThreadBusy unless the holder has ended. Then it lets go of the thread now: whoever read that a run has ended may go
    on at once."""
    try:
        run = await store.get(Run, holder, scope=Scope(thread.owner))
    except NotFound:
        raise ThreadBusy(thread.id, holder) from None
    if not run.ended:
        raise ThreadBusy(thread.id, holder)
    await after_end(run)
