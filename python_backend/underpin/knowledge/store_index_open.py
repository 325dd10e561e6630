"""The index of one vector store, open in this process: its view, its connections, and who brings it up to date."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ..errors import StoreUnavailable
from ..objects.vector_store import VectorStore
from .store_index_building import Building
from .store_index_folder import CacheBroken, IndexFolder
from .store_index_place import Place, seen
from .store_index_update import Update
from .store_index_view import View, open_view
from .store_index_words import Words, read_words
from .store_index_writer import read_state

logger = logging.getLogger("underpin.knowledge")

T = TypeVar("T")

ROUNDS = 3
"""An update that began before a change needs a second one; a store that tells less than it did is not waited for."""
IDLE_CONNECTIONS = 2


class OpenIndex:
    """`users`: searches that hold it. It may be closed and opened again whenever nobody does."""

    def __init__(self, place: Place, vector_store_id: str) -> None:
        self.id = vector_store_id
        self.users = 0
        self._place = place
        self._folder = IndexFolder(place.folder, vector_store_id)
        self._identity = 0
        self._view: View | None = None
        self._words: tuple[int, Words] | None = None
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._closed = threading.Event()
        self._updating: asyncio.Task[None] | None = None
        self._building = Building(place, self._folder)

    @property
    def path(self) -> Path:
        return self._folder.path

    @property
    def is_idle(self) -> bool:
        tasks = (self._updating, self._building.task)
        return self.users == 0 and all(task is None or task.done() for task in tasks)

    async def view(self, asked: VectorStore) -> View | None:
        """The index at the generation that the store has, or newer; at what there is when that takes longer than the patience.
        None: there is nothing yet. Raises NotFound, StoreUnavailable."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._place.patience_s
        for _ in range(ROUNDS):
            if self._is_fresh(asked):
                break
            await self.reading(self._look)
            if self._is_fresh(asked):
                break
            task = self._update(asked)
            done, _waiting = await asyncio.wait({task}, timeout=max(0.0, give_up - loop.time()))
            if not done:
                await self.reading(self._look)
                logger.info("The index of %s is still being made; the search looks at what there is", self.id)
                break
            task.result()
            await self.reading(self._look)
        if self._view is not None:
            self._building.see_to(self._view)
        return self._view

    async def reading(self, work: Callable[[], T]) -> T:
        """Do it in a thread of the readers. Raises CacheBroken; the index was thrown away then, and the next `view` is of a new
        one."""
        try:
            return await self._place.reading(work, self._folder.path)
        except CacheBroken as error:
            await self.broken(error)
            raise

    async def broken(self, error: CacheBroken) -> None:
        """Throw the index away, if it is the one that the error speaks of."""
        if error.folder in (None, self._folder.path):
            await self._throw_away(self._identity, error)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """For one thread at a time; only in `reading`."""
        with self._guard:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._folder.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._guard:
            if len(self._idle) < IDLE_CONNECTIONS and not self._closed.is_set():
                self._idle.append(connection)
                return
        connection.close()

    def words(self, view: View) -> Words:
        """What its documents know of words. Only in `reading`."""
        if self._words is None or self._words[0] != view.state.generation:
            with self.connection() as connection:
                self._words = view.state.generation, read_words(connection)
        return self._words[1]

    async def settled(self) -> None:
        """Wait for what is under way."""
        tasks = [task for task in (self._updating, self._building.task) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Waits until nothing of it runs any more."""
        self._closed.set()
        self._building.stop()
        tasks = [task for task in (self._updating, self._building.task) if task is not None]
        for task in tasks:
            task.cancel()
        await self.settled()
        self.release()

    def release(self) -> None:
        """Let go of what is held; searches under way keep what they have."""
        self._closed.set()
        self._view = None
        self._drop_connections()

    async def remove(self) -> None:
        """Close it, and remove it from this host."""
        await self.close()
        await self._place.writing(self._folder.remove)

    def _is_fresh(self, asked: VectorStore) -> bool:
        if self._view is None or self._building.is_new:
            return False
        state = self._view.state
        return state.generation > asked.generation or (state.generation == asked.generation and state.embedder == asked.embedder)

    def _look(self) -> None:
        """Look at what lies on the disk, by whomever it was written."""
        if (identity := self._folder.identity()) != self._identity:
            self._drop_connections()
            self._identity, self._view = identity, None
        if identity == 0:
            return
        with self.connection() as connection:
            if self._view is None or self._building.is_new or read_state(connection) != self._view.state:
                self._building.is_new = False
                self._view = open_view(self._folder, connection)

    def _drop_connections(self) -> None:
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # Bringing it up to date

    def _update(self, asked: VectorStore) -> asyncio.Task[None]:
        if self._updating is None or self._updating.done():
            self._updating = asyncio.create_task(self._bring_up_to_date(asked), name=f"index of {self.id}")
            self._updating.add_done_callback(seen)
        return self._updating

    async def _bring_up_to_date(self, asked: VectorStore) -> None:
        def is_done() -> bool:
            with suppress(CacheBroken):
                self._look()
            return self._is_fresh(asked)

        update = Update(self._place.store, self._folder, self.id, self._place.writer)
        try:
            await update.run(is_done)
        except CacheBroken as error:
            await self._throw_away(self._folder.identity(), error)
            try:
                await update.run(is_done)
            except CacheBroken as again:
                raise StoreUnavailable(
                    f"The search index of vector store '{self.id}' cannot be made: {again}. Look at UNDERPIN_DATA_DIR."
                ) from again

    async def _throw_away(self, identity: int, error: CacheBroken) -> None:
        def remove() -> None:
            # Another one is there already, if somebody else saw it first.
            if self._folder.identity() == identity:
                self._folder.remove()

        logger.warning("⚠️ The search index of %s is thrown away and made again: %s", self.id, error)
        self._identity, self._view = 0, None
        self._drop_connections()
        await self._place.writing(remove)
