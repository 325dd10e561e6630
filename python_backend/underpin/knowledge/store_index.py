"""The indexes of vector stores on this host: a cache in the data directory, derived from the chunks and vectors in the store.

Whoever searches names a vector store as it has just read it; its generation says whether the index is still true, and what
changed is caught up with first. So a file is searchable in every process from the next search on. The folder may be deleted at
any time.
"""

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from ..embedding.base import Embedder, Vectors
from ..errors import NotFound, StoreUnavailable, UnderpinError
from ..objects.vector_store import VectorStore
from ..store.base import EVERYONE, Store
from . import question as questions
from . import quotes
from .base import Evidence, Found
from .filters import Filter
from .shelf_order import by_rank
from .store_index_folder import CacheBroken, kept_ids
from .store_index_open import OpenIndex
from .store_index_place import Place
from .store_index_question import QuestionVectors
from .store_index_search import Index, Indexes, search
from .store_index_view import View
from .store_index_words import Words, together, words_of

logger = logging.getLogger("underpin.knowledge")

T = TypeVar("T")

READERS = 4
MOST_TOPICS = 30
FOLDER = "indexes"
MOST_EXACT = 100_000
"""Vectors that are compared one by one: 8 ms on two cores. Of more, an approximate index tells which are worth it."""


class StoreIndexes:
    """`embedders` gives the embedder of a name, or None when it cannot be had any more. `most_open`: indexes that are held open
    at once. `patience_s`: how long a search waits for an index that is being made. `sweep_s`: how often indexes of vector stores
    that are gone are looked for."""

    def __init__(
        self,
        store: Store,
        embedders: Callable[[str], Embedder | None],
        folder: Path,
        *,
        most_exact: int = MOST_EXACT,
        most_open: int = 32,
        patience_s: float = 20,
        sweep_s: float = 600,
    ) -> None:
        self._store = store
        self._folder = folder
        self._vectors = QuestionVectors(embedders)
        self._place = Place(
            store,
            folder,
            readers=ThreadPoolExecutor(READERS, "index-read"),
            writer=ThreadPoolExecutor(1, "index-write"),
            builder=ThreadPoolExecutor(1, "index-build"),
            most_exact=most_exact,
            patience_s=patience_s,
        )
        self._most_open = most_open
        self._sweep_s = sweep_s
        self._open: OrderedDict[str, OpenIndex] = OrderedDict()
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def held_open(self) -> list[str]:
        """The vector stores whose indexes are open, the one that was used last at the end."""
        return list(self._open)

    async def settled(self, vector_store_id: str) -> None:
        """Return when nothing of its index is being made in the background."""
        if (index := self._open.get(vector_store_id)) is not None:
            await index.settled()

    async def start(self) -> None:
        """Look for indexes of vector stores that are gone, now and then."""
        self._sweeper = asyncio.create_task(self._sweep_forever(), name="sweep of indexes")

    async def close(self) -> None:
        """Let go of everything. What is being made goes on from where it is at the next search."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self._vectors.close()
        for index in self._open.values():
            await index.close()
        self._open.clear()
        for executor in (self._place.readers, self._place.writer, self._place.builder):
            await asyncio.to_thread(executor.shutdown)

    async def search(
        self,
        stores: VectorStore | Sequence[VectorStore],
        query: str,
        *,
        limit: int = 10,
        where: Filter | None = None,
        threshold: float = 0.0,
    ) -> list[Found]:
        """The best passages of the stores, best first; none whose score is below the threshold.

        A score is the mean of the words' side (BM25, 8 is told as 0.5) and of the cosine of the passage's best window; by words
        alone it is the first. It falls with the rank, and orders the passages of one search: do not compare it between searches.
        Raises StoreUnavailable.
        """
        asked = [stores] if isinstance(stores, VectorStore) else stores
        return await _twice(lambda: self._search(asked, query, limit, where, threshold))

    async def quotes(
        self,
        stores: Sequence[VectorStore],
        question: str,
        found: Sequence[Found],
        *,
        context: str = "",
        limit: int = 5,
        elsewhere: bool = False,
    ) -> Evidence:
        """As `Knowledge.quotes`, for passages that were found in these stores; `elsewhere`: and in others, which are not on this
        host. Raises StoreUnavailable."""
        words = await _twice(lambda: self._words(stores))

        def best() -> Evidence:
            known = together([*words, *([words_of([hit.passage for hit in found])] if elsewhere else [])])
            asked = questions.read(question, context, known.rarity, passages=known.passages)
            return quotes.best(asked, found, expansions=known.short_forms, knows=known.knows, limit=limit)

        return await self._place.reading(best)

    async def topics(self, stores: Sequence[VectorStore]) -> list[str]:
        """The titles of their documents, or their names, some thirty at most. Raises StoreUnavailable."""

        async def titles() -> list[str]:
            async with self._viewed(stores) as opened:
                files = sorted((file for _, view in opened for file in view.files), key=lambda file: file.filename)
                return list(dict.fromkeys(file.title or file.filename for file in files))[:MOST_TOPICS]

        return await _twice(titles)

    async def holds_files(self, stores: Sequence[VectorStore]) -> bool:
        """Whether any of the stores has a file that is searched. Raises StoreUnavailable."""

        async def any_file() -> bool:
            async with self._viewed(stores) as opened:
                return any(view.files for _, view in opened)

        return await _twice(any_file)

    async def forget(self, vector_store_id: str) -> None:
        """Remove the index of a vector store from this host. May be called for one that has none, and while it is searched."""
        index = self._open.pop(vector_store_id, None) or OpenIndex(self._place, vector_store_id)
        await index.remove()

    async def sweep(self) -> None:
        """Remove the indexes of vector stores that are gone or have expired."""
        for name in await asyncio.to_thread(lambda: list(kept_ids(self._folder))):
            try:
                kept = await self._store.get(VectorStore, name, scope=EVERYONE)
            except NotFound:
                kept = None
            if kept is None or kept.going or kept.status == "expired":
                await self.forget(name)
                logger.info("Removed the search index of %s, which is gone", name)

    async def _search(
        self, stores: Sequence[VectorStore], query: str, limit: int, where: Filter | None, threshold: float
    ) -> list[Found]:
        async with self._viewed(stores) as opened:
            # Vectors of different embedders are not compared: those stores are ranked apart.
            groups: dict[str | None, list[tuple[OpenIndex, View]]] = defaultdict(list)
            for index, view in opened:
                groups[view.state.embedder].append((index, view))
            vectors = await asyncio.gather(
                *(self._vectors.of(embedder, query, _dimensions(group)) for embedder, group in groups.items())
            )
            found = [
                await self._ranked(group, query, vector, limit, where)
                for group, vector in zip(groups.values(), vectors, strict=True)
            ]
        return by_rank([[hit for hit in hits if hit.score >= threshold] for hits in found])[:limit]

    async def _ranked(
        self,
        opened: Sequence[tuple[OpenIndex, View]],
        query: str,
        vector: Vectors | None,
        limit: int,
        where: Filter | None,
    ) -> list[Found]:
        def ranked() -> list[Found]:
            with ExitStack() as held:
                indexes = [
                    Index(index.path, view, held.enter_context(index.connection()), view.admitted(where))
                    for index, view in opened
                ]
                return search(Indexes(indexes, self._place.most_exact), query, vector, limit)

        return await self._reading(opened, ranked)

    async def _words(self, stores: Sequence[VectorStore]) -> list[Words]:
        async with self._viewed(stores) as opened:
            return await self._reading(opened, lambda: [index.words(view) for index, view in opened])

    async def _reading(self, opened: Sequence[tuple[OpenIndex, View]], work: Callable[[], T]) -> T:
        try:
            return await self._place.reading(work)
        except CacheBroken as error:
            for index, _ in opened:
                await index.broken(error)
            raise

    @asynccontextmanager
    async def _viewed(self, stores: Sequence[VectorStore]) -> AsyncIterator[list[tuple[OpenIndex, View]]]:
        """Their indexes, up to date, held open meanwhile. A store that went, or has nothing yet, is left out."""
        with ExitStack() as held:
            indexes = [held.enter_context(self._using(store.id)) for store in stores]
            views = await asyncio.gather(*(_view_of(index, store) for index, store in zip(indexes, stores, strict=True)))
            yield [(index, view) for index, view in zip(indexes, views, strict=True) if view is not None]

    @contextmanager
    def _using(self, id: str) -> Iterator[OpenIndex]:
        index = self._open.pop(id, None) or OpenIndex(self._place, id)
        self._open[id] = index
        index.users += 1
        try:
            yield index
        finally:
            index.users -= 1
            self._let_go()

    def _let_go(self) -> None:
        """Of those that were not used for longest, when too many are open."""
        idle = [name for name, index in self._open.items() if index.is_idle]
        for name in idle[: max(0, len(self._open) - self._most_open)]:
            self._open.pop(name).release()

    async def _sweep_forever(self) -> None:
        while True:
            try:
                await self.sweep()
            except UnderpinError as error:
                logger.info("Indexes of vector stores that are gone were not looked for: %s", error.message)
            except Exception:
                logger.exception("❌ The sweep of indexes broke; it is tried again")
            await asyncio.sleep(self._sweep_s)


async def _twice(work: Callable[[], Awaitable[T]]) -> T:
    """An index that turned out to be broken was thrown away; the second time it is a new one."""
    try:
        return await work()
    except CacheBroken:
        try:
            return await work()
        except CacheBroken as error:
            raise StoreUnavailable(f"A search index cannot be read: {error}. Look at UNDERPIN_DATA_DIR.") from error


def _dimensions(opened: Sequence[tuple[OpenIndex, View]]) -> set[int]:
    return {view.state.dimensions for _, view in opened if view.state.vectors}


async def _view_of(index: OpenIndex, store: VectorStore) -> View | None:
    try:
        # Each by itself: after an upgrade all of them are to be made again.
        return await _twice(lambda: index.view(store))
    except NotFound:
        return None
