"""The chat: a message becomes a run, and the answer is the run's log being followed."""

import hashlib
import json
import logging
from collections.abc import AsyncGenerator, Sequence

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..errors import BadInput, NotFound
from ..eventlog.base import Event
from ..objects.assistant import Assistant
from ..objects.message import text_content
from ..objects.run import Run
from ..objects.thread import Thread
from ..runs.order import RunOrder, Takeover
from ..runs.replay import whole_log
from ..store.base import Scope
from .answers import Started, answers
from .auth import owner_of, scope_of
from .body import REQUIRED, Body, read_body
from .conversations import remember_chat
from .described import body_doc, header, query, sends_stream
from .errors import THREAD_NOT_FOUND, error_response
from .framing import NDJSON, SSE, Framing, choose_framing
from .old_threads import adopt_old_thread
from .rooms import Rooms, rooms_of
from .stream import EventStream

logger = logging.getLogger("underpin.api")
router = APIRouter(tags=["chat"])

MOST_CHARACTERS = 256_000
"""OpenAI's limit of a message."""
MOST_KEY_CHARACTERS = 255


class ChatBody(Body):
    content: str
    threadId: str  # noqa: N815 (the guide's names)
    assistantId: str | None = None  # noqa: N815


KEY = header("Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": MOST_KEY_CHARACTERS})
CHAT_DOC = {**body_doc(ChatBody), "parameters": [KEY]}
EVENT_NUMBER = {"type": "integer", "minimum": 0}
RESUME_DOC = {"parameters": [query("after", EVENT_NUMBER), header("Last-Event-ID", EVENT_NUMBER)]}
"""Of a stream that can be resumed."""


@router.post("/chat", openapi_extra=CHAT_DOC, responses=answers(Started))
async def chat(request: Request) -> Response:
    """Add a message and start its run; answers at once, the run goes on by itself."""
    body = await read_body(request, ChatBody)
    run = await start_run(request, body)
    answer = {"success": True, "run_id": run.id, "thread_id": run.thread_id, "message": "Message sent successfully"}
    return JSONResponse(answer, headers=run_headers(run))


@router.post("/chat/stream", openapi_extra=CHAT_DOC, response_class=Response, responses=sends_stream(SSE, NDJSON))
async def chat_stream(request: Request) -> Response:
    """Add a message and stream its answer: SSE or lines of JSON, by `Accept` or by who asks. Closing the connection does not end
    the run: `GET /chat/stream/{runId}` goes on with it."""
    body = await read_body(request, ChatBody)
    return await answer_stream(request, body, choose_framing(request.headers))


@router.get("/chat/stream/{run_id}", openapi_extra=RESUME_DOC, response_class=Response, responses=sends_stream(SSE, NDJSON))
async def resume_stream(request: Request, run_id: str) -> Response:
    """The rest of a run's events, replayed and then live: those after `Last-Event-ID` or `?after=N`, or all."""
    after = cursor_of(request)
    run = await find_run(request, run_id)
    return follow_run(request, run, after or 0, choose_framing(request.headers))


async def answer_stream(request: Request, body: ChatBody, framing: Framing) -> Response:
    """Start a run and follow it. A refusal of the model that comes at once is an HTTP status instead."""
    run = await start_run(request, body)
    return await first_answer(request, run, 0, framing)


async def first_answer(request: Request, run: Run, after: int, framing: Framing) -> Response:
    """The stream, from the model's first sign of life or after the wait; or the refusal as HTTP."""
    rooms = rooms_of(request)
    refusal = await rooms.runner.refusal(run, rooms.refusal_wait_s)
    if refusal is not None:
        return error_response(refusal, headers=run_headers(run))
    return follow_run(request, run, after, framing)


def follow_run(request: Request, run: Run, after: int, framing: Framing) -> EventStream:
    """The run's log from a number on."""
    rooms = rooms_of(request)
    scope = Scope(run.owner)
    events: AsyncGenerator[Sequence[Event], None] = whole_log(
        rooms.store, rooms.log, run, after, scope=scope, tick_s=rooms.keep_alive_s
    )
    return EventStream(events, framing, run_headers(run))


def run_headers(run: Run) -> dict[str, str]:
    """What every answer about a run carries."""
    return {"X-Run-Id": run.id, "X-Thread-Id": run.thread_id}


