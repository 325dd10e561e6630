"""From candidates to one order, on made candidates whose right order is plain."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from underpin.knowledge.ranking import CANDIDATES, COPY, Pool, Ranked, fused, order, rank, supported, toward

DIMENSIONS = 24


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def toward_axis(axis: int, share: float, seed: int = 0) -> NDArray[np.float32]:
    """A vector whose cosine with an axis is `share`."""
    noise = np.random.default_rng(seed).normal(size=DIMENSIONS).astype(np.float32)
    noise[axis] = 0
    vector = unit(noise) * np.sqrt(1 - share**2)
    vector[axis] = share
    return vector.astype(np.float32)


QUESTION = np.eye(DIMENSIONS, dtype=np.float32)[0]


class Made:
    """Sides over passages that are given as BM25 score (0: has no word of it) and windows."""

    def __init__(self, passages: Sequence[tuple[float, Sequence[NDArray[np.float32]]]]) -> None:
        self.passages = passages
        self.asked: list[str] = []

    def words(self, match: str, limit: int) -> list[tuple[int, float]]:
        self.asked.append(match)
        found = [(row, score) for row, (score, _) in enumerate(self.passages) if score]
        return sorted(found, key=lambda one: -one[1])[:limit]

    def near(self, query: NDArray[np.float32], limit: int) -> list[tuple[int, float]]:
        found = [(row, max(float(one @ query) for one in windows)) for row, (_, windows) in enumerate(self.passages) if windows]
        return sorted(found, key=lambda one: -one[1])[:limit]

    def windows(self, rows: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        each = [(at, window) for at, row in enumerate(rows) for window in self.passages[row][1]]
        vectors = np.array([window for _, window in each], np.float32).reshape(len(each), DIMENSIONS if each else 0)
        return np.array([at for at, _ in each], np.intp), vectors


def rows(ranked: Sequence[Ranked]) -> list[int]:
    return [one.row for one in ranked]


def test_what_both_sides_find_is_before_what_one_finds() -> None:
    sides = Made(
        [(5, [toward_axis(0, 0.1)]), (5, [toward_axis(0, 0.6, 1)]), (0, [toward_axis(0, 0.6, 2)]), (0, [toward_axis(0, 0.0, 3)])]
    )
    ranked = rank(sides, "clay", QUESTION, 10)
    assert rows(ranked)[0] == 1
    assert rows(ranked)[-1] == 3


def test_a_passage_counts_as_its_best_window() -> None:
    long = [toward_axis(3, 0.9, 1), toward_axis(0, 0.9, 2), toward_axis(5, 0.9, 3)]
    assert rows(rank(Made([(0, [toward_axis(0, 0.5)]), (0, long)]), "clay", QUESTION, 10)) == [1, 0]


def test_without_an_embedder_words_decide() -> None:
    ranked = rank(Made([(1, []), (9, []), (4, [])]), "clay", None, 10)
    assert rows(ranked) == [1, 2, 0]
    assert all(0 < one.score < 1 for one in ranked)


def test_passages_that_are_not_embedded_yet_are_found_by_their_words() -> None:
    sides = Made([(9, []), (3, [toward_axis(0, 0.2)]), (0, [toward_axis(0, 0.3, 2)])])
    assert set(rows(rank(sides, "clay", QUESTION, 10))) == {0, 1, 2}


def test_a_question_without_words_is_asked_of_vectors_alone() -> None:
    sides = Made([(0, [toward_axis(0, 0.2)]), (0, [toward_axis(0, 0.7)])])
    assert rows(rank(sides, "?!", QUESTION, 10)) == [1, 0]
    assert sides.asked == []


def test_nothing_found_is_nothing() -> None:
    assert rank(Made([]), "clay", QUESTION, 10) == []
    assert rank(Made([(0, [])]), "clay", None, 10) == []


def test_the_best_of_many_are_given() -> None:
    sides = Made([(number % 7, [toward_axis(0, 0.1 + number / 500, number)]) for number in range(300)])
    ranked = rank(sides, "clay", QUESTION, 20)
    assert len(ranked) == 20
    assert len(rank(sides, "clay", QUESTION, 1000)) <= 2 * CANDIDATES


def test_a_passage_that_others_confirm_is_before_one_that_stands_alone() -> None:
    """A group about one thing, all fairly near the question, and a stray of the same score."""
    topic = toward_axis(0, 0.5, 50)
    group = [unit(topic + 0.3 * toward_axis(0, 0.5, number)) for number in range(12)]
    alone = [toward_axis(0, 0.1, 100 + number) for number in range(48)]
    scores = np.array([1.0] * 12 + [1.0] + [0.0] * 47, np.float32)
    vectors = np.array([*group, *alone], np.float32)
    mixed = supported(scores, vectors @ vectors.T)
    assert mixed[:12].min() > mixed[12]


def test_copies_do_not_confirm_each_other() -> None:
    copies = np.repeat(toward_axis(0, 0.4, 1)[None], 20, axis=0)
    others = np.array([toward_axis(number % 20 + 1, 0.3, number) for number in range(80)], np.float32)
    vectors = np.concatenate([copies, others])
    scores = np.linspace(1, 0, 100).astype(np.float32)
    alike = vectors @ vectors.T
    weights_of_copies = supported(scores, alike)[:20] - 0.6 * scores[:20]
    # What they gained came from the others, whose scores are all below theirs.
    assert weights_of_copies.max() < 0.4 * scores[20]


def test_feedback_takes_one_of_several_copies() -> None:
    copy, other = toward_axis(0, 0.6, 1), toward_axis(0, 0.5, 2)
    means = np.array([copy] * 5 + [other], np.float32)
    alike = means @ means.T
    assert alike[0, 1] > COPY > alike[0, 5]
    moved = toward(QUESTION, means, alike, np.array([6, 5, 4, 3, 2, 1], np.float32))
    assert np.allclose(moved, unit(QUESTION + 0.5 * (copy + other) / 2), atol=1e-5)


def test_neither_sides_scale_matters() -> None:
    words, cosines = np.array([9, 4, 0, 2], np.float32), np.array([0.2, 0.6, 0.5, 0.1], np.float32)
    assert np.allclose(fused(words, cosines), fused(words * 50, cosines / 7 + 0.3), atol=1e-4)


@pytest.mark.parametrize("cosine", [0.9, 0.5])
def test_the_score_tells_how_near_a_passage_is(cosine: float) -> None:
    near = rank(Made([(20, [toward_axis(0, cosine)])]), "clay", QUESTION, 1)[0].score
    far = rank(Made([(1, [toward_axis(0, 0.1)])]), "clay", QUESTION, 1)[0].score
    assert near > cosine / 2 + 0.3 > far


@given(
    st.lists(st.tuples(st.floats(0, 50, width=32), st.lists(st.integers(0, 40), max_size=3)), min_size=1, max_size=60),
    st.integers(0, 40),
)
def test_each_candidate_is_given_once_with_falling_scores(made: list[tuple[float, list[int]]], question: int) -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(41, DIMENSIONS)).astype(np.float32))
    sides = Made([(score, [vectors[at] for at in windows]) for score, windows in made])
    there = list(range(len(made)))
    ranked = order(Pool(there, np.array([score for score, _ in made], np.float32), *sides.windows(there)), vectors[question])
    assert sorted(rows(ranked)) == there
    scores = [one.score for one in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
