"""The deadline of a read, at the price of one timer a stream: a token resets it by storing a number."""

import asyncio
from collections.abc import Callable

_GRACE_S = 0.05
"""After a stall of this process (it was stopped, or busy) its timers are due before it has looked at what had arrived."""


class Silence:
    """Calls `on_silence` once when a read has waited for longer than the limit. Time in which nobody reads does not count."""

    def __init__(self, on_silence: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_silence = on_silence
        self._limit_s = 0.0
        self._reading_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._doubted: float | None = None
        self.broken_after_s: float | None = None
        """The limit that was reached, None while none was."""

    def limit(self, limit_s: float) -> None:
        """Allow this much silence from now on."""
        self.stop()
        self._limit_s = limit_s
        self._timer = self._loop.call_later(limit_s, self._look)

    def reading(self) -> None:
        """A read begins."""
        self._reading_since = self._loop.time()

    def heard(self) -> None:
        """The read brought something, or failed."""
        self._reading_since = None

    def stop(self) -> None:
        """No more limits."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        due = (now if self._reading_since is None else self._reading_since) + self._limit_s
        if due > now:
            self._timer = self._loop.call_at(due, self._look)
            return
        if self._doubted != self._reading_since:
            self._doubted = self._reading_since
            self._timer = self._loop.call_later(_GRACE_S, self._look)
            return
        self.broken_after_s = self._limit_s
        self._on_silence()
