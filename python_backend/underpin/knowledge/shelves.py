"""Vector stores by their ids, wherever they are kept, and the shipped documents, searched as one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import NotFound
from ..objects.vector_store import VectorStore
from .base import EXAMPLES, Evidence, Found, Knowledge
from .filters import Filter, admits
from .shelf_order import by_rank
from .store_index import MOST_TOPICS, StoreIndexes
from .upstream_stores import Remotes, RemoteShelf
from .vector_stores import VectorStores


@dataclass(frozen=True)
class _Asked:
    here: list[VectorStore]
    elsewhere: list[RemoteShelf]
    examples: bool


class StoreShelves:
    """Implements Shelves: over the vector stores of this server and their indexes on this host, those that the model's server
    keeps, and under the id EXAMPLES a library."""

    def __init__(
        self, vector_stores: VectorStores, indexes: StoreIndexes, examples: Knowledge, remotes: Remotes | None = None
    ) -> None:
        self._vector_stores = vector_stores
        self._indexes = indexes
        self._examples = examples
        self._remotes = remotes

    async def search(
        self,
        owner: str,
        stores: Sequence[str],
        query: str,
        *,
        limit: int = 10,
        where: Filter | None = None,
        threshold: float = 0.0,
    ) -> list[Found]:
        """Stores of this server are ranked together; lists from elsewhere are merged with theirs by rank."""
        asked = await self._asked(owner, stores)
        here, *elsewhere = await asyncio.gather(
            self._indexes.search(asked.here, query, limit=limit, where=where, threshold=threshold),
            *(shelf.search(query, limit=limit, where=where, threshold=threshold) for shelf in asked.elsewhere),
        )
        await asyncio.gather(*map(self._vector_stores.touch, asked.here))
        found = by_rank([here, *elsewhere])[:limit]
        if found or not await self._are_examples_searched(asked):
            return found
        hits = await self._examples.search(query, limit=limit)
        return [hit for hit in hits if hit.score >= threshold and (where is None or admits(where, {}))]

    async def quotes(
        self, owner: str, stores: Sequence[str], question: str, found: Sequence[Found], *, context: str = "", limit: int = 5
    ) -> Evidence:
        asked = await self._asked(owner, stores)
        if await self._are_from_examples(asked, found):
            return await self._examples.quotes(question, found, context=context, limit=limit)
        return await self._indexes.quotes(
            asked.here, question, found, context=context, limit=limit, elsewhere=bool(asked.elsewhere)
        )

    async def being_read(self, owner: str, stores: Sequence[str]) -> int:
        return sum(await asyncio.gather(*map(self._vector_stores.being_read, (await self._asked(owner, stores)).here)))

    async def topics(self, owner: str, stores: Sequence[str]) -> list[str]:
        asked = await self._asked(owner, stores)
        each = await asyncio.gather(self._indexes.topics(asked.here), *(shelf.topics() for shelf in asked.elsewhere))
        topics = list(dict.fromkeys(topic for some in each for topic in some))
        return (topics or (await self._examples.topics() if asked.examples else []))[:MOST_TOPICS]

    async def _asked(self, owner: str, stores: Sequence[str]) -> _Asked:
        asked = _Asked([], [], EXAMPLES in stores)
        for name in dict.fromkeys(stores):
            if name == EXAMPLES:
                continue
            if self._remotes is not None and (shelf := self._remotes.shelf(owner, name)) is not None:
                asked.elsewhere.append(shelf)
            elif (store := await self._usable(owner, name)) is not None:
                asked.here.append(store)
        return asked

    async def _usable(self, owner: str, id: str) -> VectorStore | None:
        try:
            store = await self._vector_stores.get(owner, id)
        except NotFound:
            return None
        return None if store.status == "expired" else store

    async def _are_from_examples(self, asked: _Asked, found: Sequence[Found]) -> bool:
        if not asked.examples or not found:
            return await self._are_examples_searched(asked)
        shipped = {document.file_id for document in await self._examples.documents()}
        return all(hit.passage.file_id in shipped for hit in found)

    async def _are_examples_searched(self, asked: _Asked) -> bool:
        """While no other store holds a file."""
        if not asked.examples or await self._indexes.holds_files(asked.here):
            return False
        return not any(await asyncio.gather(*(shelf.topics() for shelf in asked.elsewhere)))
