"""How many files of a vector store or a batch are how far, counted from the files themselves.

Nothing keeps a running count, so none can be wrong after a crash. What a count costs grows with the files, so of many it is not
made anew more often than a tenth of the time: whoever polls a store of ten thousand files gets numbers that are a moment old.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..objects.vector_store import FileCounts
from ..objects.vector_store_file import VectorStoreFile
from ..store.base import EVERYONE, Conditions, Store

PAGE = 1000
FEW = 500
"""As many files are counted whenever that is asked for."""
MOST_KEPT = 500
PAUSE = 9
"""How many times as long as it took a count is good for."""


@dataclass(frozen=True)
class Tally:
    counts: FileCounts
    usage_bytes: int


async def tally(store: Store, vector_store_id: str, where: Conditions | None = None) -> Tally:
    """Count the files of a vector store (those of which `where` holds), page by page."""
    found: Counter[str] = Counter()
    usage_bytes, after = 0, None
    while True:
        page = await store.page(
            VectorStoreFile, vector_store_id, scope=EVERYONE, after=after, limit=PAGE, order="asc", where=where
        )
        for file in page.data:
            found[file.status] += 1
            usage_bytes += file.usage_bytes
        if not page.has_more:
            return Tally(FileCounts(**found, total=found.total()), usage_bytes)
        after = page.data[-1].seq


class RecentCounts:
    """Counts that were made a moment ago, by the id of what was counted. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[Tally, float]] = OrderedDict()

    async def of(self, id: str, count: Callable[[], Awaitable[Tally]]) -> tuple[Tally, bool]:
        """A count that is not too old, and whether it was made just now, with `count`, since there was none."""
        began = self._clock()
        kept, good_until = self._kept.get(id, (None, 0.0))
        if kept is not None and began < good_until:
            return kept, False
        made = await count()
        if made.counts.total <= FEW:
            self._kept.pop(id, None)
            return made, True
        ended = self._clock()
        self._kept[id] = made, ended + PAUSE * (ended - began)
        self._kept.move_to_end(id)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return made, True

    def forget(self, id: str) -> None:
        """Count anew when asked next: a request has just changed it, and whoever made it shall see that."""
        self._kept.pop(id, None)
