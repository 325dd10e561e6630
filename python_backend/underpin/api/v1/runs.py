"""/v1/threads/{id}/runs: started, streamed, polled, cancelled, continued with tool outputs.

A stream is the run's log being followed; a client that goes away does not end the run.
"""

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BeforeValidator
from starlette.responses import JSONResponse, Response

from ...errors import BadInput, NotFound
from ...eventlog.base import Event, event_line
from ...objects.assistant import Assistant
from ...objects.run import Run, RunInput
from ...objects.thread import Thread
from ...runs.control import cancel, set_metadata
from ...runs.order import RunOrder
from ...runs.replay import whole_log
from ...store.base import Scope
from ..chat import cursor_of
from ..described import header, query
from ..framing import OPENAI_SSE
from ..rooms import rooms_of
from ..stream import EventStream
from .answers import Listed, answers
from .body import Fields, Flag, Text, null_as, read, v1_doc
from .include import INCLUDE, wants_content, with_content
from .inputs import inputs_of, searched_files
from .lookup import find_assistant, find_run, find_thread, missing
from .paging import LIST_DOC, list_answer
from .resources import kept_resources
from .run_options import NewRun, RunOptions, run_fields
from .shapes import Metadata, ToolResources
from .threads import NewThread, make_thread

router = APIRouter(prefix="/threads", tags=["v1 runs"])

MOST_KEY_CHARACTERS = 255
KEY = header("Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": MOST_KEY_CHARACTERS})
RESUME = [
    query("stream", {"type": "boolean"}),
    query("starting_after", {"type": "integer", "minimum": 0}),
    header("Last-Event-ID", {"type": "integer", "minimum": 0}),
]


class NewThreadAndRun(RunOptions):
    thread: Annotated[NewThread, BeforeValidator(lambda value: {} if value is None else value)] = NewThread()
    tool_resources: ToolResources | None = None


class ChangedRun(Fields):
    metadata: Metadata = {}


class ToolOutput(Fields):
    tool_call_id: Annotated[Text, null_as("")] = ""
    output: Annotated[Text, null_as("")] = ""


class ToolOutputs(Fields):
    tool_outputs: list[ToolOutput]
    stream: Annotated[Flag, null_as(False)] = False


@router.post("/runs", openapi_extra=v1_doc(NewThreadAndRun, INCLUDE), responses=answers(Run, stream=True))
async def create_thread_and_run(request: Request) -> Response:
    """Make a thread and run it, in one request; as a stream it begins with `thread.created`."""
    content, body = wants_content(request), await read(request, NewThreadAndRun)
    assistant = await find_assistant(request, body.assistant_id)
    resources = None if body.tool_resources is None else await kept_resources(request, body.tool_resources)
    thread = await make_thread(request, body.thread, "thread.messages")
    order = replace(_order(thread, assistant, body), tool_resources=resources)
    run = await rooms_of(request).runner.start(order)
    if not body.stream:
        return JSONResponse(_as_queued(run).wire())
    created = Event(0, "thread.created", event_line("thread.created", thread.wire_json()))
    return _stream(request, run, 0, content, first=created)


@router.post("/{thread_id}/runs", openapi_extra=v1_doc(NewRun, KEY, INCLUDE), responses=answers(Run, stream=True))
async def create_run(request: Request, thread_id: str) -> Response:
    """Run a thread on which no run is active."""
    content, body = wants_content(request), await read(request, NewRun)
    thread = await find_thread(request, thread_id)
    assistant = await find_assistant(request, body.assistant_id)
    given = await inputs_of(request, body.additional_messages, "additional_messages")
    key = _idempotency_key(request)
    if files := searched_files(given):
        thread = await rooms_of(request).attachments.attach(thread, files)
    order = _order(thread, assistant, body, additional=given, extra=body.additional_instructions, key=key)
    try:
        run = await rooms_of(request).runner.start(order)
    except NotFound:
        raise missing(Thread, thread_id) from None
    return _stream(request, run, 0, content) if body.stream else JSONResponse(_as_queued(run).wire())


