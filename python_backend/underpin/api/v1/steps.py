"""/v1/threads/{id}/runs/{id}/steps: what a run did, read only."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request
from pydantic import JsonValue
from starlette.responses import JSONResponse, Response

from ...errors import NotFound
from ...objects.run import Run
from ...objects.run_step import RunStep
from ...runs.open_step import open_step
from ...store.base import Page, Scope
from ..rooms import rooms_of
from .answers import Listed, answers
from .include import INCLUDE, wants_content
from .lookup import find_run, find_step, missing
from .paging import BEFORE, Part, list_answer, list_doc, list_envelope, part_of

router = APIRouter(prefix="/threads/{thread_id}/runs/{run_id}/steps", tags=["v1 run steps"])

MOST_STEPS = 1000
"""Far more than a run can make."""


@router.get("", openapi_extra=list_doc(BEFORE, INCLUDE), responses=answers(Listed[RunStep]))
async def list_steps(request: Request, thread_id: str, run_id: str) -> Response:
    """A run's steps, the one that it is at included."""
    wire, run = _wire(request), await find_run(request, thread_id, run_id)
    if run.ended:
        return await list_answer(request, RunStep, run.id, scope=Scope(run.owner), wire=wire)
    part = part_of(request)
    return list_envelope(_page(await _steps(request, run), part), wire)


@router.get("/{step_id}", openapi_extra={"parameters": [INCLUDE]}, responses=answers(RunStep))
async def retrieve_step(request: Request, thread_id: str, run_id: str, step_id: str) -> Response:
    """One step."""
    wire, run = _wire(request), await find_run(request, thread_id, run_id)
    if not run.ended:
        for step in await _steps(request, run):
            if step.id == step_id:
                return JSONResponse(wire(step))
    return JSONResponse(wire(await find_step(request, run, step_id)))


def _wire(request: Request) -> Callable[[RunStep], dict[str, JsonValue]]:
    """How a step is told: with the text of what it found where the request asks for that."""
    return (lambda step: step.with_content().wire()) if wants_content(request) else RunStep.wire


async def _steps(request: Request, run: Run) -> list[RunStep]:
    """All steps of an open run, in their order."""
    rooms = rooms_of(request)
    try:
        at_work = await open_step(rooms.log, run)
    except NotFound:
        raise missing(Run, run.id) from None  # deleted meanwhile, with its thread
    # The store after the log: a step that ends between the two is found there.
    kept = (await rooms.store.page(RunStep, run.id, scope=Scope(run.owner), limit=MOST_STEPS, order="asc")).data
    if at_work is not None and all(step.id != at_work.id for step in kept):
        kept.append(at_work)
    return kept


def _page(steps: Sequence[RunStep], part: Part) -> Page[RunStep]:
    """The part of a list that is whole in memory, with the semantics that `Store.page` has."""
    listed = list(steps) if part.order == "asc" else list(reversed(steps))
    ids = [step.id for step in listed]
    for cursor in (part.after, part.before):
        if cursor is not None and cursor not in ids:
            raise missing(RunStep, cursor)
    end = len(ids) if part.before is None else ids.index(part.before)
    begin = 0 if part.after is None else ids.index(part.after) + 1
    found = listed[begin:end]
    backwards = part.before is not None and part.after is None
    return Page(found[-part.limit :] if backwards else found[: part.limit], has_more=len(found) > part.limit)
