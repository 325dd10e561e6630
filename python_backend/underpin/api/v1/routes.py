"""Every route under /v1."""

from fastapi import APIRouter

from . import assistants, files, messages, runs, steps, threads, uploads
from .envelope import PREFIX


def v1_routes() -> APIRouter:
    """Runs before threads: `/threads/runs` is no thread."""
    router = APIRouter(prefix=PREFIX)
    for part in (assistants.router, runs.router, threads.router, messages.router, steps.router, files.router, uploads.router):
        router.include_router(part)
    return router
