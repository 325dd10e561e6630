"""From what two sides found, words and vectors, to one order. No index of its own, and nothing that depends on one.

    fused      standard scores of both sides, added half and half
    feedback   the question's vector moves toward the best passages: what they are about was asked for
    support    a passage that others like it confirm counts more than one that stands alone

All of it blocks for about a millisecond beside what the sides take: call it in the thread in which they are asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .ranking_words import match

CANDIDATES = 100
"""Rows that each side is asked for."""
FEEDBACK_PASSAGES = 3
FEEDBACK_WEIGHT = 0.5
"""Half of the question's own: what was found may be wrong."""
NEIGHBOURS = 10
SUPPORT = 0.4
"""What the neighbours' scores count, of 1. More helped questions with many right passages, and hurt those with one."""
COPY = 0.98
"""Cosine above which two passages are taken for copies of each other."""
HALF_SCORE = 8.0
"""A BM25 score that is shown as 0.5: it has no upper end."""

Vector = NDArray[np.float32]


class Sides(Protocol):
    """What is searched: one vector store, or several at once. Rows are numbers of the implementation's own, the same on both
    sides; attribute filters and deleted files are its business, and so is which tables it asks."""

    def words(self, match: str, limit: int) -> Sequence[tuple[int, float]]:
        """Rows that match an FTS5 expression, best first, with their BM25 score (greater is better)."""

    def near(self, query: Vector, limit: int) -> Sequence[tuple[int, float]]:
        """Rows by the cosine of their best window, best first, each row once. Exact or approximate."""

    def windows(self, rows: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """All windows' vectors of the rows, in the order of the rows: for each the place of its row in `rows`, and its vector,
        of unit length. A row that has none (not embedded yet) has no window here."""


@dataclass(frozen=True)
class Ranked:
    row: int
    score: float
    """From 0 to 1. Orders the rows of one search; what `score_threshold` is compared with."""


def rank(sides: Sides, question: str, vector: Vector | None, limit: int) -> list[Ranked]:
    """The best rows, best first. Without a vector (no embedder answers) words alone decide."""
    expression = match(question)
    words = sides.words(expression, CANDIDATES) if expression else ()
    near = sides.near(vector, CANDIDATES) if vector is not None else ()
    rows = list(dict.fromkeys([row for row, _ in words] + [row for row, _ in near]))
    if not rows:
        return []
    scores = dict(words)
    owners, vectors = sides.windows(rows)
    found = np.array([scores.get(row, 0.0) for row in rows], np.float32)
    return order(Pool(rows, found, owners, vectors), vector)[:limit]


@dataclass(frozen=True)
class Pool:
    """The candidates of one search, side by side: arrays have an entry for each of `rows`."""

    rows: Sequence[int]
    words: NDArray[np.float32]
    """BM25; 0 for what the words' side did not find."""
    owners: NDArray[np.intp]
    vectors: NDArray[np.float32]
    """As `Sides.windows` gives them."""

    def cosines(self, query: Vector) -> NDArray[np.float32]:
        """Of each row's best window; NaN where it has none."""
        best = np.full(len(self.rows), np.nan, np.float32)
        starts, owners = self._groups()
        best[owners] = np.maximum.reduceat(self.vectors @ query, starts)
        return best

    def means(self) -> NDArray[np.float32]:
        """Each row's windows as one vector of unit length; zeros where it has none."""
        sums = np.zeros((len(self.rows), self.vectors.shape[1]), np.float32)
        starts, owners = self._groups()
        sums[owners] = np.add.reduceat(self.vectors, starts, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return np.asarray(sums / np.where(lengths > 0, lengths, 1), np.float32)

    def _groups(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where each row's windows begin, and which row that is."""
        starts = np.flatnonzero(np.diff(self.owners, prepend=-1))
        return starts, self.owners[starts]


def order(pool: Pool, vector: Vector | None) -> list[Ranked]:
    """All candidates, best first."""
    if vector is None or not len(pool.vectors):
        return _ranked(pool.rows, pool.words, pool.words / (pool.words + HALF_SCORE))
    cosines, means = pool.cosines(vector), pool.means()
    alike = means @ means.T
    first = fused(pool.words, cosines)
    second = fused(pool.words, pool.cosines(toward(vector, means, alike, first)))
    shown = (pool.words / (pool.words + HALF_SCORE) + np.nan_to_num(cosines).clip(0, 1)) / 2
    return _ranked(pool.rows, supported(second, alike), shown)


def fused(words: NDArray[np.float32], cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Half and half of the two sides' standard scores, so that neither's scale decides."""
    return np.asarray((_standard(words) + _standard(cosines)) / 2, np.float32)


def toward(query: Vector, means: NDArray[np.float32], alike: NDArray[np.float32], scores: NDArray[np.float32]) -> Vector:
    """The question's vector moved toward the best passages (Rocchio); of copies, one counts."""
    chosen: list[int] = []
    for at in np.argsort(-scores, kind="stable").tolist():
        if len(chosen) < FEEDBACK_PASSAGES and not any(alike[at, one] > COPY for one in chosen):
            chosen.append(at)
    moved = query + FEEDBACK_WEIGHT * means[chosen].mean(axis=0)
    return np.asarray(moved / max(float(np.linalg.norm(moved)), 1e-9), np.float32)


def supported(scores: NDArray[np.float32], alike: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each score mixed with those of the passages most like it, by how like they are. Copies do not confirm each other."""
    count = min(NEIGHBOURS, len(scores) // 5)
    if count == 0:
        return scores
    weights = np.where(alike > COPY, 0, alike.clip(min=0))
    np.fill_diagonal(weights, 0)
    least = np.partition(weights, -count, axis=1)[:, -count, None]
    weights[weights < least] = 0
    totals = weights.sum(axis=1)
    around = (weights @ scores) / np.where(totals > 0, totals, 1)
    return np.where(totals > 0, (1 - SUPPORT) * scores + SUPPORT * around, scores)


def _standard(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """In standard deviations from the mean; what is unknown is taken for average."""
    known = values[np.isfinite(values)]
    spread = float(known.std()) if len(known) else 0.0
    if spread < 1e-6:
        return np.zeros_like(values)
    return np.asarray(np.nan_to_num((values - known.mean()) / spread), np.float32)


def _ranked(rows: Sequence[int], scores: NDArray[np.float32], shown: NDArray[np.float32]) -> list[Ranked]:
    """`scores` order and mean nothing beyond this search; `shown` is what is told, lifted where it would fall out of order."""
    best = np.argsort(-scores, kind="stable")
    falling = np.maximum.accumulate(shown[best][::-1])[::-1].astype(np.float64).round(4)
    return [Ranked(rows[at], score) for at, score in zip(best.tolist(), falling.tolist(), strict=True)]
