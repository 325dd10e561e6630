"""A thread that is held refuses: no second run, no message, while its run has not ended; and no more wait than may."""

from collections.abc import Awaitable, Callable

from ..errors import NotFound, ThreadBusy, TooManyWaiting
from ..objects.run import Run
from ..objects.thread import Thread
from ..store.base import EVERYONE, Scope, Store

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


async def queue_length(store: Store, thread: Thread, most: int) -> int:
    """How many messages wait in the thread. Raises TooManyWaiting when that is `most`."""
    page = await store.page(Run, thread.id, scope=Scope(thread.owner), where={"waiting": True}, limit=most, order="asc")
    if len(page.data) >= most:
        raise TooManyWaiting(
            f"{len(page.data)} messages wait in thread {thread.id} already. Try again when one was answered.", retry_after_s=5
        )
    return len(page.data)


async def let_go(store: Store, thread: Thread, holder: str) -> None:
    """Free a thread whose holder is not there any more. Raises ConditionFailed when another run holds it by now."""
    nobody: dict[str, object] = {"active_run": None, "active_until": None}
    await store.update(Thread, thread.id, nobody, scope=EVERYONE, only_if={"active_run": holder})
