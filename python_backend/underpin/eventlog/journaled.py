"""The EventLog that ships: live followers read memory, the others the journal; one flusher a process writes every active run."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence

from ..errors import StoreUnavailable
from ..objects.run import Run
from ..store.base import Scope, Store
from .base import Event, EventLog, RunWriter
from .journal import read
from .memory import LiveLog
from .writer import JournaledWriter

logger = logging.getLogger("underpin.eventlog")


class JournaledLog(EventLog):
    """`flush_s`: how often what is new is written; `tail_s`: how often a follower of another process's run reads the journal."""

    def __init__(self, store: Store, *, flush_s: float, lease_s: float, heartbeat_s: float, tail_s: float = 0.2) -> None:
        self._store = store
        self._flush_s = flush_s
        self._lease_s = lease_s
        self._heartbeat_s = heartbeat_s
        self._tail_s = tail_s
        self._writers: dict[str, JournaledWriter] = {}
        self._active = asyncio.Event()
        self._stopping = False
        self._flusher: asyncio.Task[None] | None = None

    def open(self, run: Run, on_fenced: Callable[[], None]) -> RunWriter:
        writer = JournaledWriter(self._store, run, lease_s=self._lease_s, on_fenced=on_fenced)
        self._writers[run.id] = writer
        self._active.set()
        return writer

    async def follow(
        self, run_id: str, after: int, *, scope: Scope, tick_s: float | None = None
    ) -> AsyncGenerator[Sequence[Event], None]:
        quiet_s = 0.0
        live: LiveLog | None = None
        while True:
            if live is not None and live.cut:
                raise StoreUnavailable(f"The end of run {run_id} cannot be written. Follow it again in a moment.")
            live = self._live(run_id, scope)
            batch = live.since(after) if live is not None else None
            if live is not None and batch is not None:
                if batch:
                    after = batch[-1].number
                    yield batch
                elif live.complete or self._stopping:
                    return
                elif not await live.wait(after, tick_s):
                    yield ()
                continue
            before = after
            run = await self._store.get(Run, run_id, scope=scope)
            async for old in read(self._store, run, after, scope=scope):
                after, quiet_s = old[-1].number, 0.0
                yield old
            if run.ended or (run.status == "requires_action" and self._live(run_id, scope) is None) or self._stopping:
                return
            after = max(after, run.first_number - 1)  # what a dead owner may have sent beyond its journal does not count
            if after == before and self._live(run_id, scope) is None:
                await asyncio.sleep(self._tail_s)  # another process writes it: its journal is all there is to look at
                quiet_s += self._tail_s
                if tick_s is not None and quiet_s >= tick_s:
                    quiet_s = 0.0
                    yield ()

    def kept(self, run: Run) -> AsyncGenerator[Sequence[Event], None]:
        return read(self._store, run, 0, scope=Scope(run.owner))

    def _live(self, run_id: str, scope: Scope) -> LiveLog | None:
        writer = self._writers.get(run_id)
        if writer is None or writer.run.owner != scope.owner or (writer.live.closed and not writer.live.complete):
            return None
        return writer.live

    async def start(self) -> None:
        self._flusher = asyncio.create_task(self._flush_forever(), name="journal flusher")

    def end_followers(self) -> None:
        self._stopping = True
        for writer in self._writers.values():
            writer.wake()

    async def stop(self) -> None:
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
            self._flusher = None
        try:
            await self._flush()
        except StoreUnavailable as error:
            logger.warning("⚠️ What runs said last could not be written: %s", error.message)
        for writer in list(self._writers.values()):
            await writer.close()
        self._writers.clear()

    async def _flush_forever(self) -> None:
        failing = False
        while True:
            await self._active.wait()
            await asyncio.sleep(self._flush_s)
            try:
                await self._flush()
                failing = False
            except StoreUnavailable as error:
                if not failing:
                    logger.warning("⚠️ The journal cannot be written: %s Runs go on; it is tried again.", error.message)
                failing = True
            except Exception:
                logger.exception("❌ The journal's flusher broke; it is tried again")

    async def _flush(self) -> None:
        now = self._store.now()
        for run_id in [run_id for run_id, writer in self._writers.items() if writer.live.closed]:
            del self._writers[run_id]
        if not self._writers:
            self._active.clear()
        due = [w for w in self._writers.values() if not w.lock.locked() and w.due(now, self._heartbeat_s)]
        if not due:
            return
        for writer in due:
            await writer.lock.acquire()  # free, as just seen: this does not wait
        try:
            batch = [writer.flush() for writer in due]
            accepted = await self._store.write_journal(batch)
            for writer, write, yes in zip(due, batch, accepted, strict=True):
                writer.flushed(write, yes)
        finally:
            for writer in due:
                writer.lock.release()
