"""What all indexes of a process share: the store, the folder, and the threads in which everything runs that blocks."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..store.base import Store
from .store_index_folder import told

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Updates have one thread, building approximate indexes another, reading has a few. `folder` of a call: whose index it is
    that an error speaks of."""

    store: Store
    folder: Path
    readers: Executor
    writer: Executor
    builder: Executor
    most_exact: int
    patience_s: float
    """How long a search waits for an index that is being made; then it makes do with what is there."""

    async def reading(self, work: Callable[[], T], folder: Path | None = None) -> T:
        return await _in(self.readers, work, folder)

    async def writing(self, work: Callable[[], T], folder: Path | None = None) -> T:
        return await _in(self.writer, work, folder)

    async def building(self, work: Callable[[], T], folder: Path | None = None) -> T:
        return await _in(self.builder, work, folder)


async def _in(executor: Executor, work: Callable[[], T], folder: Path | None) -> T:
    def told_work() -> T:
        with told(folder):
            return work()

    return await asyncio.get_running_loop().run_in_executor(executor, told_work)


def seen(task: "asyncio.Task[None]") -> None:
    """Whoever waits for it gets what it raised; when nobody does any more, it has been seen all the same."""
    if not task.cancelled():
        task.exception()
