"""The clock that decides who owns a run, for all who use one MongoDB: the server's, carried on by this host's own meanwhile.

A sample says no more than between which two times the server's clock was, since nobody knows where on the round trip it was read.
What that leaves room for is left as it is; what contradicts it is corrected slowly, so that a server whose time is set takes no
run from its owner.
"""

import logging
from collections.abc import Callable

from ..errors import StoreUnavailable
from .sqlite_clock import boot_clock

logger = logging.getLogger("underpin.store")

TICK_S = 0.001
"""The server tells its time in whole milliseconds, cut off."""
RATE = 0.1
"""How much faster or slower than time this clock runs to be right again: a lease of 15 s stays one of 13.5 at least."""
JUMP_S = 60.0
"""Behind by more, and this host was frozen longer than any lease lasts: it must not take its old leases for good ones."""


class ServerClock:
    """`local` counts seconds on this host, also while it sleeps. Tests bring their own."""

    def __init__(self, local: Callable[[], float] = boot_clock) -> None:
        self._local = local
        self._offset_s: float | None = None
        self._target_s = 0.0
        self._moved_at_s = 0.0
        self._told_s = float("-inf")

    def asked(self) -> float:
        """To be taken before the server is asked, and given to `answered`."""
        return self._local()

    def answered(self, asked: float, server_s: float) -> None:
        """The server read its clock, and it said `server_s`, after `asked` and before now."""
        earliest_s, latest_s = server_s - self._local(), server_s + TICK_S - asked
        if self._offset_s is None:
            self._offset_s = self._target_s = (earliest_s + latest_s) / 2
            self._moved_at_s = self._local()
            return
        self._move()
        self._target_s = min(max(self._offset_s, earliest_s), latest_s)
        if self._target_s - self._offset_s > JUMP_S:
            logger.warning("⚠️ The clock was %.0f s behind MongoDB's: this host stood still.", self._target_s - self._offset_s)
            self._offset_s = self._target_s

    def now(self) -> float:
        """Seconds since the epoch, about; never back. Raises StoreUnavailable before the server told its time."""
        if self._offset_s is None:
            raise StoreUnavailable("MongoDB has not told its time yet.")
        self._told_s = max(self._told_s, self._move() + self._offset_s)
        return self._told_s

    def _move(self) -> float:
        """Turn towards the target by as much as the time since the last turn allows. Returns the local time."""
        local_s = self._local()
        assert self._offset_s is not None
        room_s = RATE * (local_s - self._moved_at_s)
        self._offset_s += min(max(self._target_s - self._offset_s, -room_s), room_s)
        self._moved_at_s = local_s
        return local_s
