"""/v1/threads: made with or without messages, listed, changed, deleted."""

import time
from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ...errors import NotFound
from ...ids import new_id
from ...knowledge.attachments import changed_resources
from ...objects.thread import Thread
from ...runs.deletion import delete_thread
from ...runs.thread_messages import first_messages
from ...store.base import Scope
from ..auth import owner_of
from ..rooms import rooms_of
from .answers import Deleted, Listed, answers
from .body import Fields, null_as, read, v1_doc
from .content import NewMessage
from .inputs import inputs_of, searched_files, within
from .lookup import find_thread, missing
from .paging import LIST_DOC, list_answer
from .resources import kept_resources
from .shapes import Metadata, ToolResources

router = APIRouter(prefix="/threads", tags=["v1 threads"])


class NewThread(Fields):
    messages: Annotated[list[NewMessage], null_as([])] = []
    tool_resources: ToolResources | None = None
    metadata: Metadata = {}


class ChangedThread(Fields):
    tool_resources: ToolResources | None = None
    metadata: Metadata = {}


async def make_thread(request: Request, body: NewThread, place: str = "messages") -> Thread:
    """A new thread with its messages. `place` names them in an error. Raises InvalidRequest before anything is stored."""
    rooms, owner = rooms_of(request), owner_of(request)
    inputs = await inputs_of(request, body.messages, place)
    resources = await kept_resources(request, body.tool_resources, within(place, "tool_resources"))
    thread = Thread(
        id=new_id("thread_"),
        owner=owner,
        seq=await rooms.store.next_seq(owner),
        created_at=int(time.time()),
        tool_resources=resources,
        metadata=body.metadata,
        last_seq=len(inputs),
    )
    await rooms.store.add(thread)
    await first_messages(rooms.store, rooms.thread_log, thread, inputs)
    return await rooms.attachments.attach(thread, searched_files(inputs))


@router.post("", openapi_extra=v1_doc(NewThread), responses=answers(Thread))
async def create_thread(request: Request) -> Response:
    """Make a thread, with messages if some are given."""
    body = await read(request, NewThread)
    return JSONResponse((await make_thread(request, body)).wire())


@router.get("", openapi_extra=LIST_DOC, responses=answers(Listed[Thread]))
async def list_threads(request: Request) -> Response:
    """The owner's threads, whichever way they were made. OpenAI never had this list; users asked for it for years."""
    owner = owner_of(request)
    return await list_answer(request, Thread, owner, scope=Scope(owner))


@router.get("/{thread_id}", responses=answers(Thread))
async def retrieve_thread(request: Request, thread_id: str) -> Response:
    """One thread."""
    return JSONResponse((await find_thread(request, thread_id)).wire())


@router.post("/{thread_id}", openapi_extra=v1_doc(ChangedThread), responses=answers(Thread))
async def modify_thread(request: Request, thread_id: str) -> Response:
    """Change `metadata` and `tool_resources`, whichever is given."""
    body = await read(request, ChangedThread)
    thread = await find_thread(request, thread_id)
    changes: dict[str, object] = {}
    if "metadata" in body.model_fields_set:
        changes["metadata"] = body.metadata
    if "tool_resources" in body.model_fields_set:
        changes |= changed_resources(await kept_resources(request, body.tool_resources))
    try:
        changed = await rooms_of(request).store.update(Thread, thread.id, changes, scope=Scope(thread.owner))
    except NotFound:
        raise missing(Thread, thread_id) from None
    return JSONResponse(changed.wire())


@router.delete("/{thread_id}", responses=answers(Deleted))
async def remove_thread(request: Request, thread_id: str) -> Response:
    """Delete a thread with all that is in it; its run, if one is at work, ends. It leaves the list of chats too."""
    rooms, owner = rooms_of(request), owner_of(request)
    thread = await find_thread(request, thread_id)
    if thread.owner != owner:
        raise missing(Thread, thread_id)
    await delete_thread(rooms.runner, thread)
    await rooms.conversations.delete(owner, thread.id)
    return JSONResponse({"id": thread.id, "object": "thread.deleted", "deleted": True})
