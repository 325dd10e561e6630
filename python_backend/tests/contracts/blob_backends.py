"""The implementations that the contract of Blobs is held against: a new one is a class here and a line in BLOB_BACKENDS."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pymongo import MongoClient

from underpin.store.base import Blobs
from underpin.store.blobs_directory import DirectoryBlobs
from underpin.store.blobs_gridfs import BUCKET, GridFSBlobs
from underpin.store.mongo import MongoStore


class BlobBackend(Protocol):
    """One empty place for bytes, reached by as many Blobs as a test makes: `BLOB_BACKENDS[backend.name](backend.place)` is
    another on it."""

    name: str
    place: str

    def blobs(self) -> Blobs:
        """Blobs that are not open yet, on the same place each time, as another process would have them."""

    def leftovers(self) -> list[str]:
        """Everything that lies in the place, whole or not."""


class DirectoryBackend:
    """`place` is the folder of all data."""

    name = "directory"

    def __init__(self, place: str) -> None:
        self.place = place
        self.data_dir = Path(place)

    def blobs(self) -> DirectoryBlobs:
        return DirectoryBlobs(self.data_dir)

    def leftovers(self) -> list[str]:
        folder = self.data_dir / "blobs"
        return sorted(os.listdir(folder)) if folder.exists() else []


class GridFSBackend:
    """`place` is a URI with a database in it."""

    name = "gridfs"

    def __init__(self, place: str) -> None:
        self.place = place

    def blobs(self) -> "OnItsOwn":
        return OnItsOwn(self.place)

    def leftovers(self) -> list[str]:
        client: MongoClient[dict[str, Any]]
        with MongoClient(self.place) as client:
            database = client.get_default_database()
            files = [one["_id"] for one in database[f"{BUCKET}.files"].find({}, {"_id": 1})]
            chunks = [one["files_id"] for one in database[f"{BUCKET}.chunks"].find({}, {"files_id": 1})]
        return sorted({*files, *chunks})


class OnItsOwn(GridFSBlobs):
    """With a store of its own, whose connection it opens and closes."""

    def __init__(self, uri: str) -> None:
        self._own = MongoStore(uri, kinds=())
        super().__init__(self._own.connection)

    async def open(self) -> None:
        await self._own.open()
        await super().open()

    async def close(self) -> None:
        await super().close()
        await self._own.close()


BLOB_BACKENDS: dict[str, Callable[[str], BlobBackend]] = {"directory": DirectoryBackend, "gridfs": GridFSBackend}
