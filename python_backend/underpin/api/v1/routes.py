"""Every route under /v1."""

from fastapi import APIRouter

from . import (
    assistants,
    file_batches,
    files,
    messages,
    models,
    passages,
    runs,
    steps,
    threads,
    uploads,
    vector_store_files,
    vector_store_search,
    vector_stores,
)
from .answers import REFUSALS
from .envelope import PREFIX


def v1_routes() -> APIRouter:
    """Runs before threads: `/threads/runs` is no thread."""
    router = APIRouter(prefix=PREFIX, responses=REFUSALS)
    stores = (vector_stores, vector_store_search, vector_store_files, file_batches)
    for part in (assistants, runs, threads, messages, steps, files, uploads, passages, *stores, models):
        router.include_router(part.router)
    return router
