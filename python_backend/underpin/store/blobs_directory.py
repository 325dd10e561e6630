"""Blobs as files of one directory, beside the embedded store. A file has the blob's id as its name, and nothing of the user's.

Bytes are written under `ID.part`, flushed, and then named; so a name that is there has all its bytes.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..errors import ConfigError, StoreUnavailable
from .blobs_names import check_name, not_there, there_already

R = TypeVar("R")

PIECE_BYTES = 1 << 20
"""As much as one hop to a thread reads or writes: a hop costs about as much as copying 100 kB."""
THREADS = 4
"""Of its own, so that a slow disk does not hold up what else runs in threads."""
NOT_LINKED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class DirectoryBlobs:
    """The Blobs seam over `<data_dir>/blobs`. Any number of processes of the host may use one directory."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "blobs"
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="blobs")

    async def open(self) -> None:
        try:
            await self._in_thread(partial(self.folder.mkdir, mode=0o700, parents=True, exist_ok=True))
        except OSError as error:
            raise ConfigError(
                f"The folder of files in the data directory cannot be made ({error.strerror}). Look at its permissions, or "
                "choose another UNDERPIN_DATA_DIR."
            ) from error

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    async def write(self, id: str, pieces: AsyncIterable[bytes]) -> int:
        path, part = self._path(id), self._part(id)
        file = await self._on_disk(id, partial(_create, path, part), undo=partial(_abandon, part))
        try:
            size = await self._fill(id, file, pieces)
        except BaseException:
            await self._in_thread(partial(_abandon, part, file))
            raise
        await self._on_disk(id, partial(_finish, file, part, path), undo=lambda _: _remove(path))
        return size

    def read(self, id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return self._read(id, self._path(id))

    async def delete(self, id: str) -> bool:
        path, part = self._path(id), self._part(id)
        await self._on_disk(id, partial(_remove, part))
        return await self._on_disk(id, partial(_remove, path))

    async def _fill(self, id: str, file: int, pieces: AsyncIterable[bytes]) -> int:
        size, waiting = 0, bytearray()
        async for piece in pieces:
            size += len(piece)
            waiting += piece
            if len(waiting) >= PIECE_BYTES:
                await self._on_disk(id, partial(_write_all, file, bytes(waiting)))
                waiting.clear()
        await self._on_disk(id, partial(_write_all, file, bytes(waiting)))
        return size

    @asynccontextmanager
    async def _read(self, id: str, path: Path) -> AsyncGenerator[AsyncIterator[bytes], None]:
        file = await self._on_disk(id, partial(os.open, path, os.O_RDONLY | NOT_LINKED), undo=os.close)
        try:
            yield self._pieces(id, file)
        finally:
            await self._in_thread(partial(os.close, file))

    async def _pieces(self, id: str, file: int) -> AsyncIterator[bytes]:
        while piece := await self._on_disk(id, partial(os.read, file, PIECE_BYTES)):
            yield piece

    async def _on_disk(self, id: str, job: Callable[[], R], *, undo: Callable[[R], object] | None = None) -> R:
        try:
            return await self._in_thread(job, undo)
        except FileExistsError:
            raise there_already(id) from None
        except FileNotFoundError:
            raise not_there(id) from None
        except OSError as error:
            raise StoreUnavailable(f"The disk with the files does not answer: {error.strerror}.") from error

    async def _in_thread(self, job: Callable[[], R], undo: Callable[[R], object] | None = None) -> R:
        """Run a job as a whole. Who is cancelled meanwhile waits for its end, a piece or a flush of the disk away, so that nobody
        closes a file that is being written; and gets it undone, because nobody has its result."""
        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, job)
        except RuntimeError as error:
            raise StoreUnavailable("The store is closed.") from error
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait({running})
            if undo is not None and running.exception() is None:
                await self._in_thread(partial(undo, running.result()))
            raise

    def _path(self, id: str) -> Path:
        return self.folder / check_name(id)

    def _part(self, id: str) -> Path:
        return self.folder / f"{id}.part"


def _create(path: Path, part: Path) -> int:
    if path.exists():
        raise FileExistsError
    return os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOT_LINKED, 0o600)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _finish(file: int, part: Path, path: Path) -> None:
    """Give what was written its name; the disk has both afterwards. Nothing is left when that fails."""
    try:
        try:
            os.fsync(file)
        finally:
            os.close(file)
        os.rename(part, path)
    except OSError:
        _remove(part)
        raise
    if sys.platform != "win32":  # there a directory cannot be opened
        _flush_names(path.parent)


def _flush_names(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _abandon(part: Path, file: int) -> None:
    os.close(file)
    _remove(part)


def _remove(path: Path) -> bool:
    with suppress(FileNotFoundError):
        path.unlink()
        return True
    return False
