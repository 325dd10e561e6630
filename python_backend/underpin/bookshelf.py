"""Knowledge, wired: who makes vectors, the indexes of vector stores on this host, and the shelves that all who search ask."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .embedding.base import Embedder
from .embedding.minilm import MiniLM
from .knowledge.library import Library
from .knowledge.shelves import StoreShelves
from .knowledge.store_index import FOLDER, StoreIndexes
from .knowledge.upstream_stores import Remotes
from .knowledge.vector_stores import VectorStores
from .settings import Settings
from .store.base import Store


@dataclass(frozen=True)
class Bookshelf:
    """`embedder` is the configured one, of which new vectors are."""

    embedder: Embedder
    indexes: StoreIndexes
    shelves: StoreShelves

    async def begin(self) -> None:
        """Start what goes on by itself; the store answers."""
        await self.indexes.start()


@asynccontextmanager
async def open_bookshelf(
    settings: Settings, store: Store, vector_stores: VectorStores, library: Library, remotes: Remotes
) -> AsyncGenerator[Bookshelf, None]:
    """The rooms of knowledge; closed in turn at the end."""
    embedder = MiniLM()
    # Vectors that an embedder made which is not the configured one any more can be searched while it can still be had.
    embedders: dict[str, Embedder] = {embedder.name: embedder}
    indexes = StoreIndexes(store, embedders.get, settings.underpin_data_dir / FOLDER)
    try:
        yield Bookshelf(embedder, indexes, StoreShelves(vector_stores, indexes, library, remotes))
    finally:
        await indexes.close()
        await embedder.close()
