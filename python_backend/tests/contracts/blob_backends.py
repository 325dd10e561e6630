"""The implementations that the contract of Blobs is held against: a new one is a class here and a line in BLOB_BACKENDS."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pymongo
import pytest

from underpin.store.base import Blobs
from underpin.store.blobs_directory import DirectoryBlobs
from underpin.store.blobs_gridfs import BUCKET, GridFSBlobs
from underpin.store.mongo import MongoStore


class BlobBackend(Protocol):
    """One empty place for bytes, reached by as many Blobs as a test makes."""

    def blobs(self) -> Blobs:
        """Blobs that are not open yet, on the same place each time, as another process would have them."""

    def leftovers(self) -> list[str]:
        """Everything that lies in the place, whole or not."""

    def remove(self) -> None:
        """Leave nothing of the place itself."""


class DirectoryBackend:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def blobs(self) -> DirectoryBlobs:
        return DirectoryBlobs(self.data_dir)

    def leftovers(self) -> list[str]:
        folder = self.data_dir / "blobs"
        return sorted(os.listdir(folder)) if folder.exists() else []

    def remove(self) -> None:
        """It goes with the test's folder."""


class GridFSBackend:
    """A database of its own on the server of MONGODB_TEST_URI, named after the folder."""

    def __init__(self, data_dir: Path) -> None:
        server = os.environ.get("MONGODB_TEST_URI")
        if server is None:
            pytest.skip("MONGODB_TEST_URI names no MongoDB to test on")
        self.name = "underpin_test_" + hashlib.sha256(str(data_dir).encode()).hexdigest()[:20]
        self.uri = server.rstrip("/") + "/" + self.name

    def blobs(self) -> "OnItsOwn":
        return OnItsOwn(self.uri)

    def leftovers(self) -> list[str]:
        with pymongo.MongoClient(self.uri) as client:
            database = client[self.name]
            files = [one["_id"] for one in database[f"{BUCKET}.files"].find({}, {"_id": 1})]
            chunks = [one["files_id"] for one in database[f"{BUCKET}.chunks"].find({}, {"files_id": 1})]
        return sorted({*files, *chunks})

    def remove(self) -> None:
        with pymongo.MongoClient(self.uri) as client:
            client.drop_database(self.name)


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


BLOB_BACKENDS: dict[str, Callable[[Path], BlobBackend]] = {"directory": DirectoryBackend, "gridfs": GridFSBackend}
