"""A worker's rooms of vector stores on a real store, as the tests of them use it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.unit.files.shelf import ANN, Shelf, open_shelf
from underpin.knowledge.file_batches import FileBatches
from underpin.knowledge.store_files import StoreFiles
from underpin.knowledge.vector_stores import VectorStores
from underpin.objects.chunk import Chunk, VectorBlock, vectors_of
from underpin.objects.vector_store import FileCounts, VectorStore
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store.base import EVERYONE

EMBEDDER = "m1"


@dataclass
class Stores:
    shelf: Shelf
    stores: VectorStores
    files: StoreFiles
    batches: FileBatches

    async def counts(self, store_id: str) -> FileCounts:
        return (await self.stores.counted(await self.stores.get(ANN, store_id))).file_counts

    async def chunks_and_blocks(self) -> tuple[int, int]:
        """How many chunks and vector blocks there are in all."""
        kinds = (Chunk, VectorBlock)
        chunks, blocks = [len((await self.shelf.store.page(kind, None, scope=EVERYONE, limit=1000)).data) for kind in kinds]
        return chunks, blocks

    async def write(
        self, file: VectorStoreFile, attempt: int = 1, *, text: str = "Clay swells.", embedder: str = EMBEDDER
    ) -> None:
        """A chunk and its vectors, as an attempt writes them."""
        await self.shelf.store.add_many([chunk_of(file, attempt, text), block_of(file, attempt, embedder)])

    async def complete(self, file: VectorStoreFile, **changes: object) -> VectorStoreFile:
        """The file as a worker that is done with it leaves it."""
        await self.write(file)
        done: Mapping[str, object] = {
            "status": "completed", "attempt": 1, "chunk_set": file.set_of(1), "chunks": 1, "embedder": EMBEDDER,
            "embedders": [EMBEDDER], "due": None, "usage_bytes": 12, **changes,
        }  # fmt: skip
        completed = await self.shelf.store.update(VectorStoreFile, file.id, done, scope=EVERYONE)
        await self.stores.changed(file.vector_store_id)
        return completed

    async def one(self, **given: object) -> VectorStore:
        return await self.stores.create(ANN, **given)  # type: ignore[arg-type]


def chunk_of(file: VectorStoreFile, attempt: int, text: str) -> Chunk:
    chunk_set = file.set_of(attempt)
    return Chunk(
        id=f"{chunk_set}.0", owner=file.owner, seq=1, chunk_set=chunk_set, vector_store_id=file.vector_store_id,
        file_id=file.file_id, number=0, text=text, start=0, end=len(text),
    )  # fmt: skip


def block_of(file: VectorStoreFile, attempt: int, embedder: str) -> VectorBlock:
    chunk_set = file.set_of(attempt)
    return VectorBlock(
        id=f"{chunk_set}.{embedder}.0", owner=file.owner, seq=1, vectors_of=vectors_of(chunk_set, embedder),
        vector_store_id=file.vector_store_id, dimensions=1, numbers=[0], rows="ADw=",
    )  # fmt: skip


@asynccontextmanager
async def open_stores(data_dir: Path, *, lease_s: float = 60) -> AsyncIterator[Stores]:
    async with open_shelf(data_dir, lease_s=lease_s) as shelf:
        stores = VectorStores(shelf.store)
        files = StoreFiles(shelf.store, shelf.files, stores, lease_s=lease_s)
        yield Stores(shelf, stores, files, FileBatches(shelf.store, stores, files))
