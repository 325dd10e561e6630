"""Reading files into vector stores, wired: the processes that parse, the jobs, and the sweep behind them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .embedding.base import Embedder
from .knowledge.ingest import Ingest
from .knowledge.ingest_attempt import Workbench, remove_old_copies
from .knowledge.ingest_claims import IngestClaims
from .knowledge.ingest_sweep import IngestSweep
from .knowledge.reembedding import Reembedding
from .knowledge.store_files import StoreFiles
from .knowledge.vector_stores import VectorStores
from .parsing.children import ChildParser
from .parsing.limits import Limits
from .settings import Settings
from .store.base import Blobs, Store

FOLDER = "reading"


@dataclass(frozen=True)
class Reading:
    ingest: Ingest
    sweep: IngestSweep

    async def begin(self) -> None:
        """Start to read; the store answers. May be repeated."""
        await self.sweep.start()
        self.ingest.start()

    @property
    def failing(self) -> str | None:
        """Why it does not work at the moment, for /ready."""
        return self.ingest.failing or self.sweep.failing


@asynccontextmanager
async def open_reading(
    settings: Settings,
    *,
    store: Store,
    blobs: Blobs,
    worker: str,
    embedder: Embedder,
    stores: VectorStores,
    files: StoreFiles,
) -> AsyncGenerator[Reading, None]:
    """The rooms of reading; closed in turn at the end: what is being read is handed back first."""
    folder = settings.underpin_data_dir / FOLDER
    await remove_old_copies(folder, store)
    parser = ChildParser(_limits(settings), processes=settings.parse_processes)
    bench = Workbench(store, blobs, parser, embedder, folder / worker)
    claims = IngestClaims(store, stores, worker, embedder.name, settings.run_lease_s)
    ingest = Ingest(bench, claims, files, at_once=settings.ingest_at_once, every_s=settings.ingest_poll_s)
    reembedding = Reembedding(store, embedder, worker, lease_s=settings.run_lease_s)
    sweep = IngestSweep(store, stores, files, claims, ingest, reembedding, every_s=settings.sweep_s)
    stores.embedder = embedder.name
    stores.on_delete = sweep.soon
    files.on_new = ingest.wake
    try:
        yield Reading(ingest, sweep)
    finally:
        await sweep.stop()
        await ingest.stop()
        await parser.close()
        bench.remove_folder()


def _limits(settings: Settings) -> Limits:
    return Limits(
        timeout_s=settings.parse_timeout_s,
        memory_bytes=settings.parse_memory_bytes,
        text_bytes=settings.parse_text_bytes,
        inflated_bytes=settings.parse_inflated_bytes,
        pages=settings.parse_pages,
    )
