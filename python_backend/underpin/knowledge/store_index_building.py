"""Sees to it that a large store gets an approximate index, in the background, by one process of the host."""

import asyncio
import logging
import threading
import time
from contextlib import closing
from functools import partial

from filelock import FileLock

from ..errors import UnderpinError
from .store_index_approximate import build
from .store_index_folder import CacheBroken, IndexFolder, take
from .store_index_place import Place, seen
from .store_index_vectors import mapped
from .store_index_view import View, open_view
from .store_index_writer import read_state

logger = logging.getLogger("underpin.knowledge")

LOOK_AGAIN_S = 1.0
BUILD_AGAIN_S = 600.0
"""After a failure: it takes a core for a minute, and most failures last."""


class Building:
    """Of one vector store's index. `task` is what is under way, if anything."""

    def __init__(self, place: Place, folder: IndexFolder) -> None:
        self.task: asyncio.Task[None] | None = None
        self.is_new = False
        """There is an approximate index that was not there when the view was opened; whoever opens it anew says so here."""
        self._place = place
        self._folder = folder
        self._stopped = threading.Event()
        self._not_before = 0.0

    def see_to(self, view: View) -> None:
        """Begin, if so many vectors are searched one by one that it is worth it."""
        if self._stopped.is_set() or time.monotonic() < self._not_before or (self.task is not None and not self.task.done()):
            return
        if _is_wanted(view, self._place.most_exact):
            self.task = asyncio.create_task(self._run(), name=f"approximate index of {self._folder.path.name}")
            self.task.add_done_callback(seen)

    def stop(self) -> None:
        """It stops within a second or so; the task may be awaited."""
        self._stopped.set()

    async def _run(self) -> None:
        """Build it, or wait for another process that does."""
        lock = FileLock(self._folder.path / "approximate.lock", thread_local=False)
        name = self._folder.path.name
        try:
            while True:
                if await self._place.building(partial(take, lock)):
                    break
                await asyncio.sleep(LOOK_AGAIN_S)
            try:
                await self._place.building(self._build)
            finally:
                await self._place.building(lock.release)
            self.is_new = True
        except (UnderpinError, CacheBroken) as error:
            self._not_before = time.monotonic() + BUILD_AGAIN_S
            logger.warning("⚠️ The approximate index of %s was not built; the search stays exact: %s", name, error)
        except Exception:
            self._not_before = time.monotonic() + BUILD_AGAIN_S
            logger.exception("❌ Building the approximate index of %s broke; the search stays exact", name)

    def _build(self) -> None:
        with closing(self._folder.connect()) as connection:
            view = open_view(self._folder, connection)
            if not _is_wanted(view, self._place.most_exact):
                return
            state = view.state
            old = connection.execute("SELECT trained, file FROM approximate WHERE epoch = ?", (state.epoch,)).fetchone()
            grows = view.approximate is not None and old is not None and state.vectors <= 2 * old[0]
            file = self._folder.path / f"approximate-{state.epoch}-{state.vectors}.faiss"
            held = mapped(self._folder, state.epoch, state.vectors, state.dimensions)
            if not build(held.vectors, file, self._folder.path / old[1] if grows else None, self._stopped.is_set):
                return
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM approximate")
            row = (state.epoch, old[0] if grows else state.vectors, state.vectors, file.name)
            connection.execute("INSERT INTO approximate VALUES (?, ?, ?, ?)", row)
            connection.execute("COMMIT")
            self._folder.clear_old_epochs(read_state(connection).epoch, file.name)


def _is_wanted(view: View, most_exact: int) -> bool:
    """Whether so many vectors are searched one by one that it is worth building, or building further."""
    known = view.approximate.count if view.approximate is not None else 0
    return view.state.vectors - known > (most_exact if known == 0 else most_exact // 2)
