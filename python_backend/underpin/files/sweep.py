"""What nobody finished or nobody wants any more: half-come bytes of dead writers, expired files, uploads whose time is over.

Every step may be repeated, by any worker.
"""

import asyncio
import logging
import time
from typing import TypeVar

from ..errors import UnderpinError
from ..objects.file import File
from ..objects.has_bytes import HasBytes
from ..objects.stored import Stored
from ..objects.upload import Upload, UploadPart
from ..store.base import EVERYONE, Below, Conditions
from .arrival import Place
from .uploads import Uploads

logger = logging.getLogger("underpin.files")

T = TypeVar("T", bound=Stored)

BATCH = 1000
FAR_S = 1e9
"""Beyond any lease: thirty years."""
KINDS: tuple[type[HasBytes], ...] = (File, UploadPart)


class FileSweep:
    """`every_s`: the pause between two sweeps."""

    def __init__(self, place: Place, uploads: Uploads, *, every_s: float) -> None:
        self._place = place
        self._uploads = uploads
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self.failing: str | None = None
        """Why the last sweep failed, for /ready; None when it did not."""

    async def start(self) -> None:
        """Remove at once what writers left that the host knows to be dead, and then sweep on."""
        await self.sweep(at_start=True)
        self._task = asyncio.create_task(self._sweep_forever(), name="sweep of files")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sweep(self, *, at_start: bool = False) -> None:
        """One round. At start everything that is coming or going is looked at; later what had its time."""
        now = self._place.store.now()
        for kind in KINDS:
            for obj in await self._all(kind, {"lease_until": Below(now + FAR_S if at_start else now)}):
                await self._look_at(obj)
        for file in await self._all(File, {"expires_at": Below(time.time())}):
            await self._place.remove(File, file.id)
        for upload in await self._all(Upload, {"tidy_at": Below(now)}):
            await self._uploads.expire(upload)

    async def _look_at(self, obj: HasBytes) -> None:
        if obj.state == "coming" and await self._place.writer_lives(obj):
            return
        if await self._place.remove(type(obj), obj.id, only_if={"state": obj.state}):
            logger.info("Removed what was left of %s", obj.id)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.sweep()
                self.failing = None
            except UnderpinError as error:
                if self.failing is None:
                    logger.warning("⚠️ The sweep of files failed: %s It is tried again.", error.message)
                self.failing = error.message
            except Exception:
                logger.exception("❌ The sweep of files broke; it is tried again")
                self.failing = "The sweep of files broke; the log tells why."

    async def _all(self, kind: type[T], where: Conditions) -> list[T]:
        return (await self._place.store.page(kind, None, scope=EVERYONE, where=where, limit=BATCH)).data
