"""The embedded Store: one SQLite file, a table a kind, an object as a JSON document beside what orders and scopes it.

Every verb is one statement, which is what makes it atomic; only a refused update and the journal's batch need a transaction.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from ..errors import NotFound
from ..ids import new_id
from ..objects.journal_chunk import JournalChunk
from ..objects.owner import Owner
from ..objects.run import Run
from ..objects.stored import Stored
from . import sqlite_jobs as jobs
from . import sqlite_query as query
from .base import EVERYONE, Changes, Conditions, JournalWrite, Order, Page, Scope
from .fields import batches, noun
from .kinds import KINDS
from .sqlite_clock import HostClocks, StoreClock
from .sqlite_database import Database
from .sqlite_opening import FILE, prepare
from .worker_locks import WorkerLocks

T = TypeVar("T", bound=Stored)
R = TypeVar("R")

MOST_ROWS = 1000


class SqliteStore:
    """The Store seam over `<data_dir>/underpin.sqlite3`. It is opened once, and not again after it was closed.

    `synchronous` is SQLite's own: with NORMAL a killed process loses nothing that was answered but a power cut may lose the last
    moments; FULL flushes the disk at every write against that. `busy_timeout_s` is how long a write waits for another program's
    lock. `worker` names this process to the others of the host; a fresh name when none is given.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        worker: str | None = None,
        synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
        busy_timeout_s: float = 2.0,
        readers: int = 2,
        kinds: Sequence[type[Stored]] = KINDS,
        clocks: HostClocks | None = None,
    ) -> None:
        self.worker = worker or new_id("worker_")
        self.clocks = clocks or HostClocks()
        self.database = Database(data_dir / FILE, synchronous=synchronous, busy_timeout_s=busy_timeout_s, readers=readers)
        self._data_dir = data_dir
        self._kinds = tuple(kinds)
        self._clock = StoreClock(self.clocks)
        self._locks = WorkerLocks(data_dir / "workers", self.worker)
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make or migrate the file, and be a worker of this host. Raises ConfigError, or StoreUnavailable while it is locked."""
        opening = asyncio.create_task(self._open())
        try:
            await asyncio.shield(opening)
        except BaseException:
            await asyncio.wait({opening})  # bounded: by the turn of opening, and the database's own timeouts
            await self.close()
            raise

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    def now(self) -> float:
        return self._clock.now()

    async def worker_lives(self, worker: str) -> bool | None:
        return await asyncio.to_thread(self._locks.lives, worker)

    async def ping(self) -> None:
        """Return when the database can be read and written."""
        await self.database.read(lambda connection: connection.execute("SELECT 1 FROM clock").fetchall())
        await self.database.write(jobs.take_write_lock)

    async def add(self, obj: Stored) -> None:
        await self._write(partial(jobs.insert, self._known(type(obj)), jobs.row_of(obj)))

    async def add_many(self, objs: Sequence[Stored]) -> None:
        for batch in batches(objs):
            rows = [(self._known(type(obj)), jobs.row_of(obj)) for obj in batch]
            await self._write(partial(jobs.insert_new, rows))

    async def get(self, kind: type[T], id: str, *, scope: Scope) -> T:
        found = await self.database.read(partial(jobs.objects, kind, query.get(self._known(kind), id, scope)))
        if not found:
            raise NotFound(f"No {noun(kind)} found with id '{id}'.")
        return found[0]

    async def update(self, kind: type[T], id: str, changes: Changes, *, scope: Scope, only_if: Conditions | None = None) -> T:
        sql = query.update(self._known(kind), id, changes, only_if or {}, scope)
        return await self._write(partial(jobs.update, kind, id, sql))

    async def delete(self, kind: type[T], id: str, *, scope: Scope) -> bool:
        return await self._write(partial(jobs.count, query.delete(self._known(kind), id, scope))) > 0

    async def page(
        self,
        kind: type[T],
        parent: str | None,
        *,
        scope: Scope,
        after: int | None = None,
        before: int | None = None,
        limit: int = 20,
        order: Order = "desc",
        where: Conditions | None = None,
    ) -> Page[T]:
        """As the seam says. Raises ValueError for a limit beyond 1 to 1000, and for a place in the order of no parent."""
        self._known(kind)
        if not 1 <= limit <= MOST_ROWS:
            raise ValueError(f"limit is 1 to {MOST_ROWS}, not {limit}.")
        # One row more than asked for tells whether there are more.
        part = query.stretch(after, before, order, rows=limit + 1)
        if parent is not None:
            sql = query.of_parent(kind, parent, where or {}, scope, part)
        elif after is None and before is None:
            sql = query.everywhere(kind, where or {}, scope, rows=limit + 1)
        else:
            raise ValueError("after and before are places in one parent's order: they need a parent.")
        found = await self.database.read(partial(jobs.objects, kind, sql))
        data = found[:limit]
        return Page(data if part.falling == (order == "desc") else data[::-1], has_more=len(found) > limit)

    async def clear(self, kind: type[T], parent: str, *, scope: Scope, up_to_seq: int | None = None) -> int:
        return await self._write(partial(jobs.count, query.clear(self._known(kind), parent, scope, up_to_seq)))

    async def next_seq(self, owner: str) -> int:
        return await self._write(partial(jobs.next_seq, jobs.row_of(Owner(id=owner, owner=owner, last_seq=1))))

    async def write_journal(self, batch: Sequence[JournalWrite]) -> list[bool]:
        prepared = [
            (
                query.update(Run, write.run_id, write.changes, write.only_if, EVERYONE).change,
                None if write.chunk is None else jobs.row_of(write.chunk),
            )
            for write in batch
        ]
        return await self._write(partial(jobs.write_journal, prepared, JournalChunk.kind)) if prepared else []

    async def _write(self, job: Callable[[sqlite3.Connection], R]) -> R:
        def dated(connection: sqlite3.Connection) -> R:
            self._clock.keep(connection)
            return job(connection)

        return await self.database.write(dated)

    def _known(self, kind: type[T]) -> type[T]:
        if kind not in self._kinds:
            raise TypeError(f"{kind.__name__} is not among the kinds of this store.")
        return kind

    async def _open(self) -> None:
        await asyncio.to_thread(prepare, self._data_dir, self._kinds, self._clock.start)
        await asyncio.to_thread(self._locks.hold)
        await self.database.connect()

    async def _close(self) -> None:
        await self.database.close()
        await asyncio.to_thread(self._locks.release)
