"""A worker's store, bytes, and the rooms over them, as the tests of files use them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.watched_store import WatchedStore
from underpin.files.arrival import Place
from underpin.files.files import Files
from underpin.files.sweep import FileSweep
from underpin.files.uploads import Uploads
from underpin.store.blobs_directory import DirectoryBlobs
from underpin.store.sqlite import SqliteStore

ANN = "ann"


@dataclass
class Shelf:
    """One worker's rooms. `store` can be watched."""

    data_dir: Path
    store: WatchedStore
    blobs: DirectoryBlobs
    place: Place
    files: Files
    uploads: Uploads
    sweep: FileSweep

    def on_disk(self) -> list[str]:
        """The names of all bytes that lie there, whole or not."""
        return sorted(os.listdir(self.data_dir / "blobs"))

    async def file(self, data: bytes = b"bytes", *, owner: str = ANN, **given: object) -> str:
        """The id of a new file."""
        async with self.files.arriving(owner) as arrival:
            await arrival.take(pieces(data))
            options = {"filename": "a.txt", "purpose": "user_data", "expires_after_s": None, **given}
            return (await self.files.keep(arrival, owner, **options)).id

    async def content(self, file_id: str, owner: str = ANN) -> bytes:
        async with self.files.content(await self.files.get(owner, file_id)) as found:
            return b"".join([piece async for piece in found])


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@asynccontextmanager
async def open_shelf(
    data_dir: Path, *, lease_s: float = 60, timeout_s: float = 3600, most_bytes: int = 1000
) -> AsyncIterator[Shelf]:
    """One worker on the data; several may be open at once."""
    store, blobs = SqliteStore(data_dir), DirectoryBlobs(data_dir)
    await store.open()
    await blobs.open()
    watched = WatchedStore(store)
    place = Place(watched, blobs, store.worker, lease_s)
    files = Files(place)
    uploads = Uploads(place, files, most_bytes=most_bytes, timeout_s=timeout_s)
    try:
        yield Shelf(data_dir, watched, blobs, place, files, uploads, FileSweep(place, uploads, every_s=60))
    finally:
        await blobs.close()
        await store.close()
