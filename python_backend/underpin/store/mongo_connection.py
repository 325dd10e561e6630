"""The connection to MongoDB: there as soon as the server is, with the server's time, and every failure told as a sentence.

A call is done to its end, whoever waits for it: what was asked of the server cannot be unasked.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from ..errors import ConfigError, StoreUnavailable, UnderpinError
from .mongo_address import Address, Timeouts, client_of, database_of
from .mongo_address import Document as Document
from .mongo_clock import ServerClock
from .mongo_errors import DRIVER_ERRORS, RETRY_AFTER_S, Refused, translated

logger = logging.getLogger("underpin.store")

R = TypeVar("R")
Prepare = Callable[[AsyncDatabase[Document]], Awaitable[None]]

NO_SUCH_COMMAND = 59
PATIENCE = 5
CLOSED = "The store is closed."


class Connection:
    """One for a process. `retry_s` is the pause between two attempts while the server is away, `sample_s` the one between two
    looks at its clock; `prepare` makes indexes when it is reached for the first time. It is opened once, and not again."""

    def __init__(
        self,
        uri: str,
        *,
        prepare: Prepare,
        timeouts: Timeouts | None = None,
        retry_s: float = 1.0,
        sample_s: float = 10.0,
        clock: ServerClock | None = None,
    ) -> None:
        self._uri = uri
        self._prepare = prepare
        self._timeouts = timeouts or Timeouts()
        self._retry_s = retry_s
        self._sample_s = sample_s
        self._clock = clock or ServerClock()
        self._client: AsyncMongoClient[Document] | None = None
        self._database: AsyncDatabase[Document] | None = None
        self._address: Address | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._first_answer = asyncio.Event()
        self._why: StoreUnavailable | None = StoreUnavailable("The store is not open.")
        """Why nothing can be asked; None once the server was reached, for as long as the connection is open."""
        self._away: str | None = None
        """Why the last look at the server failed."""
        self._hello = "hello"
        self._calls: set[asyncio.Task[Any]] = set()
        self._turns: dict[str, asyncio.Task[Any]] = {}
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Return when the server was reached, or was found away: then it is tried on, and every call says why. Raises ConfigError
        for what a setting must mend."""
        self._client, self._address = client_of(self._uri, self._timeouts)
        self._database = database_of(self._client, self._address, self._timeouts)
        self._keeper = asyncio.create_task(self._keep(), name="MongoDB connection")
        try:
            await self._first_answer.wait()  # bounded: by the driver's timeouts
        except asyncio.CancelledError:
            await self.close()
            raise
        why = self._why
        if isinstance(why, Refused):
            await self.close()
            raise ConfigError(why.message)

    async def close(self) -> None:
        """Finish what was asked before, and let go. May be called twice."""
        if self._closing is None:
            self._why = StoreUnavailable(CLOSED)
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    def now(self) -> float:
        """The server's time, by its last samples and this host's clock. Raises StoreUnavailable before the first."""
        return self._clock.now()

    def collection(self, name: str) -> AsyncCollection[Document]:
        """Raises StoreUnavailable before `open`."""
        if self._database is None:
            raise StoreUnavailable("The store is not open.")
        return self._database.get_collection(name)

    async def call(self, work: Callable[[], Awaitable[R]], *, turns: Sequence[str] = ()) -> R:
        """Ask the server for something. Calls that share one of their `turns` are done one after the other, as they were asked.

        Raises StoreUnavailable until the server was reached, and for every failure of its own.
        """
        if self._why is not None:
            raise StoreUnavailable(self._why.message, retry_after_s=RETRY_AFTER_S)
        before = [self._turns[turn] for turn in turns if turn in self._turns]
        calling: asyncio.Task[R] = asyncio.create_task(self._in_turn(work, before))
        self._calls.add(calling)
        calling.add_done_callback(self._end_call)
        for turn in turns:
            self._turns[turn] = calling
            calling.add_done_callback(partial(self._end_turn, turn))
        try:
            return await asyncio.shield(calling)
        except asyncio.CancelledError:
            asking = asyncio.current_task()
            if calling.cancelled() and asking is not None and not asking.cancelling():
                raise StoreUnavailable(CLOSED) from None  # the call was given up, and not who waited for it
            raise

    async def ping(self) -> None:
        """Return when the server answers one who may use the database."""
        await self.call(self._sample)

    async def _in_turn(self, work: Callable[[], Awaitable[R]], before: Sequence[asyncio.Task[Any]]) -> R:
        asked_s = time.monotonic()
        if before:
            await asyncio.wait(before)  # bounded: each gives up when it waited too long
            if time.monotonic() - asked_s > self._timeouts.answer_s:
                raise StoreUnavailable("The database does not answer: it is busy.", retry_after_s=RETRY_AFTER_S)
        return await self._told(work)

    def _end_call(self, call: asyncio.Task[Any]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # looked at here too: whoever asked may have gone, and then nobody else does

    def _end_turn(self, turn: str, call: asyncio.Task[Any]) -> None:
        if self._turns.get(turn) is call:
            del self._turns[turn]

    async def _told(self, work: Callable[[], Awaitable[R]]) -> R:
        """What the work gives, or the driver's error as ours."""
        assert self._client is not None
        assert self._address is not None
        try:
            return await work()
        except DRIVER_ERRORS as error:
            servers = self._client.topology_description.server_descriptions().values()
            raise translated(error, self._address, [server.error for server in servers]) from None

    async def _keep(self) -> None:
        """Reach the server, and then look at its clock now and then; say when it goes and when it is back."""
        while True:
            try:
                await self._look()
                pause_s = self._sample_s
            except UnderpinError as error:
                self._is_away(error)
                # A server that counts wrong passwords must not lock the user out.
                pause_s = PATIENCE * self._retry_s if isinstance(error, Refused) else self._retry_s
            except Exception:
                logger.exception("❌ The connection to MongoDB broke; it is tried again")
                pause_s = self._retry_s
            self._first_answer.set()
            await asyncio.sleep(pause_s)

    async def _look(self) -> None:
        assert self._database is not None
        assert self._address is not None
        await self._told(self._sample)
        if self._why is not None:
            await self._told(partial(self._prepare, self._database))
            self._why = None if self._closing is None else self._why
            logger.info("✅ Connected to MongoDB at %s", self._address.hosts)
        elif self._away is not None:
            logger.info("✅ MongoDB at %s answers again", self._address.hosts)
        self._away = None

    def _is_away(self, error: UnderpinError) -> None:
        if self._why is not None and self._closing is None:
            self._why = error if isinstance(error, StoreUnavailable) else StoreUnavailable(error.message)
        if error.message != self._away and not (isinstance(error, Refused) and not self._first_answer.is_set()):
            logger.warning("⚠️ %s It is tried again.", error.message)
        self._away = error.message

    async def _sample(self) -> None:
        assert self._database is not None
        asked = self._clock.asked()
        try:
            answer = await self._database.command(self._hello)
        except OperationFailure as error:
            if error.code != NO_SUCH_COMMAND or self._hello == "isMaster":
                raise
            self._hello = "isMaster"  # its former name, which compatible servers may still go by
            await self._sample()
            return
        local = answer.get("localTime")
        if not isinstance(local, datetime):
            raise StoreUnavailable("MongoDB does not tell its time (localTime of hello), which decides who owns a run.")
        self._clock.answered(asked, local.timestamp())

    async def _close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._calls:
            _, late = await asyncio.wait(set(self._calls), timeout=self._timeouts.close_s)
            for call in late:
                call.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._client is not None:
            try:
                async with asyncio.timeout(self._timeouts.answer_s):
                    await self._client.close()
            except TimeoutError:
                await self._client.close()  # without the goodbye to the server, for which the first waited
