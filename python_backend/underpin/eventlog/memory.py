"""The live tail of one run's log: events in memory, and those who wait for the next one."""

import asyncio

from .base import Event, event_line

TAIL_EVENTS = 4096
"""What is kept for followers once the journal has it: a reader may be this far behind without reading the journal."""


class LiveLog:
    """Not shared between event loops. Appending wakes nobody: `wake` does."""

    __slots__ = ("_events", "_first", "_waiters", "closed", "complete", "cut", "next_number", "written")

    def __init__(self, first: int) -> None:
        self._events: list[Event] = []
        self._first = first
        self._waiters: list[asyncio.Future[bool]] = []
        self.next_number = first
        self.written = first - 1
        """Number of the last event that the journal has."""
        self.closed = False
        self.cut = False
        """Its writer gave up: who follows it has to come again."""
        self.complete = False
        """The run has ended or waits for tool outputs: a follower that has read all of this has read everything."""

    def append(self, name: str, data: bytes) -> None:
        self.append_line(name, event_line(name, data))

    def append_line(self, name: str, line: bytes) -> None:
        self._events.append(Event(self.next_number, name, line))
        self.next_number += 1

    def since(self, after: int) -> list[Event] | None:
        """Events with numbers above `after`; None when some of them are no longer, or were never, in this tail."""
        at = after + 1 - self._first
        if at < 0:
            return None
        return self._events[at:]

    def unwritten(self) -> list[Event]:
        """What the journal does not have yet."""
        return self._events[self.written + 1 - self._first :]

    def mark_written(self, last: int) -> None:
        """The journal has everything up to `last`: the tail may forget what is old."""
        self.written = last
        surplus = min(last + 1 - self._first, len(self._events) - TAIL_EVENTS)
        if surplus >= TAIL_EVENTS:  # in large bites, so that an event is moved once, not at each flush
            del self._events[:surplus]
            self._first += surplus

    def wake(self) -> None:
        if not self._waiters:
            return
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            _resolve(waiter, True)

    def close(self) -> None:
        """Nothing more will come here."""
        self.closed = True
        self.wake()

    async def wait(self, after: int, timeout_s: float | None) -> bool:
        """True once there is something after `after` or the log is closed, False when `timeout_s` went by."""
        if self.closed or self.next_number > after + 1:
            return True
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiters.append(waiter)
        timer = None if timeout_s is None else loop.call_later(timeout_s, _resolve, waiter, False)
        try:
            return await waiter
        finally:
            if timer is not None:
                timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)


def _resolve(waiter: "asyncio.Future[bool]", woken: bool) -> None:
    if not waiter.done():
        waiter.set_result(woken)
