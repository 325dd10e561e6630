"""Ending a run whose owner is gone: take its claim, read what it wrote, keep that, and end the run as any owner would."""

import logging
from contextlib import suppress

from ..errors import AlreadyExists, ConditionFailed, NotFound
from ..eventlog.base import MESSAGE_ADDED
from ..objects.message import Message
from ..objects.run import LastError, Run
from ..objects.run_step import RunStep
from ..objects.thread import Thread
from ..store.base import EVERYONE, Inc, Scope, Store
from .claims import Claims
from .leg import about
from .progress import Progress, progress_after, replay
from .recorder import EndStatus, Recorder
from .room import Room

logger = logging.getLogger("underpin.runs")

OWNER_DIED = "The server stopped while it was answering. What it had said is kept: send the message again to go on."
ATTEMPTS = 5


async def settle(room: Room, claims: Claims, run: Run, status: EndStatus, error: LastError | None = None) -> Run:
    """End an open run that no leg of this process works on. Returns it as it has ended, by us or by somebody faster; still open
    only where other processes take it from us again and again.

    Every step may be repeated by the next one who finds the run, should this process die too.
    """
    async with claims.turn(run.id):
        for _ in range(ATTEMPTS):
            run = await room.store.get(Run, run.id, scope=EVERYONE)
            if run.ended:
                break
            try:
                return await _end_taken(room, await claims.take_run(run), status, error)
            except ConditionFailed as lost:
                logger.debug("Run %s was taken by somebody else: %s", run.id, lost.field, extra=about(run))
    return run


async def _end_taken(room: Room, run: Run, status: EndStatus, error: LastError | None) -> Run:
    await ensure_messages(room, run)
    progress = await progress_of(room, run)
    # A flush may still refuse us: then a third owner ends the run, and what we began does not count.
    writer = room.log.open(run, lambda: None)
    recorder = Recorder(run, writer, room.store, room.thread_log, progress=progress, server_tools=room.server_tools(run))
    try:
        begun = run.status in ("in_progress", "cancelling")
        if begun and progress.message is None and progress.tools is None and not progress.answered:
            recorder.begin_message()  # a client may have seen the begin of an answer that was not kept: it ends as empty
        fresh = progress.message is None or progress.message.told
        return await recorder.end(status, error=error, announce_cancelling=fresh)
    finally:
        await writer.close()


async def progress_of(room: Room, run: Run) -> Progress:
    """Where a run stands by its journal, and by its steps where it goes on after tool outputs."""
    scope = Scope(run.owner)
    progress = Progress()
    async for events in room.log.kept(run):
        replay(progress, run, events, room.server_tools(run))
    steps = await room.store.page(RunStep, run.id, scope=scope, limit=1000, order="asc")
    stored = progress_after(run, steps.data, room.server_tools(run))
    progress.prompt_tokens, progress.completion_tokens = stored.prompt_tokens, stored.completion_tokens
    if progress.tools is not None and stored.tools is not None:
        progress.tools = stored.tools
    return progress


async def ensure_messages(room: Room, run: Run) -> None:
    """The messages that came with the run stand in the thread, now at the latest; nowhere when there is no thread any more."""
    for message in input_messages(run, 0):
        placed = await _placed(room.store, message)
        if placed is None:
            return
        # Also where it stood there: who put it there may not have come to this. Under its own number it is told once.
        await room.thread_log.append(run.owner, run.thread_id, placed.seq, MESSAGE_ADDED, {"message": placed.wire()})


async def _placed(store: Store, message: Message) -> Message | None:
    """The message as it stands in its thread; None when there is no thread any more."""
    scope = Scope(message.owner)
    with suppress(NotFound):
        return await store.get(Message, message.id, scope=scope)
    try:
        thread = await store.update(Thread, message.thread_id, {"last_seq": Inc()}, scope=scope)
    except NotFound:
        return None
    placed = message.model_copy(update={"seq": thread.last_seq})
    try:
        await store.add(placed)
    except AlreadyExists:
        return await store.get(Message, message.id, scope=scope)
    return placed


def input_messages(run: Run, first_seq: int) -> list[Message]:
    """The messages that came with a run, numbered from `first_seq` on."""
    return [
        Message(
            id=one.message_id,
            owner=run.owner,
            seq=first_seq + at,
            created_at=run.created_at,
            thread_id=run.thread_id,
            role=one.role,
            content=one.content,
            attachments=one.attachments,
            metadata=one.metadata,
        )
        for at, one in enumerate(run.inputs)
    ]
