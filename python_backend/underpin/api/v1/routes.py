"""Every route under /v1."""

from fastapi import APIRouter

from . import assistants, messages, runs, steps, threads
from .envelope import PREFIX


def v1_routes() -> APIRouter:
    """Runs before threads: `/threads/runs` is no thread."""
    router = APIRouter(prefix=PREFIX)
    for part in (assistants.router, runs.router, threads.router, messages.router, steps.router):
        router.include_router(part)
    return router
