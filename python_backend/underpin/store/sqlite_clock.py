"""The clock that decides who owns a run, for one host: its boot clock, moved once in a boot to about the time of day.

The boot clock is the same for all processes of the host, goes on while it sleeps, and no one can set it. The offset is kept in
the database for this boot. What was reached is kept there too, always ahead of what anybody was told, so that a host that wakes
with a wrong time of day never goes back.
"""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import StoreUnavailable

AHEAD_S = 10.0
"""How far ahead of now what was reached is written: one small write in this many seconds, and at most that jump at a boot."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_clock() -> float:
    """Seconds since the host started, sleep included where the host can tell."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def boot_id() -> str:
    """What names this boot of the host. Empty where nothing does: a boot clock that went back then tells a new boot."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class HostClocks:
    """What the host has of clocks. Tests bring their own."""

    boot: Callable[[], float] = boot_clock
    wall: Callable[[], float] = time.time
    boot_id: Callable[[], str] = boot_id


class StoreClock:
    def __init__(self, host: HostClocks) -> None:
        self._host = host
        self._offset_s: float | None = None
        self._reached_s = 0.0

    def now(self) -> float:
        """Seconds, about those of the epoch. Raises StoreUnavailable before the store was opened."""
        if self._offset_s is None:
            raise StoreUnavailable("The store is not open.")
        return self._host.boot() + self._offset_s

    def start(self, connection: sqlite3.Connection) -> None:
        """Take this boot's offset, or make it; inside a transaction."""
        boot_s, boot = self._host.boot(), self._host.boot_id()
        row = connection.execute("SELECT boot_id, boot_clock_s, offset_s, reached_s FROM clock").fetchone()
        if row is not None and row[0] == boot and row[1] <= boot_s:
            self._offset_s = row[2]
            return
        self._offset_s = max(self._host.wall(), 0.0 if row is None else row[3]) - boot_s
        connection.execute(
            "INSERT OR REPLACE INTO clock (id, boot_id, boot_clock_s, offset_s, reached_s) VALUES (1, ?, ?, ?, ?)",
            (boot, boot_s, self._offset_s, self.now()),
        )

    def keep(self, connection: sqlite3.Connection) -> None:
        """Write down what will be reached, if that is due; before every write that may carry a time of this clock."""
        now_s = self.now()
        if now_s < self._reached_s:
            return
        reached_s = now_s + AHEAD_S
        connection.execute(
            "UPDATE clock SET reached_s = max(reached_s, ?), boot_clock_s = max(boot_clock_s, ?)",
            (reached_s, self._host.boot()),
        )
        self._reached_s = reached_s
