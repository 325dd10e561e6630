"""/v1/threads/{id}/runs/{id}/steps: what a run did, read only."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ...objects.run_step import RunStep
from ...store.base import Scope
from .lookup import find_run, find_step
from .paging import list_answer

router = APIRouter(prefix="/threads/{thread_id}/runs/{run_id}/steps", tags=["v1 run steps"])


@router.get("")
async def list_steps(request: Request, thread_id: str, run_id: str) -> Response:
    """A run's steps."""
    run = await find_run(request, thread_id, run_id)
    return await list_answer(request, RunStep, run.id, scope=Scope(run.owner))


@router.get("/{step_id}")
async def retrieve_step(request: Request, thread_id: str, run_id: str, step_id: str) -> Response:
    """One step."""
    run = await find_run(request, thread_id, run_id)
    return JSONResponse((await find_step(request, run, step_id)).wire())
