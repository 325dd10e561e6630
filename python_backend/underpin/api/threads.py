"""Threads: made, read, followed, stopped. The same routes under the guide's paths and under the Next.js ones."""

import time
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..errors import BadInput, NotFound
from ..ids import new_id
from ..objects.message import Message
from ..objects.run import Run
from ..objects.thread import Thread
from ..runs.title import title_for
from ..runs.waiting import waiting_runs, waiting_text
from ..store.base import Scope
from .answers import History, NewThread, PlainHistory, Stopped, Title, answers
from .auth import owner_of
from .body import Body, read_body
from .chat import RESUME_DOC, cursor_of, find_run, find_thread, first_answer
from .described import body_doc, sends_stream
from .errors import error_response
from .framing import LINES, NDJSON, SSE, Framing, choose_framing
from .rooms import Rooms, rooms_of
from .stream import EventStream

MOST_LISTED = 1000
MOST_OF_HISTORY = 50
"""The original's `messages-history` gave the last fifty."""

NEXT = "/api/assistants/threads"

Act = Callable[[Request, str], Awaitable[Response]]


class TitleBody(Body):
    message: str


class ToolOutput(Body):
    output: str | None = None
    """Left out by a front end whose function returned nothing."""
    tool_call_id: str


class ActionsBody(Body):
    runId: str  # noqa: N815 (the front ends' names)
    toolCallOutputs: list[ToolOutput]  # noqa: N815


async def create_thread(request: Request) -> Response:
    """Make an empty thread; the body, if there is one, is not read."""
    rooms, owner = rooms_of(request), owner_of(request)
    thread = Thread(id=new_id("thread_"), owner=owner, seq=await rooms.store.next_seq(owner), created_at=int(time.time()))
    await rooms.store.add(thread)
    return JSONResponse({"threadId": thread.id})


async def history(request: Request, thread_id: str) -> Response:
    """The thread's messages, newest first, and what is going on in it: `activeRun` with the cursor from which to follow it, and
    `threadCursor`, from which to follow the thread's own events."""
    try:
        thread = await find_thread(request, thread_id)
    except NotFound as error:
        return error_response(error, extra={"notFound": True})
    messages = await _last_messages(rooms_of(request), thread, MOST_LISTED)
    listed = [message.wire() for message in messages]
    return JSONResponse({"threadId": thread.id, "messages": listed, **await _going_on(request, thread)})


async def messages_history(request: Request, thread_id: str) -> Response:
    """The last fifty messages as plain text, oldest first; what is going on as in `history`."""
    thread = await find_thread(request, thread_id)
    messages = await _last_messages(rooms_of(request), thread, MOST_OF_HISTORY)
    listed = [{"role": message.role, "text": message.text()} for message in reversed(messages)]
    return JSONResponse({"messages": listed, **await _going_on(request, thread)})


async def thread_events(request: Request, thread_id: str) -> Response:
    """The thread's own stream: message added, run queued, started, ended, renamed, deleted. Resumable by `Last-Event-ID` or
    `?after=N`; without either it begins with what happens next."""
    after = cursor_of(request)
    thread = await find_thread(request, thread_id)
    if after is None:
        after = thread.last_seq
    rooms = rooms_of(request)
    events = rooms.thread_log.follow(thread, after, tick_s=rooms.keep_alive_s)
    return EventStream(events, choose_framing(request.headers), {"X-Thread-Id": thread.id})


async def stop(request: Request, thread_id: str) -> Response:
    """End the active run and keep what it said as an `incomplete` message. Twice, or after the end, is the same as once: the
    answer names the thread's last run, and how it ended."""
    rooms = rooms_of(request)
    thread = await find_thread(request, thread_id)
    if thread.active_run is not None:
        last: Run | None = await rooms.runner.stop(await find_run(request, thread.active_run))
    else:
        page = await rooms.store.page(Run, thread.id, scope=Scope(thread.owner), limit=1)
        last = page.data[0] if page.data else None
    ended = {"runId": last.id, "status": last.status} if last else {"runId": None, "status": None}
    return JSONResponse({"success": True, "threadId": thread.id, **ended})


