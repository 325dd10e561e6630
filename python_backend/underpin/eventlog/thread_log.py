"""A thread's own stream: message added, run started, run ended, renamed, deleted.

Every number that a thread gives out belongs to one event here, so a number that stays missing (a crash between two writes, or old
events that were cleared) shows itself: the follower is told to read the thread anew, and nothing is silently lost.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

import msgspec
from pydantic import JsonValue

from ..errors import AlreadyExists, NotFound
from ..ids import derived_id
from ..objects.thread import Thread
from ..objects.thread_event import ThreadEvent
from ..store.base import Inc, Scope, Store
from .base import DELETED, RESET, Event, ThreadLog, event_line

KEEP = 1000
_CLEAR_EVERY = 200
_PAGE = 100


class StoredThreadLog(ThreadLog):
    """`gap_s`: how long a missing number may be on its way. `tail_s`: how often others' writes are looked for."""

    def __init__(self, store: Store, *, gap_s: float = 2.0, tail_s: float = 1.0) -> None:
        self._store = store
        self._gap_s = gap_s
        self._tail_s = tail_s
        self._waiters: dict[str, set[asyncio.Event]] = {}
        self._deleted: set[str] = set()
        """Threads whose end was told while somebody followed: its event may be cleared before they read it."""
        self._stopping = False

    async def append(self, owner: str, thread_id: str, number: int, name: str, data: Mapping[str, JsonValue]) -> None:
        event = ThreadEvent(
            id=derived_id("tevt_", thread_id, number), owner=owner, thread_id=thread_id, seq=number, name=name, data=dict(data)
        )
        try:
            await self._store.add(event)
        except AlreadyExists:
            return
        if number % _CLEAR_EVERY == 0:
            await self._store.clear(ThreadEvent, thread_id, scope=Scope(owner), up_to_seq=number - KEEP)
        if name == DELETED and thread_id in self._waiters:
            self._deleted.add(thread_id)
        for waiter in self._waiters.get(thread_id, ()):
            waiter.set()

    async def say(self, owner: str, thread_id: str, name: str, data: Mapping[str, JsonValue]) -> None:
        thread = await self._store.update(Thread, thread_id, {"last_seq": Inc()}, scope=Scope(owner))
        await self.append(owner, thread_id, thread.last_seq, name, data)

    async def follow(self, thread: Thread, after: int, *, tick_s: float | None = None) -> AsyncGenerator[Sequence[Event], None]:
        woken = asyncio.Event()
        waiters = self._waiters.setdefault(thread.id, set())
        waiters.add(woken)
        clock = asyncio.get_running_loop().time
        quiet_since = clock()
        gap_since: float | None = None
        try:
            while True:
                woken.clear()
                events = await self._after(thread, after)
                if events and events[0].seq > after + 1:
                    gap_since = gap_since or clock()
                    if clock() - gap_since >= self._gap_s:
                        if any(event.name == DELETED for event in events):
                            break
                        after, gap_since = events[-1].seq, None
                        yield (_event(after, RESET, {"threadId": thread.id}),)
                        quiet_since = clock()
                        continue
                elif events:
                    run = _without_gap(events)
                    after, gap_since, quiet_since = run[-1].seq, None, clock()
                    yield [_event(event.seq, event.name, event.data) for event in run]
                    if run[-1].name == DELETED:
                        return
                    continue
                if self._stopping:
                    return
                if not events and thread.id in self._deleted:
                    break
                if tick_s is not None and clock() - quiet_since >= tick_s:
                    quiet_since = clock()
                    if await self._is_gone(thread):
                        break
                    yield ()
                await _wait(woken, self._tail_s if gap_since is None else self._gap_s / 4)
            yield (_event(after + 1, DELETED, {"threadId": thread.id}),)  # its event was cleared, or stands behind a gap
        finally:
            waiters.discard(woken)
            if not waiters:
                self._waiters.pop(thread.id, None)
                self._deleted.discard(thread.id)

    def end_followers(self) -> None:
        self._stopping = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.set()

    async def _is_gone(self, thread: Thread) -> bool:
        try:
            await self._store.get(Thread, thread.id, scope=Scope(thread.owner))
        except NotFound:
            return True
        return False

    async def _after(self, thread: Thread, after: int) -> list[ThreadEvent]:
        page = await self._store.page(ThreadEvent, thread.id, scope=Scope(thread.owner), after=after, limit=_PAGE, order="asc")
        return page.data


def _without_gap(events: Sequence[ThreadEvent]) -> list[ThreadEvent]:
    """Up to the first gap, or the thread's deletion: what its runs say afterwards concerns nobody."""
    first = events[0].seq
    run = [event for at, event in enumerate(events) if event.seq == first + at]
    deleted = next((at for at, event in enumerate(run) if event.name == DELETED), len(run))
    return run[: deleted + 1]


def _event(number: int, name: str, data: Mapping[str, JsonValue]) -> Event:
    return Event(number, name, event_line(name, msgspec.json.encode(data)))


async def _wait(woken: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await woken.wait()
    except TimeoutError:
        pass
