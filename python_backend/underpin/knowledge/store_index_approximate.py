"""The approximate index of a large vector store: faiss's inverted lists over 8-bit codes, read from the disk as they are needed.

It tells which vectors are worth a look; how near they are is told by the vectors themselves. It knows the first `count`
vectors of an epoch, dead ones too; whoever asks says which may be found.
"""

import math
import os
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .store_index_folder import CacheBroken
from .store_index_vectors import BLOCK, Vectors

PROBED_SHARE = 1 / 8
"""Of the lists, each search looks into so many, at least LEAST_PROBED. Of 20,000 real embeddings it found 0.96 of the ten
nearest; a thirty-second found 0.87."""
LEAST_PROBED = 16
OVERFETCH = 3
"""So many times as many as asked for are taken from the codes, and put in order by their vectors."""
SAMPLE_A_LIST = 32
ROUNDS = 8
_lock = threading.Lock()


def _faiss() -> Any:
    """Imported when it is first needed: few hosts have a store that large, and it costs each start its time and memory."""
    with _lock:
        return import_module("faiss")


class Approximate:
    def __init__(self, index: Any, count: int) -> None:
        self._index = index
        self._faiss = _faiss()
        self.count = count

    def search(self, query: Vectors, admitted: NDArray[np.bool_] | None, limit: int) -> NDArray[np.int64]:
        """Places of vectors that are probably the nearest, in no promised order."""
        lists = int(self._index.nlist)
        asked = {"nprobe": min(lists, max(LEAST_PROBED, round(lists * PROBED_SHARE)))}
        bits = None
        if admitted is not None:
            bits = np.packbits(admitted[: self.count], bitorder="little")
            asked["sel"] = self._faiss.IDSelectorBitmap(bits)
        parameters = self._faiss.SearchParametersIVF(**asked)
        _, places = self._index.search(query[None, :], min(OVERFETCH * limit, self.count), params=parameters)
        found = np.asarray(places[0], np.int64)
        return np.asarray(found[found >= 0], np.int64)


def load(file: Path, count: int, dimensions: int) -> Approximate:
    """Raises CacheBroken."""
    faiss = _faiss()
    if not file.exists():
        raise CacheBroken(f"{file.name} is missing")
    try:
        index = faiss.read_index(str(file), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    except RuntimeError as error:
        raise CacheBroken(f"{file.name} cannot be read") from error
    if index.ntotal != count or index.d != dimensions:
        raise CacheBroken(f"{file.name} is of other vectors")
    return Approximate(index, count)


def build(vectors: Vectors, file: Path, grown_from: Path | None, stopped: Callable[[], bool]) -> bool:
    """Write the index of these vectors; False when it was stopped, with nothing left behind. `grown_from`: an index of the first
    of them, to which the others are added. Takes minutes for a million; faiss gets one core, so that answers do not wait."""
    faiss = _faiss()
    faiss.omp_set_num_threads(1)  # of this thread alone
    index = faiss.read_index(str(grown_from)) if grown_from else _trained(faiss, vectors, stopped)
    draft = file.with_suffix(".draft")
    if index is None:
        return False
    for at in range(index.ntotal, len(vectors), BLOCK):
        if stopped():
            return False
        index.add(np.ascontiguousarray(vectors[at : at + BLOCK]))
    try:
        faiss.write_index(index, str(draft))
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _trained(faiss: Any, vectors: Vectors, stopped: Callable[[], bool]) -> Any:
    lists = max(1, min(round(2 * math.sqrt(len(vectors))), len(vectors) // SAMPLE_A_LIST))
    random = np.random.default_rng(0)
    places = np.sort(random.choice(len(vectors), min(len(vectors), lists * SAMPLE_A_LIST), replace=False))
    sample = np.ascontiguousarray(vectors[places])
    centres = _centres(sample, lists, random, stopped)
    if centres is None:
        return None
    quantizer = faiss.IndexFlatIP(vectors.shape[1])
    quantizer.add(centres)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, vectors.shape[1], lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.train(sample)  # its codes; the lists have their centres already
    return index


def _centres(sample: Vectors, lists: int, random: np.random.Generator, stopped: Callable[[], bool]) -> Vectors | None:
    """k-means on the sphere, in steps short enough to be stopped between."""
    centres = sample[random.choice(len(sample), lists, replace=False)].copy()
    for _ in range(ROUNDS):
        nearest = np.empty(len(sample), np.int64)
        for at in range(0, len(sample), BLOCK // 4):
            if stopped():
                return None
            nearest[at : at + BLOCK // 4] = (sample[at : at + BLOCK // 4] @ centres.T).argmax(axis=1)
        order = np.argsort(nearest, kind="stable")
        sizes = np.bincount(nearest, minlength=lists)
        full = sizes > 0
        begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        sums = np.add.reduceat(sample[order], begins[full], axis=0)
        centres[full] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        # An empty list takes a passage of the largest.
        largest = order[begins[sizes.argmax()] : begins[sizes.argmax()] + sizes.max()]
        centres[~full] = sample[random.choice(largest, int((~full).sum()))]
    return centres
