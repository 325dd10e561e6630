"""Vector stores with files whose chunks and vectors are there, made by hand in a real store, and an embedder that is a fake."""

import base64
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from underpin.embedding.base import Embedder, Vectors
from underpin.ids import derived_id, new_id
from underpin.knowledge.store_index import StoreIndexes
from underpin.knowledge.vector_stores import VectorStores
from underpin.knowledge.words import stems
from underpin.objects.chunk import Chunk, VectorBlock, vectors_of
from underpin.objects.stored import Stored
from underpin.objects.vector_store import VectorStore
from underpin.objects.vector_store_file import Attribute, VectorStoreFile
from underpin.store.base import EVERYONE, Inc
from underpin.store.sqlite import SqliteStore

ANN = "ann"
BLOCK = 40


class FakeEmbedder:
    """No model: texts with the same words are near each other, and nothing else is."""

    window_chars = 1000

    def __init__(self, name: str = "fake-words", dimensions: int = 64) -> None:
        self.name = name
        self.dimensions = dimensions
        self.asked = 0

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.vector(text) for text in texts], np.float32).reshape(len(texts), self.dimensions)

    async def embed_query(self, text: str) -> Vectors:
        self.asked += 1
        return self.vector(text)

    async def close(self) -> None:
        pass

    def vector(self, text: str) -> Vectors:
        sums = np.full(self.dimensions, 1e-3, np.float32)
        for stem in stems(text):
            sums += np.random.default_rng(zlib.crc32(f"{self.name} {stem}".encode())).normal(size=self.dimensions)
        return np.asarray(sums / np.linalg.norm(sums), np.float32)


@dataclass
class Indexed:
    """A store, its indexes and its embedders, of one worker."""

    store: SqliteStore
    indexes: StoreIndexes
    folder: Path
    embedders: dict[str, Embedder] = field(default_factory=dict)

    @property
    def vector_stores(self) -> VectorStores:
        return VectorStores(self.store)

    async def new_store(self, embedder: str | None = "fake-words", owner: str = ANN) -> VectorStore:
        made = await self.vector_stores.create(owner)
        return await self.store.update(VectorStore, made.id, {"embedder": embedder}, scope=EVERYONE)

    async def now(self, store: VectorStore) -> VectorStore:
        return await self.store.get(VectorStore, store.id, scope=EVERYONE)

    async def put(
        self,
        store: VectorStore,
        filename: str,
        texts: Sequence[str],
        *,
        attributes: Mapping[str, Attribute] | None = None,
        heading: Sequence[str] = (),
        embedder: Embedder | None = None,
        replace: bool = True,
    ) -> VectorStoreFile:
        """A file that is completed, a chunk for each text; again, when it is there already."""
        used = embedder or self.embedders[store.embedder or "fake-words"]
        file = VectorStoreFile(
            id=derived_id("vsf_", store.id, filename), owner=ANN, created_at=0, vector_store_id=store.id, status="completed",
            file_id=derived_id("file-", filename), filename=filename, chunk_set=new_id("set_"), chunks=len(texts),
            attributes=dict(attributes or {}), seq=zlib.crc32(filename.encode()) + 1,
        )  # fmt: skip
        assert file.chunk_set is not None
        objects: list[Stored] = chunks_of(file, texts, heading)
        objects += await blocks_of(file, texts, used)
        for at in range(0, len(objects), 500):
            await self.store.add_many(objects[at : at + 500])
        await self.store.delete(VectorStoreFile, file.id, scope=EVERYONE)
        await self.store.add(file)
        await self.changed(store)
        return file

    async def take_out(self, file: VectorStoreFile) -> None:
        await self.store.delete(VectorStoreFile, file.id, scope=EVERYONE)
        await self.store.clear(Chunk, file.chunk_set or "", scope=EVERYONE)
        await self.store.update(VectorStore, file.vector_store_id, {"generation": Inc()}, scope=EVERYONE)

    async def changed(self, store: VectorStore, **fields: object) -> None:
        await self.store.update(VectorStore, store.id, {"generation": Inc(), **fields}, scope=EVERYONE)

    async def names(self, store: VectorStore, query: str, **options: object) -> list[str]:
        """The files that a search finds, best first."""
        found = await self.indexes.search(await self.now(store), query, **options)  # type: ignore[arg-type]
        return [hit.passage.filename for hit in found]


def chunks_of(file: VectorStoreFile, texts: Sequence[str], heading: Sequence[str] = ()) -> list[Stored]:
    chunks: list[Stored] = []
    start = 0
    for number, text in enumerate(texts):
        chunks.append(
            Chunk(
                id=f"{file.chunk_set}.{number}",
                owner=file.owner,
                seq=number + 1,
                chunk_set=file.chunk_set or "",
                vector_store_id=file.vector_store_id,
                file_id=file.file_id,
                number=number,
                heading=list(heading),
                text=text,
                start=start,
                end=start + len(text),
                page=number // 10 + 1,
            )
        )
        start += len(text) + 1
    return chunks


async def blocks_of(file: VectorStoreFile, texts: Sequence[str], embedder: Embedder) -> list[Stored]:
    vectors = await embedder.embed(texts)
    blocks: list[Stored] = []
    for at in range(0, len(texts), BLOCK):
        rows = vectors[at : at + BLOCK]
        parent = vectors_of(file.chunk_set or "", embedder.name)
        blocks.append(
            VectorBlock(
                id=f"{parent}.{at}",
                owner=file.owner,
                seq=at + 1,
                vectors_of=parent,
                vector_store_id=file.vector_store_id,
                dimensions=rows.shape[1],
                numbers=list(range(at, at + len(rows))),
                rows=base64.b64encode(rows.astype("<f2").tobytes()).decode(),
            )
        )
    return blocks


@asynccontextmanager
async def open_indexed(data_dir: Path, *embedders: Embedder, **options: object) -> AsyncIterator[Indexed]:
    """A worker's; several may share the data directory."""
    store = SqliteStore(data_dir)
    known: dict[str, Embedder] = {embedder.name: embedder for embedder in embedders or (FakeEmbedder(),)}
    folder = data_dir / "indexes"
    await store.open()
    indexes = StoreIndexes(store, known.get, folder, **options)  # type: ignore[arg-type]
    try:
        yield Indexed(store, indexes, folder, known)
    finally:
        await indexes.close()
        await store.close()
