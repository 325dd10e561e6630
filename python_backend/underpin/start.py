"""What the server does once before all else, repeated until the store lets it: the process is up while its database is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from .errors import StoreUnavailable

logger = logging.getLogger("underpin")

RETRY_S = 1.0


class Start:
    """`work` may be repeated, and is until it was done once. `waits_for` says what it waits for, None when it is done."""

    def __init__(self, work: Callable[[], Awaitable[None]], retry_s: float = RETRY_S) -> None:
        self._work = work
        self._retry_s = retry_s
        self._task: asyncio.Task[None] | None = None
        self.waits_for: str | None = "The start is not done yet."

    async def begin(self) -> None:
        """Try once, and go on trying in the background if the store is away. Other errors are raised."""
        if not await self._done():
            logger.warning("⚠️ %s The server is up, and begins when the store answers.", self.waits_for)
            self._task = asyncio.create_task(self._repeat(), name="start")

    async def stop(self) -> None:
        """Try no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(self._retry_s)
            if await self._done():
                break
        logger.info("✅ The store answers: the server has begun")

    async def _done(self) -> bool:
        try:
            await self._work()
        except StoreUnavailable as error:
            self.waits_for = error.message
            return False
        self.waits_for = None
        return True
