"""Reads the files that were put into vector stores, a bounded number at once, each under a lease that is renewed.

A file is read by whoever claims it, in whichever process. What goes wrong ends in its `last_error`, or in another attempt.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress

from ..errors import EmbeddingFailed, NotFound, StoreUnavailable, UnderpinError
from ..objects.vector_store import VectorStore
from ..objects.vector_store_file import FileError, VectorStoreFile
from ..parsing.base import Unparsable, UnparsableCode
from ..store.base import EVERYONE
from .ingest_attempt import Workbench
from .ingest_claims import IngestClaims
from .leftovers import clear_chunk_set
from .store_files import StoreFiles
from .vector_stores import has_expired

logger = logging.getLogger("underpin.knowledge")

RENEW_S = 1.0
"""At the latest: so quickly a worker hears that its file was cancelled or taken out."""
MOST_SOON = 100
STORE_WAIT_S = 2.0
"""Before a file is read again during which the database went away."""
BROKE = "The server made a mistake while it read this file. Its log tells more."
STOPS_WITHIN_S = 5.0


class Ingest:
    """`at_once`: files read at the same time by this process. `every_s`: how often it looks for more."""

    def __init__(self, bench: Workbench, claims: IngestClaims, files: StoreFiles, *, at_once: int, every_s: float) -> None:
        self._bench = bench
        self._claims = claims
        self._files = files
        self._at_once = at_once
        self._every_s = every_s
        self._soon: deque[VectorStoreFile] = deque(maxlen=MOST_SOON)
        self._queue: deque[VectorStoreFile] = deque()
        self._working: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.failing: str | None = None
        """Why no file is read at the moment, for /ready; None when nothing is wrong."""

    def start(self) -> None:
        """Begin to read."""
        if self._task is None:
            self._task = asyncio.create_task(self._read_forever(), name="ingest")

    async def stop(self) -> None:
        """Read no more: what is being read is handed back. May be called twice."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        for working in self._working:
            working.cancel()
        await asyncio.wait({task, *self._working}, timeout=STOPS_WITHIN_S)

    def wake(self, file: VectorStoreFile | None = None) -> None:
        """There is something to read. A file that came alone does not wait for those of a batch."""
        if file is not None and file.status == "in_progress":
            self._soon.append(file)
        self._wake.set()

    async def _read_forever(self) -> None:
        while True:
            try:
                await self._fill()
                self.failing = None
            except UnderpinError as error:
                self._tell(error.message)
            except Exception:
                logger.exception("❌ Reading files broke; it is tried again")
                self.failing = "Reading files broke; the log tells why."
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._wake.wait()
            self._wake.clear()

    def _tell(self, why: str) -> None:
        if self.failing is None:
            logger.warning("⚠️ Files are not read: %s It is tried again.", why)
        self.failing = why

    async def _fill(self) -> None:
        """Give every free place something to read."""
        while len(self._working) < self._at_once:
            if not self._soon and not self._queue:
                self._queue.extend(await self._claims.waiting())
                if not self._queue:
                    return
            found = self._soon.popleft() if self._soon else self._queue.popleft()
            claimed = await self._claims.take(found)
            if claimed is not None:
                working = asyncio.create_task(self._work(claimed), name=f"reads {claimed.file_id}")
                self._working.add(working)
                working.add_done_callback(self._done)

    def _done(self, working: asyncio.Task[None]) -> None:
        self._working.discard(working)
        if not working.cancelled() and (error := working.exception()) is not None:
            logger.error("❌ Reading a file broke", exc_info=error)
        self._wake.set()

    async def _work(self, file: VectorStoreFile) -> None:
        reading = asyncio.create_task(self._read(file))
        renewing = asyncio.create_task(self._renew(file))
        try:
            await asyncio.wait({reading, renewing}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _ended(reading, renewing)
            await self._hand_back(file)
            raise
        if reading.done():
            await _ended(renewing)
            reading.result()
            return
        # It was cancelled or taken out, or another worker has it: what was written of it is nobody's.
        await _ended(reading, renewing)
        with suppress(StoreUnavailable):
            await clear_chunk_set(self._bench.store, file.set_of(file.attempt), file.embedders)

    async def _hand_back(self, file: VectorStoreFile) -> None:
        try:
            await self._claims.hand_back(file)
        except UnderpinError as error:
            logger.warning("⚠️ File %s is read again when its lease is over: %s", file.file_id, error.message)

    async def _renew(self, file: VectorStoreFile) -> None:
        """Returns when the file is no longer this worker's."""
        store, pause_s = self._bench.store, min(RENEW_S, self._claims.lease_s / 3)
        good_until = store.now() + self._claims.lease_s
        while store.now() < good_until:
            await asyncio.sleep(pause_s)
            asked = store.now()
            with suppress(StoreUnavailable):
                if not await self._claims.renew(file):
                    return
                good_until = asked + self._claims.lease_s

    async def _read(self, file: VectorStoreFile) -> None:
        """One attempt, and what follows from it."""
        try:
            await self._attempt(file)
        except StoreUnavailable as error:
            # No fault of the file. When this cannot be written either, its lease runs out.
            logger.warning("⚠️ File %s is read again: %s", file.file_id, error.message)
            with suppress(StoreUnavailable):
                await self._claims.hand_back(file, wait_s=STORE_WAIT_S)

    async def _attempt(self, file: VectorStoreFile) -> None:
        try:
            if not await self._is_wanted(file):
                return
            made = await self._bench.read(file, file.set_of(file.attempt))
            await self._bench.still_there(file)
            if await self._claims.complete(file, made):
                logger.info("Read file %s: %d chunks", file.file_id, made.chunks)
        except StoreUnavailable:
            raise
        except Unparsable as error:
            await self._went_wrong(file, error.code, error.message, again=error.code == "server_error")
        except EmbeddingFailed as error:
            await self._went_wrong(file, "server_error", error.message, again=error.retryable, wait_s=error.retry_after_s)
        except Exception:
            logger.exception("❌ Reading file %s broke", file.file_id)
            await self._went_wrong(file, "server_error", BROKE, again=True)

    async def _went_wrong(
        self, file: VectorStoreFile, code: UnparsableCode, message: str, *, again: bool, wait_s: float | None = None
    ) -> None:
        error = FileError(code=code, message=message)
        known = await (self._claims.later(file, error, wait_s=wait_s) if again else self._claims.fail(file, error))
        if known:
            logger.info("File %s was not read: %s", file.file_id, message)

    async def _is_wanted(self, file: VectorStoreFile) -> bool:
        """Whether its store is there; else the file goes too."""
        try:
            store = await self._bench.store.get(VectorStore, file.vector_store_id, scope=EVERYONE)
        except NotFound:
            store = None
        if store is not None and not store.going and not has_expired(store):
            return True
        await self._files.take_out(file)
        return False


async def _ended(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)  # bounded: nothing in them holds on when it is cancelled
