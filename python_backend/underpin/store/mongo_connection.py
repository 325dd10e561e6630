"""The connection to MongoDB: up when the server is, with the server's time, and every failure turned into a sentence."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from ..errors import StoreUnavailable
from .mongo_errors import RETRY_AFTER_S, WrongLogin, bad_uri, translated

logger = logging.getLogger("underpin.store")

R = TypeVar("R")
Document = dict[str, Any]

DEFAULT_DATABASE = "ai-geotech-db"
"""The guide's, for a URI that names none."""
_NO_SUCH_COMMAND = 59
SAMPLE_S = 30.0
"""How often the server's clock is read. A clock that drifts by 100 ppm is 3 ms off by then."""


class Connection:
    """One for a process. `answer_s` bounds the choice of a server and each read of a socket; `retry_s` is the pause between two
    attempts while the server is away; `prepare` makes indexes, at each first contact."""

    def __init__(self, uri: str, *, answer_s: float, retry_s: float, prepare: Callable[[], Awaitable[None]]) -> None:
        self._uri = uri
        self._answer_s = answer_s
        self._retry_s = retry_s
        self._prepare = prepare
        self._client: AsyncMongoClient[Document] | None = None
        self._database: AsyncDatabase[Document] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._contact = asyncio.Event()
        self._why = StoreUnavailable("MongoDB was not reached yet.", retry_after_s=RETRY_AFTER_S)
        self._wrong: WrongLogin | None = None
        self._ahead_s = time.time() - time.monotonic()
        self._latest_s = 0.0
        self.host = "the host of MONGODB_URI"

    async def open(self) -> None:
        """Return when the server answered, or after `answer_s` all the same: it is tried on. Raises ConfigError for a URI or a
        login that waiting does not mend."""
        milliseconds = int(self._answer_s * 1000)
        try:
            self._client = AsyncMongoClient(
                self._uri,
                tz_aware=True,
                tzinfo=UTC,
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
                socketTimeoutMS=2 * milliseconds,
                appname="underpin",
            )
            self._database = self._client.get_default_database(DEFAULT_DATABASE)
        except (PyMongoError, ValueError) as error:
            raise bad_uri(error) from None
        self.host = _hosts(self._client)
        self._keeper = asyncio.create_task(self._keep(), name="MongoDB connection")
        try:
            async with asyncio.timeout(self._answer_s + 0.5):
                await self._contact.wait()
        except TimeoutError:
            return
        if self._wrong is not None:
            raise self._wrong

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        self._contact.clear()
        self._why = StoreUnavailable("The store is closed.")
        if self._client is not None:
            await self._client.close()
            self._client = None

    def now(self) -> float:
        """The server's time by its last sample and this host's monotonic clock; never back."""
        self._latest_s = max(self._latest_s, time.monotonic() + self._ahead_s)
        return self._latest_s

    def collection(self, name: str) -> AsyncCollection[Document]:
        assert self._database is not None
        return self._database.get_collection(name, codec_options=CodecOptions(tz_aware=True, tzinfo=UTC))

    async def call(self, work: Callable[[], Awaitable[R]]) -> R:
        """Do something with the server. Raises StoreUnavailable until it was reached once, and for every failure of its own."""
        if not self._contact.is_set():
            raise StoreUnavailable(self._why.message, retry_after_s=RETRY_AFTER_S)
        return await self.attempt(work)

    async def attempt(self, work: Callable[[], Awaitable[R]]) -> R:
        """`call` without the wait for a first contact."""
        try:
            return await work()
        except PyMongoError as error:
            raise translated(error, self.host) from None

    async def ping(self) -> None:
        await self.call(self._sample)

    async def _keep(self) -> None:
        """Reach the server, and then read its clock now and then. A login that it refuses ends this, before first contact."""
        while True:
            try:
                await self.attempt(self._sample)
                if not self._contact.is_set():
                    await self._prepare()
                    self._contact.set()
                    logger.info("✅ Connected to MongoDB at %s", self.host)
            except WrongLogin as error:
                self._wrong, self._why = error, StoreUnavailable(error.message)
                self._contact.set()
                return
            except StoreUnavailable as error:
                if error.message != self._why.message:
                    logger.warning("⚠️ %s It is tried again every %g s.", error.message, self._retry_s)
                self._why = error
            await asyncio.sleep(SAMPLE_S if self._contact.is_set() else self._retry_s)

    async def _sample(self) -> None:
        assert self._client is not None
        began = time.monotonic()
        hello = await _hello(self._client)
        ended = time.monotonic()
        local = hello.get("localTime")
        if isinstance(local, datetime):
            self._ahead_s = local.timestamp() - (began + ended) / 2


async def _hello(client: AsyncMongoClient[Document]) -> Document:
    """Compatible servers of older versions know the command by its former name only."""
    try:
        return await client.admin.command("hello")
    except OperationFailure as error:
        if error.code != _NO_SUCH_COMMAND:
            raise
        return await client.admin.command("isMaster")


def _hosts(client: AsyncMongoClient[Document]) -> str:
    """host:port of the URI's seeds, which is all that may be shown of it."""
    seeds = sorted(client.topology_description.server_descriptions())
    return ", ".join(f"{host}:{port}" for host, port in seeds) or "the host of MONGODB_URI"
