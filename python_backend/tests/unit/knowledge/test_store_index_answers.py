"""Answers without a language model from documents that somebody uploaded: as good as from those that come with the server."""

from collections.abc import Sequence
from pathlib import Path

from tests.unit.knowledge.indexed import ANN, Indexed, open_indexed
from tests.unit.models.evaluate_extractive import DEVELOPMENT, evaluate
from underpin.knowledge.base import Document, Evidence, Found
from underpin.knowledge.chunk import chunks
from underpin.knowledge.filters import Filter
from underpin.knowledge.library import Library
from underpin.knowledge.shelves import StoreShelves
from underpin.objects.vector_store import VectorStore

EVERY = 4
"""Of the 303 questions of the development set."""


class OneStore:
    """Shelves of which one is asked, whoever asks for which."""

    def __init__(self, indexed: Indexed, store: VectorStore) -> None:
        self._shelves = StoreShelves(indexed.vector_stores, indexed.indexes, Library())
        self._stores = [store.id]

    async def search(
        self, owner: str, stores: Sequence[str], query: str, *, limit: int = 10, where: Filter | None = None, threshold: float = 0
    ) -> list[Found]:
        return await self._shelves.search(ANN, self._stores, query, limit=limit, where=where, threshold=threshold)

    async def quotes(
        self, owner: str, stores: Sequence[str], question: str, found: Sequence[Found], *, context: str = "", limit: int = 5
    ) -> Evidence:
        return await self._shelves.quotes(ANN, self._stores, question, found, context=context, limit=limit)

    async def topics(self, owner: str, stores: Sequence[str]) -> list[str]:
        return await self._shelves.topics(ANN, self._stores)


async def put(indexed: Indexed, store: VectorStore, document: Document) -> None:
    """In chunks of the strategy `auto`, without vectors: words alone are searched."""
    await indexed.put(store, document.name, [one.text for one in chunks(document, max_tokens=800, overlap_tokens=400)])


async def test_uploaded_documents_are_quoted_as_well_as_the_shipped_ones(tmp_path: Path) -> None:
    async with open_indexed(tmp_path) as indexed:
        store = await indexed.new_store(None)
        for document in await Library().documents():
            await put(indexed, store, document)
        uploaded = await evaluate(DEVELOPMENT, OneStore(indexed, store), every=EVERY)
    shipped = await evaluate(DEVELOPMENT, every=EVERY)
    print(f"uploaded: {uploaded}\nshipped: {shipped}")
    assert uploaded.hits >= shipped.hits - 2
    assert uploaded.abstentions >= shipped.abstentions - 2
