"""/v1/threads/{id}/messages: added while no run is active, listed, changed, deleted."""

import time

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ...errors import NotFound, ThreadBusy, WrongState
from ...ids import new_id
from ...objects.message import Message
from ...objects.run import Run
from ...objects.thread import Thread
from ...runs.open_message import open_message
from ...runs.thread_messages import add_message, delete_message, placed
from ...store.base import Scope
from ..described import query
from ..rooms import rooms_of
from .answers import Deleted, Listed, answers
from .body import Fields, read, v1_doc
from .content import NewMessage
from .inputs import input_of, searched_files
from .lookup import find_message, find_thread, missing
from .paging import BEFORE, list_answer, list_doc
from .shapes import Metadata

router = APIRouter(prefix="/threads/{thread_id}/messages", tags=["v1 messages"])


class ChangedMessage(Fields):
    metadata: Metadata = {}


@router.post("", openapi_extra=v1_doc(NewMessage), responses=answers(Message))
async def create_message(request: Request, thread_id: str) -> Response:
    """Add a message to a thread on which no run is active."""
    body = await read(request, NewMessage)
    thread = await find_thread(request, thread_id)
    given = (await input_of(request, body)).model_copy(update={"message_id": new_id("msg_")})
    message = placed(thread, given, 0, int(time.time()))
    rooms, files = rooms_of(request), searched_files([given])
    try:
        if thread.active_run is None:  # else it is most likely refused, and nothing is to stay behind
            thread, files = await rooms.attachments.attach(thread, files), []
        message = await add_message(rooms.runner, thread, message)
        await rooms.attachments.attach(thread, files)
    except ThreadBusy as busy:
        raise WrongState(f"Can't add messages to {thread.id} while a run {busy.run_id} is active.") from None
    except NotFound:
        raise missing(Thread, thread_id) from None
    return JSONResponse(message.wire())


@router.get("", openapi_extra=list_doc(BEFORE, query("run_id")), responses=answers(Listed[Message]))
async def list_messages(request: Request, thread_id: str) -> Response:
    """The thread's messages, the one that is being written included; with `run_id` those that the run made."""
    thread = await find_thread(request, thread_id)
    run_id = request.query_params.get("run_id")
    if run_id is not None and (not run_id.startswith("run") or "\0" in run_id):
        raise missing(Run, "\ufffd".join(run_id.split("\0")))
    where = {"run_id": run_id} if run_id else None
    written = await _being_written(request, thread)
    newest = written if written is not None and run_id in (None, written.run_id) else None
    return await list_answer(request, Message, thread.id, scope=Scope(thread.owner), where=where, newest=newest)


@router.get("/{message_id}", responses=answers(Message))
async def retrieve_message(request: Request, thread_id: str, message_id: str) -> Response:
    """One message; of one that is being written what it says so far."""
    try:
        message = await find_message(request, thread_id, message_id)
    except NotFound:
        written = await _being_written(request, await find_thread(request, thread_id))
        if written is not None and written.id == message_id:
            return JSONResponse(written.wire())
        message = await find_message(request, thread_id, message_id)  # it may have ended between the two looks
    return JSONResponse(message.wire())


@router.post("/{message_id}", openapi_extra=v1_doc(ChangedMessage), responses=answers(Message))
async def modify_message(request: Request, thread_id: str, message_id: str) -> Response:
    """Replace a message's metadata."""
    body = await read(request, ChangedMessage)
    message = await _find_ended(request, thread_id, message_id)
    if "metadata" in body.model_fields_set:
        changes = {"metadata": body.metadata}
        try:
            message = await rooms_of(request).store.update(Message, message.id, changes, scope=Scope(message.owner))
        except NotFound:
            raise missing(Message, message_id) from None
    return JSONResponse(message.wire())


@router.delete("/{message_id}", responses=answers(Deleted))
async def remove_message(request: Request, thread_id: str, message_id: str) -> Response:
    """Take a message out of its thread."""
    message = await _find_ended(request, thread_id, message_id)
    rooms = rooms_of(request)
    await delete_message(rooms.store, rooms.thread_log, message)
    return JSONResponse({"id": message.id, "object": "thread.message.deleted", "deleted": True})


async def _being_written(request: Request, thread: Thread) -> Message | None:
    """What the thread's active run is writing."""
    if thread.active_run is None:
        return None
    rooms = rooms_of(request)
    try:
        run = await rooms.store.get(Run, thread.active_run, scope=Scope(thread.owner))
        return None if run.ended else await open_message(rooms.log, run)
    except NotFound:
        return None  # deleted meanwhile


async def _find_ended(request: Request, thread_id: str, message_id: str) -> Message:
    """A message that can be changed. Raises WrongState for one that is being written."""
    try:
        return await find_message(request, thread_id, message_id)
    except NotFound:
        written = await _being_written(request, await find_thread(request, thread_id))
        if written is not None and written.id == message_id:
            text = f"Message {message_id} is still being written by run {written.run_id}: wait until it has ended."
            raise WrongState(text) from None
        return await find_message(request, thread_id, message_id)