def cursor_of(request: Request, query: str = "after") -> int | None:
    """The number after which a client wants events, None where it does not say; what EventSource sends by itself wins over the
    address that it began with."""
    said = (("Last-Event-ID", request.headers.get("last-event-id")), (query, request.query_params.get(query)))
    name, text = next(((name, text) for name, text in said if text), ("", None))
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise BadInput(f"{name}: '{text[:40]}' is not an event's number.", param=name)
    return int(text)


async def find_run(request: Request, run_id: str) -> Run:
    """The run, in the request's scope."""
    try:
        return await rooms_of(request).store.get(Run, run_id, scope=Scope(owner_of(request)))
    except NotFound:
        raise NotFound(f"No run found with id '{run_id[:100]}'.") from None


async def find_thread(request: Request, thread_id: str) -> Thread:
    """The thread, in the request's scope."""
    try:
        return await rooms_of(request).store.get(Thread, thread_id, scope=scope_of(request))
    except NotFound:
        raise NotFound(THREAD_NOT_FOUND) from None


async def start_run(request: Request, body: ChatBody) -> Run:
    """Check what came, find thread and assistant, and ask the runner for a run. Nothing is stored when a check fails."""
    _check(body)
    rooms, owner = rooms_of(request), owner_of(request)
    key = _idempotency_key(request)
    thread = await _find_or_adopt(request, body.threadId)
    assistant = await _find_assistant(rooms, owner, body.assistantId)
    logger.info("📨 Received message for thread: %s", thread.id, extra={"thread_id": thread.id})
    logger.info("Checking for active runs on thread: %s", thread.id, extra={"thread_id": thread.id})
    order = RunOrder(thread, assistant, text_content(body.content), _takeover(rooms, thread), key, _hash(body))
    run = await rooms.runner.start(order)
    happened, then = _told(order, run)
    context = {"thread_id": thread.id, "run_id": run.id}
    logger.info(happened, extra=context)
    await remember_chat(rooms, owner, thread.id)
    logger.info(then, thread.id, extra=context)
    return run


async def _find_or_adopt(request: Request, thread_id: str) -> Thread:
    try:
        return await find_thread(request, thread_id)
    except NotFound as missing:
        try:
            return await adopt_old_thread(rooms_of(request), owner_of(request), thread_id)
        except NotFound:
            raise missing from None


def _told(order: RunOrder, run: Run) -> tuple[str, str]:
    """What the log says of the message, and of its run in which thread."""
    if run.id != order.run_id:
        return (
            f"This message came before, under the same Idempotency-Key: its run is {run.id}",
            "Nothing is started for thread: %s",
        )
    if run.waiting:
        return f"Message accepted: run {run.id} waits for its turn", "An answer is being written already in thread: %s"
    again = run.input is not None and run.input.message_id != order.message_id
    happened = "Message is in the thread already, and is answered again" if again else "✅ Message added to thread successfully"
    return happened, "Starting streaming run for thread: %s"


def _check(body: ChatBody) -> None:
    for name, value in (("content", body.content), ("threadId", body.threadId)):
        if not value.strip():
            raise BadInput(REQUIRED[name], param=name)
    if len(body.content) > MOST_CHARACTERS:
        raise BadInput(
            f"content has {len(body.content):,} characters; at most {MOST_CHARACTERS:,} fit into a message.", param="content"
        )


def _takeover(rooms: Rooms, thread: Thread) -> Takeover:
    if rooms.takeover == "auto":
        return "wait" if thread.shared else "cancel"
    return rooms.takeover


async def _find_assistant(rooms: Rooms, owner: str, assistant_id: str | None) -> Assistant:
    wanted = assistant_id or rooms.assistant_id
    try:
        return await rooms.store.get(Assistant, wanted, scope=Scope(owner))
    except NotFound:
        raise NotFound(
            f"No assistant found with id '{wanted[:100]}'. Leave assistantId out to use the server's own, or set "
            "OPENAI_ASSISTANT_ID to this id in python_backend/.env and restart: it is made then."
        ) from None


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= MOST_KEY_CHARACTERS:
        raise BadInput(f"Idempotency-Key must have 1 to {MOST_KEY_CHARACTERS} characters.", param="Idempotency-Key")
    return key


def _hash(body: ChatBody) -> str:
    asked = json.dumps([body.content, body.threadId, body.assistantId])
    return hashlib.sha256(asked.encode()).hexdigest()
