"""The index of one vector store as it was at one moment: its files in memory, its vectors mapped.

It stays true while writers go on: rows are never given twice, and vectors that count never move.
"""

import json
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .base import Passage
from .filters import Filter, Value, admits
from .store_index_approximate import Approximate, load
from .store_index_folder import CacheBroken, IndexFolder, told
from .store_index_vectors import Mapped, Vectors, mapped
from .store_index_writer import Held, State, read_files, read_state

logger = logging.getLogger("underpin.knowledge")

Mask = NDArray[np.bool_]

FEW = 0.25
"""Below this share of a block its admitted vectors are picked out, above it all are multiplied."""


@dataclass(frozen=True)
class Admitted:
    """The files that a search may look at: their places in `View.files`, and which vectors are theirs."""

    files: Mask
    vectors: Mask
    count: int
    is_all: bool
    """Every file of the view; it may still have dead vectors between them."""


class View:
    def __init__(self, state: State, files: Sequence[Held], held: Mapped, approximate: Approximate | None) -> None:
        self.state = state
        self.files = files
        self.held = held
        self.approximate = approximate
        self._first_rows = np.array([file.first_row for file in files], np.int64)
        self._last_rows = np.array([file.first_row + file.rows for file in files], np.int64)
        self.rows = int((self._last_rows - self._first_rows).sum())
        self._attributes: dict[int, dict[str, Value]] = {}

    def file_of(self, row: int) -> int | None:
        """The place of the file that has the row; None where no file of this view does."""
        at = int(np.searchsorted(self._first_rows, row, side="right")) - 1
        return at if at >= 0 and row < self._last_rows[at] else None

    def attributes(self, at: int) -> dict[str, Value]:
        if at not in self._attributes:
            self._attributes[at] = json.loads(self.files[at].attributes)
        return self._attributes[at]

    def admitted(self, where: Filter | None) -> Admitted:
        if where is None:
            return self._all
        return self._admit(np.array([admits(where, self.attributes(at)) for at in range(len(self.files))], np.bool_))

    @cached_property
    def _all(self) -> Admitted:
        return self._admit(np.ones(len(self.files), np.bool_))

    def _admit(self, files: Mask) -> Admitted:
        steps = np.zeros(len(self.held.vectors) + 1, np.int8)
        first = np.array([file.first_vector for file in self.files], np.int64)
        last = first + np.array([file.vectors for file in self.files], np.int64)
        some = files & (last > first)
        # Files stand side by side: where one ends and the next begins the steps cancel out.
        np.add.at(steps, first[some], 1)
        np.add.at(steps, last[some], -1)
        vectors = np.cumsum(steps[:-1], dtype=np.int8).astype(np.bool_)
        return Admitted(files, vectors, int(vectors.sum()), bool(files.all()))

    def row_spans(self, admitted: Admitted) -> list[tuple[int, int]]:
        """The rows of the admitted files, first and last, neighbours as one."""
        spans: list[tuple[int, int]] = []
        for at in np.flatnonzero(admitted.files & (self._last_rows > self._first_rows)).tolist():
            first, last = int(self._first_rows[at]), int(self._last_rows[at]) - 1
            if spans and spans[-1][1] == first - 1:
                spans[-1] = (spans[-1][0], last)
            else:
                spans.append((first, last))
        return spans

    def windows(self, row: int) -> Vectors:
        """All vectors of a row."""
        at = self.file_of(row)
        if at is None:
            return self.held.vectors[:0]
        file = self.files[at]
        owners = self.held.owners[file.first_vector : file.first_vector + file.vectors]
        low, high = np.searchsorted(owners, [row, row + 1])
        return self.held.vectors[file.first_vector + int(low) : file.first_vector + int(high)]

    def near(self, query: Vectors, admitted: Admitted, limit: int, *, most_exact: int) -> list[tuple[int, float]]:
        """Rows by the cosine of their best window, best first. Exact for up to `most_exact` vectors that are admitted, and always
        in those that the approximate index does not have yet."""
        # A row has some windows, and is told once.
        wanted = 4 * limit
        known = self.approximate
        if known is None or admitted.count <= most_exact:
            places = self._exact(query, admitted, 0, len(self.held.vectors), wanted)
        else:
            found = known.search(query, None if admitted.count == len(admitted.vectors) else admitted.vectors, wanted)
            tail = self._exact(query, admitted, known.count, len(self.held.vectors), wanted)[0]
            candidates = np.concatenate([found, tail])
            places = candidates, self.held.vectors[candidates] @ query
        return self._best_rows(*places, limit)

    def _exact(self, query: Vectors, admitted: Admitted, first: int, last: int, wanted: int) -> tuple[NDArray[np.int64], Vectors]:
        places: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        scores: list[Vectors] = [np.zeros(0, np.float32)]
        for start, end in self.held.blocks(first, last):
            mask = admitted.vectors[start:end]
            count = int(np.count_nonzero(mask))
            if count == 0:
                continue
            if count < FEW * len(mask):
                mine = np.flatnonzero(mask)
                score = self.held.vectors[start:end][mine] @ query
            else:
                mine = np.arange(len(mask))
                score = self.held.vectors[start:end] @ query
                if count < len(mask):
                    score[~mask] = -np.inf
            if len(score) > wanted:
                top = np.argpartition(score, -wanted)[-wanted:]
                mine, score = mine[top], score[top]
            places.append(mine + start)
            scores.append(score)
        found, cosines = np.concatenate(places), np.concatenate(scores)
        sound = np.isfinite(cosines)
        return found[sound], cosines[sound]

    def _best_rows(self, places: NDArray[np.int64], cosines: Vectors, limit: int) -> list[tuple[int, float]]:
        order = np.argsort(-cosines, kind="stable")
        owners = self.held.owners[places[order]]
        rows, first = np.unique(owners, return_index=True)
        best = np.argsort(first)[:limit]
        return [(int(rows[at]), float(cosines[order[first[at]]])) for at in best.tolist()]


