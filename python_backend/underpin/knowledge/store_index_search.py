"""One search over the indexes of one or several vector stores: both sides asked, ranked together, read, copies last.

Everything blocks; it runs in a thread of the readers.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .base import Found, Passage
from .ranking import CANDIDATES, Ranked, rank
from .store_index_folder import told
from .store_index_vectors import Vectors
from .store_index_view import Admitted, View, read_passages
from .store_index_words import affordable, best_rows

OVERLAP = 0.6
"""Of the shorter of two passages of one file: beyond it the second says little that is new. Neighbours that are cut as at OpenAI
share half."""


@dataclass(frozen=True)
class Index:
    """What is searched of one store. Errors say that it was this folder's."""

    folder: Path
    view: View
    connection: sqlite3.Connection
    admitted: Admitted


class Indexes:
    """Implements ranking.Sides. A row is the index's own row, and which index it is: row × indexes + place."""

    def __init__(self, indexes: Sequence[Index], most_exact: int) -> None:
        self._indexes = indexes
        self._most_exact = most_exact

    def words(self, match: str, limit: int) -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = []
        for place, index in enumerate(self._indexes):
            spans = None if index.admitted.is_all else index.view.row_spans(index.admitted)
            with told(index.folder):
                asked = affordable(index.connection, match, index.view.rows)
                rows = best_rows(index.connection, asked, spans, limit)
            # A writer may have been here since the view was opened: what it does not know is left to the next search.
            found += [(self._named(row, place), score) for row, score in rows if index.view.file_of(row) is not None]
        return _best(found, limit)

    def near(self, query: NDArray[np.float32], limit: int) -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = []
        for place, index in enumerate(self._indexes):
            if index.view.state.vectors:
                rows = index.view.near(query, index.admitted, limit, most_exact=self._most_exact)
                found += [(self._named(row, place), cosine) for row, cosine in rows]
        return _best(found, limit)

    def windows(self, rows: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        each = [self._view(row).windows(row // len(self._indexes)) for row in rows]
        found = [vectors for vectors in each if len(vectors)]
        owners = np.repeat(np.arange(len(rows)), [len(vectors) for vectors in each])
        return owners, np.concatenate(found) if found else np.zeros((0, 0), np.float32)

    def found(self, ranked: Sequence[Ranked]) -> list[Found]:
        """Their passages, in the same order. One that a writer has just removed is left out."""
        passages: dict[int, tuple[Passage, Index, int]] = {}
        for place, index in enumerate(self._indexes):
            mine = [hit.row // len(self._indexes) for hit in ranked if hit.row % len(self._indexes) == place]
            with told(index.folder):
                read = read_passages(index.connection, mine, index.view)
            for row, passage in read.items():
                passages[self._named(row, place)] = passage, index, row
        hits = []
        for hit in ranked:
            if hit.row in passages:
                passage, index, row = passages[hit.row]
                at = index.view.file_of(row)
                hits.append(Found(passage, hit.score, {} if at is None else index.view.attributes(at)))
        return hits

    def _named(self, row: int, place: int) -> int:
        return row * len(self._indexes) + place

    def _view(self, row: int) -> View:
        return self._indexes[row % len(self._indexes)].view


def search(indexes: Indexes, question: str, vector: Vectors | None, limit: int) -> list[Found]:
    """The best passages, best first, by score; copies of what stands before them only where there is room."""
    ranked = rank(indexes, question, vector, CANDIDATES)
    # Copies are told by their texts, so somewhat more are read than are asked for.
    return copies_last(indexes.found(ranked[: 2 * limit + 10]))[:limit]


def copies_last(found: Sequence[Found]) -> list[Found]:
    """The same passages; behind the others those that say again what stands before them. Their scores fall accordingly."""
    kept: list[Found] = []
    copies: list[Found] = []
    for hit in found:
        (copies if any(_says_again(hit.passage, other.passage) for other in kept) else kept).append(hit)
    least = kept[-1].score if kept else 0.0
    return kept + [replace(hit, score=min(hit.score, least)) for hit in copies]


def _says_again(passage: Passage, other: Passage) -> bool:
    if passage.text == other.text:
        return True
    if passage.file_id != other.file_id:
        return False
    shared = min(passage.end, other.end) - max(passage.start, other.start)
    return shared > OVERLAP * min(passage.end - passage.start, other.end - other.start) > 0


def _best(found: list[tuple[int, float]], limit: int) -> list[tuple[int, float]]:
    return sorted(found, key=lambda hit: -hit[1])[:limit]