async def title(request: Request, thread_id: str) -> Response:
    """A title of at most 60 characters for a chat that begins with `message`; it is not saved by this call."""
    body = await read_body(request, TitleBody)
    if not body.message.strip():
        raise BadInput("message is required", param="message")
    await find_thread(request, thread_id)
    rooms = rooms_of(request)
    return JSONResponse({"title": await title_for(rooms.models, body.message, rooms.title_model)})


async def actions(request: Request, thread_id: str) -> Response:
    """Tool outputs for a run that waits for them; answers with the stream of what follows."""
    return await submit_outputs(request, thread_id, choose_framing(request.headers))


async def next_actions(request: Request, thread_id: str) -> Response:
    """`actions` as lines of JSON."""
    return await submit_outputs(request, thread_id, LINES)


async def submit_outputs(request: Request, thread_id: str, framing: Framing) -> Response:
    """Hand the outputs to the run and follow what it does with them."""
    body = await read_body(request, ActionsBody)
    outputs = {output.tool_call_id: output.output or "" for output in body.toolCallOutputs}
    if not body.runId.strip():
        raise BadInput("runId is required", param="runId")
    if not outputs or len(outputs) < len(body.toolCallOutputs):
        raise BadInput("toolCallOutputs must hold one output for each tool_call_id.", param="toolCallOutputs")
    thread = await find_thread(request, thread_id)
    run = await find_run(request, body.runId)
    if run.thread_id != thread.id:
        raise NotFound(f"No run found with id '{run.id}' in thread '{thread.id}'.")
    run, after = await rooms_of(request).runner.submit(run, outputs)
    return await first_answer(request, run, after, framing)


async def _last_messages(rooms: Rooms, thread: Thread, most: int) -> list[Message]:
    page = await rooms.store.page(Message, thread.id, scope=Scope(thread.owner), limit=most, order="desc")
    return page.data


async def _going_on(request: Request, thread: Thread) -> dict[str, object]:
    """`thread` was read before the messages were, so nothing falls between them and the cursors: it may only be told twice."""
    active: dict[str, object] | None = None
    if thread.active_run is not None:
        try:
            run = await find_run(request, thread.active_run)
        except NotFound:
            run = None
        if run is not None and not run.ended:
            active = {"id": run.id, "status": run.status, "cursor": 0}
    rooms = rooms_of(request)
    waiting = [{"id": run.id, "text": waiting_text(run)} for run in await waiting_runs(rooms.store, thread, MOST_LISTED)]
    return {"activeRun": active, "waiting": waiting, "threadCursor": thread.last_seq}


def thread_routes() -> APIRouter:
    """Each route under both of its paths."""
    router = APIRouter(tags=["threads"])
    router.add_api_route("/threads/create", create_thread, methods=["POST"], responses=answers(NewThread))
    router.add_api_route(NEXT, create_thread, methods=["POST"], tags=["next"], responses=answers(NewThread))
    for prefix, named, act, forms in (("/threads", [], actions, (SSE, NDJSON)), (NEXT, ["next"], next_actions, (NDJSON,))):
        tags: list[str | Enum] = [*named]
        for name, read, answer in (("history", history, History), ("messages-history", messages_history, PlainHistory)):
            path = f"{prefix}/{{thread_id}}/{name}"
            router.add_api_route(path, read, methods=["GET"], tags=tags, responses=answers(answer))
        path = prefix + "/{thread_id}/stop"
        router.add_api_route(path, stop, methods=["POST"], tags=tags, responses=answers(Stopped))
        path, body = prefix + "/{thread_id}/title", body_doc(TitleBody)
        router.add_api_route(path, title, methods=["POST"], tags=tags, openapi_extra=body, responses=answers(Title))
        _add_streams(router, prefix + "/{thread_id}", tags, act, forms)
    return router


def _add_streams(router: APIRouter, thread: str, tags: list[str | Enum], act: Act, forms: Sequence[str]) -> None:
    router.add_api_route(
        thread + "/events",
        thread_events,
        methods=["GET"],
        tags=tags,
        openapi_extra=RESUME_DOC,
        response_class=Response,
        responses=sends_stream(SSE, NDJSON),
    )
    router.add_api_route(
        thread + "/actions",
        act,
        methods=["POST"],
        tags=tags,
        openapi_extra=body_doc(ActionsBody),
        response_class=Response,
        responses=sends_stream(*forms),
    )
