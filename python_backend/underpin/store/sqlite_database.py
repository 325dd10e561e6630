"""The connections to the SQLite file: one that writes, a few that read and never wait for it.

A job is a function that gets the connection and runs as a whole on its thread. So a transaction is over when its job is, and a
caller who is cancelled stops waiting but leaves nothing open.
"""

import logging
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TypeVar

import aiosqlite

from ..errors import BadInput, StoreUnavailable
from .fields import UNSTORABLE

R = TypeVar("R")
Job = Callable[[sqlite3.Connection], R]

log = logging.getLogger(__name__)

REASONS: dict[int, str] = {
    sqlite3.SQLITE_BUSY: "it is locked by another program",
    sqlite3.SQLITE_LOCKED: "it is locked by another program",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_NOTADB: "its file is not a database",
}


def error_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for what Python's module found by itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def unavailable(error: sqlite3.Error) -> StoreUnavailable:
    reason = REASONS.get(error_code(error), f"it reports {type(error).__name__}")
    return StoreUnavailable(f"The database does not answer: {reason}.")


class _Connection(aiosqlite.Connection):
    async def run(self, job: Job[R]) -> R:
        # aiosqlite offers one hop to its thread for each statement; a whole transaction in one hop is what makes cancellation
        # harmless, and it is several times cheaper.
        result: R = await self._execute(job, self._conn)  # type: ignore[no-untyped-call]
        return result


class Database:
    """The open file. `busy_timeout_s` is how long a job waits for another program's lock, and how long it may have queued
    behind others before it is given up instead of begun: so every caller has an answer within twice that time."""

    def __init__(self, path: Path, *, synchronous: str, busy_timeout_s: float, readers: int) -> None:
        self._path = path
        self._synchronous = synchronous
        self._busy_timeout_s = busy_timeout_s
        self._writer = self._new()
        self._readers = [self._new() for _ in range(readers)]
        self._next_reader = cycle(self._readers)
        self._connected: list[_Connection] = []
        self._closed = False

    async def connect(self) -> None:
        """Raises StoreUnavailable; `close` lets go of what was connected by then."""
        try:
            for connection in [self._writer, *self._readers]:
                await connection
                self._connected.append(connection)
                await connection.run(self._set_up)
            for connection in self._readers:
                await connection.run(_only_read)
        except sqlite3.Error as error:
            raise unavailable(error) from error

    async def close(self) -> None:
        """Finish the jobs that were begun or wait, and close. May be called twice."""
        self._closed = True
        # The writer last: it is the one that may move what the log still holds into the file.
        while self._connected:
            try:
                await self._connected.pop().close()
            except sqlite3.Error as error:
                log.warning("A connection to the database was closed with an error: %s", unavailable(error))

    async def read(self, job: Job[R]) -> R:
        """Run a job that only reads; it sees every write that was answered. Raises StoreUnavailable."""
        return await self._run(next(self._next_reader), job)

    async def write(self, job: Job[R]) -> R:
        """Run a job that writes, after those that were asked for before. Raises StoreUnavailable; nothing was written then."""
        return await self._run(self._writer, job)

    async def _run(self, connection: _Connection, job: Job[R]) -> R:
        if self._closed or not self._connected:
            raise StoreUnavailable("The store is closed.")
        return await connection.run(partial(self._guarded, job, time.monotonic()))

    def _guarded(self, job: Job[R], asked_s: float, connection: sqlite3.Connection) -> R:
        if time.monotonic() - asked_s > self._busy_timeout_s:
            raise StoreUnavailable("The database does not answer: it is busy.")
        try:
            return job(connection)
        except sqlite3.Error as error:
            raise unavailable(error) from error
        except UnicodeEncodeError as error:
            raise BadInput(UNSTORABLE) from error

    def _new(self) -> _Connection:
        connection = _Connection(self._open, iter_chunk_size=64)
        # A process that dies of something else must not hang at its end because nobody closed the store.
        connection._thread.daemon = True
        return connection

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=self._busy_timeout_s, isolation_level=None, cached_statements=512)

    def _set_up(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")


def _only_read(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only = ON")
