"""Filling a standing store from a disk: what is new is added, what changed is replaced, what is the same is left alone.

Each step may be broken off and done again. A file that replaces another is there and searched before the old one goes.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import UnderpinError, VectorStoreAway
from ..files.files import Files
from ..objects.stored import DEFAULT_OWNER
from .folder_files import SHA256, SOURCE, FolderFile, Missed, sha256_of
from .standing_files import StandingFile, StandingFiles

Outcome = Literal["added", "replaced", "unchanged", "failed"]

MOST_AHEAD = 64
"""Files that wait to be read at a time: the next is sent when one of them is done."""
LOOK_S = 0.5
NOBODY_READS_S = 900.0
"""Longer than the largest file may take; after it nobody can be at work."""
_PIECE_BYTES = 1 << 18


@dataclass(frozen=True)
class Told:
    """What became of a file; `reason` of one that failed."""

    shown: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class _Sent:
    file_id: str
    shown: str
    olds: tuple[str, ...]


class Filling:
    """`tell` is called once for each file, when it is settled. `most_bytes`: the largest file."""

    def __init__(
        self, files: Files, standing_files: StandingFiles, store_id: str, *, most_bytes: int, tell: Callable[[Told], None]
    ) -> None:
        self._files = files
        self._standing_files = standing_files
        self._store_id = store_id
        self._most_bytes = most_bytes
        self._tell = tell
        self._waiting: deque[_Sent] = deque()
        self._last_news = time.monotonic()

    @property
    def waiting(self) -> int:
        """Files that were sent and are not read yet."""
        return len(self._waiting)

    async def fill(self, found: Sequence[FolderFile | Missed]) -> None:
        """Until each of them is settled. Raises what says that the store itself cannot be asked; a file's own trouble is told."""
        there = list(await self._standing_files.listed(self._store_id))
        for file in found:
            if isinstance(file, Missed):
                self._tell(Told(file.shown, "failed", file.reason))
                continue
            try:
                await self._settle(file, there)
            except OSError as error:
                self._tell(Told(file.shown, "failed", error.strerror or "It cannot be read."))
            while len(self._waiting) >= MOST_AHEAD:
                await self._look()
        while self._waiting:
            await self._look()

    async def _settle(self, file: FolderFile, there: Sequence[StandingFile]) -> None:
        size = file.path.stat().st_size
        if size > self._most_bytes:
            reason = f"It has {size:,} bytes, and {self._most_bytes:,} are the most. MAX_FILE_BYTES sets that."
            return self._tell(Told(file.shown, "failed", reason))
        sha256 = await asyncio.to_thread(sha256_of, file.path)
        before = [one for one in there if one.attributes.get(SOURCE) == file.source]
        # Its own entry before that of a twin elsewhere.
        same = next((one for one in (*before, *there) if _is_same(one, file, sha256)), None)
        if same is not None:
            await self._remove([one.file_id for one in before if one.file_id != same.file_id])
            if same.status == "in_progress":  # of a filling that was broken off
                self._waiting.append(_Sent(same.file_id, file.shown, ()))
                return None
            return self._tell(Told(file.shown, "unchanged"))
        async with self._files.arriving(DEFAULT_OWNER) as arrival:
            await arrival.take(_pieces(file.path))
            file_id = await self._standing_files.add(self._store_id, arrival, file.name, {SOURCE: file.source, SHA256: sha256})
        self._last_news = time.monotonic()
        self._waiting.append(_Sent(file_id, file.shown, tuple(one.file_id for one in before)))
        return None

    async def _look(self) -> None:
        """Tell of those that are read by now."""
        await asyncio.sleep(LOOK_S)
        status = {one.file_id: one for one in await self._standing_files.listed(self._store_id)}
        for sent in list(self._waiting):
            one = status.get(sent.file_id)
            if one is not None and one.status == "in_progress":
                continue
            self._waiting.remove(sent)
            self._last_news = time.monotonic()
            await self._end(sent, one)
        if self._waiting and time.monotonic() - self._last_news > NOBODY_READS_S:
            raise VectorStoreAway(f"{len(self._waiting)} files wait to be read, and nobody reads them. They stay in the store.")

    async def _end(self, sent: _Sent, one: StandingFile | None) -> None:
        if one is None:
            return self._tell(Told(sent.shown, "failed", "Somebody removed it meanwhile."))
        if one.status != "completed":
            # What it should have replaced stays.
            await self._remove([sent.file_id])
            return self._tell(Told(sent.shown, "failed", one.reason or f"It was {one.status}."))
        await self._remove(sent.olds)
        return self._tell(Told(sent.shown, "replaced" if sent.olds else "added"))

    async def _remove(self, file_ids: Sequence[str]) -> None:
        for file_id in file_ids:
            try:
                await self._standing_files.remove(self._store_id, file_id)
            except UnderpinError as error:
                self._tell(Told(file_id, "failed", f"Its older version could not be removed: {error.message}"))


def _is_same(one: StandingFile, file: FolderFile, sha256: str) -> bool:
    """The same content under the same name is the same file, though its folder was moved."""
    if one.status not in ("completed", "in_progress") or one.attributes.get(SHA256) != sha256:
        return False
    return one.attributes.get(SOURCE) == file.source or one.filename == file.name


async def _pieces(path: Path) -> AsyncGenerator[bytes, None]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece
    finally:
        file.close()
