"""The list of chats: the guide's `conversations`, listed, named, deleted. The same routes under both prefixes."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..errors import BadInput, NotFound, UnderpinError
from ..eventlog.base import RENAMED
from ..objects.thread import Thread
from ..runs.deletion import delete_thread
from ..store.base import Scope
from .answers import Added, Conversations, Done, answers
from .auth import owner_of
from .body import REQUIRED, Body, read_body
from .chat import find_thread
from .conversations import log_new_conversation, new_conversation
from .described import body_doc
from .errors import error_response
from .rooms import Rooms, rooms_of

MOST_NAME_CHARACTERS = 256
NEXT = "/api/assistants/threads"


class AddBody(Body):
    threadId: str  # noqa: N815 (the front ends' names)
    name: str | None = None
    isGroup: bool | None = None  # noqa: N815


class ChangeBody(Body):
    threadId: str  # noqa: N815
    newName: str | None = None  # noqa: N815
    isGroup: bool | None = None  # noqa: N815


class DeleteBody(Body):
    threadId: str  # noqa: N815
    isGroup: bool | None = None  # noqa: N815


async def list_conversations(request: Request) -> Response:
    """The owner's conversations, newest `createdAt` first; an error carries an empty list, which the front ends expect."""
    try:
        rows = await rooms_of(request).conversations.page(owner_of(request))
    except UnderpinError as error:
        return error_response(error, extra={"threads": []})
    return JSONResponse({"threads": [row.wire() for row in rows]})


async def add_conversation(request: Request) -> Response:
    """Put a thread on the list. A group thread that another owner made is joined this way."""
    body = await read_body(request, AddBody)
    _check(body.threadId, name=body.name)
    rooms, owner = rooms_of(request), owner_of(request)
    thread = await find_thread(request, body.threadId)
    is_group = thread.shared if body.isGroup is None else body.isGroup
    row = new_conversation(owner, thread.id, name=body.name, is_group=is_group)
    added = await rooms.conversations.add(row)
    await _share(rooms, thread, body.isGroup)
    if not added:
        return JSONResponse({"success": True, "message": "Thread already exists"})
    log_new_conversation(rooms, thread.id)
    return JSONResponse({"success": True})


async def change_conversation(request: Request) -> Response:
    """Rename a conversation, or make it a group (or no group any more)."""
    body = await read_body(request, ChangeBody)
    _check(body.threadId, newName=body.newName)
    rooms, owner = rooms_of(request), owner_of(request)
    if not await rooms.conversations.rename(owner, body.threadId, name=body.newName, is_group=body.isGroup):
        raise NotFound("Thread not found")
    try:
        thread = await find_thread(request, body.threadId)
    except NotFound:
        return JSONResponse({"success": True})  # a row whose thread lived elsewhere can still be named
    await _share(rooms, thread, body.isGroup)
    if body.newName is not None:
        await rooms.thread_log.say(thread.owner, thread.id, RENAMED, {"threadId": thread.id, "name": body.newName})
    return JSONResponse({"success": True})


async def delete_conversation(request: Request) -> Response:
    """Take a conversation off the list; its thread goes too unless it is a group. Twice is the same as once."""
    body = await read_body(request, DeleteBody)
    _check(body.threadId)
    rooms, owner = rooms_of(request), owner_of(request)
    row = await rooms.conversations.get(owner, body.threadId)
    try:
        thread: Thread | None = await find_thread(request, body.threadId)
    except NotFound:
        thread = None
    is_group = bool(body.isGroup) or (row is not None and row.isGroup) or (thread is not None and thread.shared)
    if thread is not None and not is_group and thread.owner == owner:
        await delete_thread(rooms.runner, thread)
    await rooms.conversations.delete(owner, body.threadId)
    return JSONResponse({"success": True})


def _check(thread_id: str, **names: str | None) -> None:
    if not thread_id.strip():
        raise BadInput(REQUIRED["threadId"], param="threadId")
    for field, name in names.items():
        if name is not None and not 0 < len(name.strip()) <= MOST_NAME_CHARACTERS:
            raise BadInput(f"{field} must have 1 to {MOST_NAME_CHARACTERS} characters.", param=field)


async def _share(rooms: Rooms, thread: Thread, is_group: bool | None) -> None:
    if is_group is not None and is_group != thread.shared:
        await rooms.store.update(Thread, thread.id, {"shared": is_group}, scope=Scope(thread.owner))


def history_routes() -> APIRouter:
    """The four routes under both of their paths."""
    router = APIRouter(tags=["conversations"])
    for path in ("/threads/history", NEXT + "/history"):
        router.add_api_route(path, list_conversations, methods=["GET"], responses=answers(Conversations))
        for method, change, body, answer in (
            ("POST", add_conversation, AddBody, Added),
            ("PUT", change_conversation, ChangeBody, Done),
            ("DELETE", delete_conversation, DeleteBody, Done),
        ):
            router.add_api_route(path, change, methods=[method], openapi_extra=body_doc(body), responses=answers(answer))
    return router
