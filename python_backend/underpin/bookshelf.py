"""Knowledge, wired: who makes vectors, the indexes of vector stores on this host, and the shelves that all who search ask."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .embedding.choice import Embedders
from .embedding.upstream import UpstreamEmbedder
from .knowledge.library import Library
from .knowledge.shelves import StoreShelves
from .knowledge.store_index import FOLDER, StoreIndexes
from .knowledge.upstream_stores import Remotes
from .knowledge.vector_stores import VectorStores
from .models.embeddings import EmbeddingsClient
from .settings import Settings
from .store.base import Store


@dataclass(frozen=True)
class Bookshelf:
    """Vectors of new files are by `embedders.current`; those of others are asked while their embedder can be had."""

    embedders: Embedders
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
    embedders = build_embedders(settings)
    indexes = StoreIndexes(store, embedders.named, settings.underpin_data_dir / FOLDER)
    try:
        yield Bookshelf(embedders, indexes, StoreShelves(vector_stores, indexes, library, remotes))
    finally:
        await indexes.close()
        await embedders.close()


def build_embedders(settings: Settings) -> Embedders:
    """The one that comes along, and those of the configured upstream, if any."""
    base_url, key = settings.model_base_url, settings.openai_api_key
    if base_url is None:
        return Embedders()

    def client(model: str) -> EmbeddingsClient:
        return EmbeddingsClient(
            base_url,
            key.get_secret_value() if key else None,
            model,
            connect_timeout_s=settings.model_connect_timeout_s,
        )

    def ask(model: str) -> UpstreamEmbedder:
        return UpstreamEmbedder(client(model), window_chars=settings.embedding_window_chars)

    return Embedders(settings.embedding_model, ask=ask, address=client("").address)
