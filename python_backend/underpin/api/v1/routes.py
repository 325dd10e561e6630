"""Every route under /v1."""

from fastapi import APIRouter

from . import assistants, files, messages, models, runs, steps, threads, uploads
from .answers import REFUSALS
from .envelope import PREFIX


def v1_routes() -> APIRouter:
    """Runs before threads: `/threads/runs` is no thread."""
    router = APIRouter(prefix=PREFIX, responses=REFUSALS)
    for part in (assistants, runs, threads, messages, steps, files, uploads, models):
        router.include_router(part.router)
    return router
