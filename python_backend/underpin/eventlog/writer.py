"""One claim's pen: it appends to the live tail, and what it commits is visible in the journal before followers see it."""

import asyncio
from collections.abc import Callable, Sequence

from ..errors import ConditionFailed
from ..objects.journal_chunk import JournalChunk
from ..objects.run import Run
from ..store.base import Changes, Conditions, JournalWrite, Scope, Store
from .base import Event, event_line
from .journal import chunk_of
from .memory import LiveLog


class JournaledWriter:
    """A RunWriter. Made by the EventLog alone."""

    def __init__(self, store: Store, run: Run, *, lease_s: float, on_fenced: Callable[[], None]) -> None:
        self.run = run
        self.live = LiveLog(run.first_number)
        self.lock = asyncio.Lock()
        """Held while something of this run is on its way to the store."""
        self.renewed_at = store.now()
        self._store = store
        self._lease_s = lease_s
        self._on_fenced = on_fenced
        self._unsure: JournalChunk | None = None
        """Of a commit that was not answered: until it is known what became of it, no flush may move the head past it."""
        # A token passes here: the live tail's own methods, without a call between.
        self.append = self.live.append
        self.append_line = self.live.append_line
        self.wake = self.live.wake

    async def commit(self, events: Sequence[tuple[str, bytes]], changes: Changes, only_if: Conditions) -> Run:
        async with self.lock:
            if self._unsure is not None:
                await self._forget(self._unsure)
            number = self.live.next_number
            new = [Event(number + at, name, event_line(name, data)) for at, (name, data) in enumerate(events)]
            written = [*self.live.unwritten(), *new]
            write = self._write(written, changes, only_if)
            self._unsure = write.chunk
            accepted = (await self._store.write_journal([write]))[0]
            if not accepted:
                current = await self._forget(write.chunk)
                field = "claim" if current.claim != self.run.claim else "status"
                raise ConditionFailed(f"Run {current.id} was ended or taken over.", field=field, current=current)
            self._unsure = None
            for event in new:
                self.live.append_line(event.name, event.line)
            self.live.mark_written(self.live.next_number - 1)
            self.renewed_at = self._store.now()
            run = await self._store.get(Run, self.run.id, scope=Scope(self.run.owner))
            self.live.complete = run.ended or run.status == "requires_action"
            self.live.wake()
        return run

    async def close(self) -> None:
        async with self.lock:
            self.live.close()

    async def cut(self) -> None:
        self.live.cut = True
        await self.close()

    def due(self, now: float, heartbeat_s: float) -> bool:
        """Whether a flush has something to write: events, or a heartbeat."""
        if self.live.closed or self._unsure is not None:
            return False
        return self.live.written < self.live.next_number - 1 or now - self.renewed_at >= heartbeat_s

    def flush(self) -> JournalWrite:
        """What is new, for a batch of many runs. The caller holds `lock` until it calls `flushed`."""
        return self._write(self.live.unwritten(), {}, {})

    def flushed(self, write: JournalWrite, accepted: bool) -> None:
        """The batch was answered."""
        if not accepted:
            self.live.close()
            self._on_fenced()
            return
        self.renewed_at = self._store.now()
        if write.chunk is not None:
            self.live.mark_written(write.chunk.seq)

    async def _forget(self, chunk: JournalChunk | None) -> Run:
        """Take away what a commit that did not count may have left, before the head moves past it; the run as it is."""
        current = await self._store.get(Run, self.run.id, scope=Scope(self.run.owner))
        if chunk is not None and current.claim == self.run.claim and current.journal_last < chunk.seq:
            await self._store.delete(JournalChunk, chunk.id, scope=Scope(self.run.owner))
        self._unsure = None
        return current

    def _write(self, events: Sequence[Event], changes: Changes, only_if: Conditions) -> JournalWrite:
        last = {"journal_last": events[-1].number} if events else {}
        return JournalWrite(
            run_id=self.run.id,
            chunk=chunk_of(self.run, events) if events else None,
            changes={"lease_until": self._store.now() + self._lease_s, **last, **changes},
            only_if={"claim": self.run.claim, **only_if},
        )
