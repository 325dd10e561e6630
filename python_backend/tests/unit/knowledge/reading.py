"""A reader of files with a parser and an embedder that do what a test tells them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.unit.files.shelf import ANN
from tests.unit.knowledge.stores import Stores, open_stores
from underpin.embedding.base import Vectors
from underpin.knowledge.ingest import Ingest
from underpin.knowledge.ingest_attempt import Workbench
from underpin.knowledge.ingest_claims import IngestClaims
from underpin.knowledge.ingest_sweep import IngestSweep
from underpin.knowledge.reembedding import Reembedding
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.parsing.base import Parsed

WITHIN_S = 20


async def as_text(path: Path) -> Parsed:
    return Parsed(await asyncio.to_thread(path.read_text))


@dataclass
class ToldParser:
    """Reads a file as text, or does what `do` does with its path."""

    do: Callable[[Path], Awaitable[Parsed]] = as_text
    asked: list[str] = field(default_factory=list)

    async def parse(self, path: Path, filename: str) -> Parsed:
        self.asked.append(filename)
        return await self.do(path)

    async def close(self) -> None:
        pass


@dataclass
class ToldEmbedder:
    """A vector of the text's length; first it awaits `before`."""

    name: str = "m1"
    dimensions: int = 2
    window_chars: int = 100
    before: Callable[[], Awaitable[None]] | None = None
    texts: list[str] = field(default_factory=list)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if self.before is not None:
            await self.before()
        self.texts += texts
        return np.array([[1.0, float(len(text))] for text in texts], np.float32).reshape(-1, 2)

    async def embed_query(self, text: str) -> Vectors:
        return (await self.embed([text]))[0]

    async def close(self) -> None:
        pass


@dataclass
class Reader:
    """One worker that reads."""

    house: Stores
    parser: ToldParser
    embedder: ToldEmbedder
    claims: IngestClaims
    ingest: Ingest
    sweep: IngestSweep
    reembedding: Reembedding

    async def ended(self, store_id: str, file_id: str) -> VectorStoreFile:
        """The file once nobody has anything to do with it any more."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                found = await self.house.files.get(ANN, store_id, file_id)
                if found.status != "in_progress" and found.due is None:
                    return found
                await asyncio.sleep(0.01)

    async def idle(self) -> None:
        """Until nothing is being read."""
        if self.ingest._working:
            await asyncio.wait(set(self.ingest._working), timeout=WITHIN_S)
        assert not self.ingest._working

    async def added(self, text: str = "Clay swells.", **given: object) -> tuple[str, str]:
        """The ids of a new store and of the file that was put in."""
        store = await self.house.one()
        file_id = await self.house.shelf.file(text.encode(), **given)
        await self.house.files.add(ANN, store.id, file_id)
        return store.id, file_id


@asynccontextmanager
async def open_reader(
    data_dir: Path,
    *,
    lease_s: float = 60,
    waits_s: tuple[float, float] = (0.01, 0.01),
    embedder: ToldEmbedder | None = None,
    at_once: int = 2,
    start: bool = True,
) -> AsyncIterator[Reader]:
    parser, embedder = ToldParser(), embedder or ToldEmbedder()
    async with open_stores(data_dir, lease_s=lease_s) as house:
        shelf = house.shelf
        worker = shelf.place.worker
        shelf.place.on_removal.append(house.files.forget_file)
        bench = Workbench(shelf.store, shelf.blobs, parser, embedder, data_dir / "reading" / worker)
        claims = IngestClaims(shelf.store, house.stores, worker, embedder.name, lease_s, waits_s)
        ingest = Ingest(bench, claims, house.files, at_once=at_once, every_s=0.02)
        reembedding = Reembedding(shelf.store, embedder, worker, lease_s=lease_s)
        sweep = IngestSweep(shelf.store, house.stores, house.files, claims, ingest, reembedding, every_s=60)
        house.files.on_new = ingest.wake
        house.stores.embedder = embedder.name
        if start:
            ingest.start()
        try:
            yield Reader(house, parser, embedder, claims, ingest, sweep, reembedding)
        finally:
            await sweep.stop()
            await ingest.stop()
