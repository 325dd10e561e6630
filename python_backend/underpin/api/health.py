"""For operators: is it up, is it ready, and what is missing. Monitors that ask with HEAD get the same status."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from .. import __version__
from ..errors import UnderpinError
from .answers import Ready, Root, Up, answers
from .rooms import rooms_of
from .web import Web, wants_page

router = APIRouter(tags=["server"])


@router.head("/", include_in_schema=False)
@router.get("/", responses={200: {"model": Root, "content": {"text/html": {"schema": {"type": "string"}}}}})
async def root(request: Request) -> Response:
    """The guide's sign of life; to a browser the web app."""
    web: Web = request.app.state.web
    if wants_page(request):
        return web.page()
    return JSONResponse({"status": "ok", "message": "Underpin is running", "version": __version__}, headers={"Vary": "Accept"})


@router.head("/health", include_in_schema=False)
@router.get("/health", responses=answers(Up))
async def health(request: Request) -> Response:
    """The process answers. Asks nobody else."""
    return JSONResponse({"status": "ok"})


@router.head("/ready", include_in_schema=False)
@router.get("/ready", responses={**answers(Ready), 503: {"model": Ready}})
async def ready(request: Request) -> Response:
    """Whether messages can be answered now; 503 names the parts that cannot work and why."""
    why = {part: await _why_not(check) for part, check in rooms_of(request).checks.items()}
    broken = {part: reason for part, reason in why.items() if reason is not None}
    body = {"status": "not ready" if broken else "ready", "parts": {part: reason or "ok" for part, reason in why.items()}}
    return JSONResponse(body, status_code=503 if broken else 200, headers={"Retry-After": "5"} if broken else {})


async def _why_not(check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        return await check()
    except UnderpinError as error:
        return error.message