def open_view(folder: IndexFolder, connection: sqlite3.Connection) -> View:
    """The index as it is now. Raises CacheBroken."""
    with told():
        # A compaction may take the vectors' file away between our two looks; the second time it is another's turn.
        for last_try in (False, True):
            state, files, row = _read(connection)
            try:
                held = mapped(folder, state.epoch, state.vectors, state.dimensions)
                break
            except CacheBroken:
                if last_try or read_state(connection).epoch == state.epoch:
                    raise
    return View(state, files, held, _approximate(folder, row, state.dimensions))


def _approximate(folder: IndexFolder, row: tuple[int, str] | None, dimensions: int) -> Approximate | None:
    """None also where it went the moment before, or is broken: the search is exact then, until there is a new one."""
    if row is None:
        return None
    try:
        return load(folder.path / row[1], row[0], dimensions)
    except CacheBroken as error:
        logger.info("The approximate index of %s is not used: %s", folder.path.name, error)
        return None


def _read(connection: sqlite3.Connection) -> tuple[State, list[Held], tuple[int, str] | None]:
    connection.execute("BEGIN")
    try:
        state, files = read_state(connection), read_files(connection)
        row = connection.execute("SELECT vectors, file FROM approximate WHERE epoch = ?", (state.epoch,)).fetchone()
    finally:
        connection.execute("COMMIT")
    return state, files, row


def read_passages(connection: sqlite3.Connection, rows: Sequence[int], view: View) -> dict[int, Passage]:
    """The passages of rows that are still there and known to the view."""
    marks = ", ".join("?" * len(rows))
    found = connection.execute(
        f"SELECT row, number, heading, page, begins, ends, text FROM rows WHERE row IN ({marks})", tuple(rows)
    )
    passages: dict[int, Passage] = {}
    for row, number, heading, page, begins, ends, text in found:
        if (at := view.file_of(row)) is not None:
            file = view.files[at]
            headings = tuple(json.loads(heading))
            passages[int(row)] = Passage(file.file_id, file.filename, number, headings, text, begins, ends, page)
    return passages