@router.get("/{thread_id}/runs", openapi_extra=LIST_DOC, responses=answers(Listed[Run]))
async def list_runs(request: Request, thread_id: str) -> Response:
    """The thread's runs."""
    thread = await find_thread(request, thread_id)
    return await list_answer(request, Run, thread.id, scope=Scope(thread.owner))


@router.get("/{thread_id}/runs/{run_id}", openapi_extra={"parameters": [*RESUME, INCLUDE]}, responses=answers(Run, stream=True))
async def retrieve_run(request: Request, thread_id: str, run_id: str) -> Response:
    """One run. With `?stream=true` its events instead: those after `Last-Event-ID` or `starting_after`, or all; so a stream that
    was cut goes on (OpenAI had this for responses, not for runs)."""
    content, run = wants_content(request), await find_run(request, thread_id, run_id)
    if request.query_params.get("stream") != "true":
        return JSONResponse(run.wire())
    return _stream(request, run, cursor_of(request, "starting_after") or 0, content)


@router.post("/{thread_id}/runs/{run_id}", openapi_extra=v1_doc(ChangedRun), responses=answers(Run))
async def modify_run(request: Request, thread_id: str, run_id: str) -> Response:
    """Replace a run's metadata."""
    body = await read(request, ChangedRun)
    run = await find_run(request, thread_id, run_id)
    if "metadata" in body.model_fields_set:
        run = await set_metadata(rooms_of(request).runner, run, body.metadata)
    return JSONResponse(run.wire())


@router.post("/{thread_id}/runs/{run_id}/cancel", responses=answers(Run))
async def cancel_run(request: Request, thread_id: str, run_id: str) -> Response:
    """Begin to end a run; what it said is kept."""
    run = await find_run(request, thread_id, run_id)
    return JSONResponse((await cancel(rooms_of(request).runner, run)).wire())


@router.post(
    "/{thread_id}/runs/{run_id}/submit_tool_outputs",
    openapi_extra=v1_doc(ToolOutputs, INCLUDE),
    responses=answers(Run, stream=True),
)
async def submit_tool_outputs(request: Request, thread_id: str, run_id: str) -> Response:
    """Hand in the outputs of all calls at once; the run goes on."""
    content, body = wants_content(request), await read(request, ToolOutputs)
    run = await find_run(request, thread_id, run_id)
    outputs = {one.tool_call_id: one.output for one in body.tool_outputs}
    run, after = await rooms_of(request).runner.submit(run, outputs)
    return _stream(request, run, after, content) if body.stream else JSONResponse(_as_queued(run).wire())


def _order(
    thread: Thread,
    assistant: Assistant,
    body: RunOptions,
    *,
    additional: tuple[RunInput, ...] = (),
    extra: str | None = None,
    key: str | None = None,
) -> RunOrder:
    return RunOrder(
        thread,
        assistant,
        content=None,
        takeover="refuse",
        key=key,
        body_hash=hashlib.sha256(body.model_dump_json().encode()).hexdigest() if key else "",
        additional=additional,
        options=run_fields(body, assistant, extra),
    )


def _as_queued(run: Run) -> Run:
    """A run that was just made, or that just goes on, as OpenAI answered with it; it may have begun meanwhile."""
    return run.model_copy(update={"status": "queued", "started_at": None}) if run.status == "in_progress" else run


def _stream(request: Request, run: Run, after: int, content: bool, *, first: Event | None = None) -> EventStream:
    rooms = rooms_of(request)
    events = whole_log(rooms.store, rooms.log, run, after, scope=Scope(run.owner), tick_s=rooms.keep_alive_s)
    if content:
        events = with_content(rooms.store, run, events)
    return EventStream(events if first is None else _behind(first, events), OPENAI_SSE)


async def _behind(first: Event, events: AsyncGenerator[Sequence[Event], None]) -> AsyncGenerator[Sequence[Event], None]:
    async with aclosing(events):
        yield (first,)
        async for batch in events:
            yield batch


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= MOST_KEY_CHARACTERS:
        raise BadInput(f"Idempotency-Key must have 1 to {MOST_KEY_CHARACTERS} characters.", param="Idempotency-Key")
    return key
