"""The line in front of a group thread: messages that wait for their turn, in their order, and no more of them than may."""

from ..errors import TooManyWaiting
from ..eventlog.base import RUN_QUEUED
from ..objects.run import Run
from ..objects.thread import Thread
from ..store.base import EVERYONE, Inc, Scope, Store
from .busy import queue_length
from .claims import Claims
from .room import Room
from .settle import input_messages


async def waiting_runs(store: Store, thread: Thread, most: int) -> list[Run]:
    """The first `most` that wait, in the order in which they will have their turn."""
    page = await store.page(Run, thread.id, scope=Scope(thread.owner), where={"waiting": True}, limit=most, order="asc")
    return page.data


async def first_waiting(store: Store, thread_id: str) -> Run | None:
    """Whose turn is next; None when nobody waits."""
    page = await store.page(Run, thread_id, scope=EVERYONE, where={"waiting": True}, limit=1, order="asc")
    return page.data[0] if page.data else None


def waiting_text(run: Run) -> str:
    """What the message of a waiting run says; it is not in the thread yet."""
    return "\n".join(message.text() for message in input_messages(run, 0)[-1:])


async def stand_in_line(room: Room, claims: Claims, run: Run, thread: Thread, most: int) -> Run:
    """Let a run wait behind those that wait already. Raises TooManyWaiting when its place is beyond `most`: the caller takes the
    run away again."""
    store, scope = room.store, Scope(run.owner)
    async with claims.turn(run.thread_id):  # one at a time, so that messages that come at once are counted
        await queue_length(store, thread, most)
        numbered = await store.update(Thread, run.thread_id, {"last_seq": Inc()}, scope=scope)
        changes: dict[str, object] = {"waiting": True, "seq": numbered.last_seq}
        waiting = await store.update(Run, run.id, changes, scope=scope, only_if={"claim": run.claim})
        line = await waiting_runs(store, thread, most)
        if len(line) == most and all(one.id != run.id for one in line):  # others came in by another process
            raise TooManyWaiting(f"{most} messages wait in thread {thread.id} already. Try again in a moment.", retry_after_s=5)
    return waiting


async def tell_that_it_waits(room: Room, run: Run) -> None:
    """Show the waiting message to the thread's followers: it comes into the thread only with its turn."""
    messages = input_messages(run, run.seq)[-1:]
    told = {"message": messages[0].wire()} if messages else {}
    await room.thread_log.append(run.owner, run.thread_id, run.seq, RUN_QUEUED, {"runId": run.id, **told})
