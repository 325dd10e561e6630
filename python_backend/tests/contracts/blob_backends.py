"""The implementations that the contract of Blobs is held against: a new one is a class here and a line in BLOB_BACKENDS."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from underpin.store.base import Blobs
from underpin.store.blobs_directory import DirectoryBlobs


class BlobBackend(Protocol):
    """One empty place for bytes, reached by as many Blobs as a test makes."""

    def blobs(self) -> Blobs:
        """Blobs that are not open yet, on the same place each time, as another process would have them."""

    def leftovers(self) -> list[str]:
        """Everything that lies in the place, whole or not."""


class DirectoryBackend:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def blobs(self) -> DirectoryBlobs:
        return DirectoryBlobs(self.data_dir)

    def leftovers(self) -> list[str]:
        folder = self.data_dir / "blobs"
        return sorted(os.listdir(folder)) if folder.exists() else []


BLOB_BACKENDS: dict[str, Callable[[Path], BlobBackend]] = {"directory": DirectoryBackend}
