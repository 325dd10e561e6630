"""The file of vectors: float32, row by row, only ever appended to; beside it the passage's row of each vector. Mapped, not read.

What counts is told by the state of the index alone: a killed writer may have left more bytes behind that.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .store_index_folder import CacheBroken, IndexFolder

Vectors = NDArray[np.float32]
Rows = NDArray[np.int32]
N = TypeVar("N", np.float32, np.int32)

BLOCK = 16_384
"""Vectors that are looked at in one go: 24 MB of 384 numbers."""


@dataclass(frozen=True)
class Mapped:
    """What counted when it was opened, for as long as somebody holds it."""

    vectors: Vectors
    owners: Rows

    def blocks(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        return ((at, min(at + BLOCK, last)) for at in range(first, last, BLOCK))


def mapped(folder: IndexFolder, epoch: int, count: int, dimensions: int) -> Mapped:
    """Raises CacheBroken when there are fewer than the state says."""
    if count == 0:
        return Mapped(np.zeros((0, dimensions), np.float32), np.zeros(0, np.int32))
    vectors = _map(folder.vectors_file(epoch), np.float32, (count, dimensions))
    owners = _map(folder.owners_file(epoch), np.int32, (count,))
    return Mapped(vectors, owners)


def _map(file: Path, kind: type[N], shape: tuple[int, ...]) -> NDArray[N]:
    try:
        if file.stat().st_size < int(np.prod(shape)) * np.dtype(kind).itemsize:
            raise CacheBroken(f"{file.name} is too short")
        return np.asarray(np.memmap(file, dtype=kind, mode="r", shape=shape))
    except (OSError, ValueError) as error:
        raise CacheBroken(f"{file.name} cannot be read ({error})") from error


class VectorWriter:
    """Appends behind what counts. Its caller holds the index's write lock."""

    def __init__(self, folder: IndexFolder, epoch: int, count: int, dimensions: int) -> None:
        """Cuts off what a killed writer left. Raises CacheBroken when there is less than `count`."""
        self.epoch = epoch
        self.count = count
        self.dimensions = dimensions
        self._vectors = _open_at(folder.vectors_file(epoch), count * dimensions * 4)
        try:
            self._owners = _open_at(folder.owners_file(epoch), count * 4)
        except BaseException:
            os.close(self._vectors)
            raise

    def append(self, rows: Sequence[int] | Rows, vectors: Vectors) -> None:
        _write(self._vectors, np.ascontiguousarray(vectors, np.float32))
        _write(self._owners, np.ascontiguousarray(rows, np.int32))
        self.count += len(vectors)

    def flush(self) -> None:
        """Down to the disk, so that no power cut leaves a state that counts what is not there."""
        os.fsync(self._vectors)
        os.fsync(self._owners)

    def close(self) -> None:
        os.close(self._vectors)
        os.close(self._owners)


def _open_at(file: Path, size: int) -> int:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        if os.fstat(descriptor).st_size < size:
            raise CacheBroken(f"{file.name} is too short")
        # Nobody has mapped what lies behind: readers map as much as the state counts.
        os.ftruncate(descriptor, size)
        os.lseek(descriptor, size, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _write(descriptor: int, array: Vectors | Rows) -> None:
    rest = memoryview(array.tobytes())
    while rest:
        rest = rest[os.write(descriptor, rest) :]
