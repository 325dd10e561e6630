"""Each step of the ranking by itself, over the same passages and windows as the server makes, in memory."""

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from collection import Collection, Document
from numpy.typing import NDArray

from underpin.embedding.base import Embedder
from underpin.knowledge.base import Document as Text
from underpin.knowledge.base import Passage
from underpin.knowledge.chunk import chunks, new_part
from underpin.knowledge.ranking import CANDIDATES, Pool, fused, order, supported, toward
from underpin.knowledge.ranking_words import bm25, indexed, match, table
from underpin.knowledge.windows import windows

CHUNK_TOKENS, OVERLAP_TOKENS = 800, 400
"""The chunking strategy `auto`."""
RRF = 60

Floats = NDArray[np.float32]
Ranking = list[int]


class Memory:
    """Implements ranking.Sides: FTS5 in memory, and every cosine computed."""

    def __init__(self, passages: Sequence[Passage], owners: NDArray[np.intp], vectors: Floats) -> None:
        self._starts = np.searchsorted(owners, np.arange(len(passages) + 1))
        self._vectors = vectors
        self._database = sqlite3.connect(":memory:")
        self._database.execute(table("passages"))
        rows = [(row, indexed(" ".join(one.heading)), indexed(one.text)) for row, one in enumerate(passages)]
        self._database.executemany("INSERT INTO passages (rowid, heading, text) VALUES (?, ?, ?)", rows)

    def words(self, match: str, limit: int) -> list[tuple[int, float]]:
        order_by = bm25("passages")
        statement = f"SELECT rowid, -{order_by} FROM passages WHERE passages MATCH ? ORDER BY {order_by} LIMIT ?"
        return self._database.execute(statement, (match, limit)).fetchall() if match else []

    def near(self, query: Floats, limit: int) -> list[tuple[int, float]]:
        best = np.maximum.reduceat(self._vectors @ query, self._starts[:-1])
        return [(int(row), float(best[row])) for row in np.argsort(-best, kind="stable")[:limit]]

    def windows(self, rows: Sequence[int]) -> tuple[NDArray[np.intp], Floats]:
        each = [self._vectors[self._starts[row] : self._starts[row + 1]] for row in rows]
        return np.repeat(np.arange(len(rows)), [len(one) for one in each]), np.concatenate(each)


@dataclass(frozen=True)
class Asked:
    """A question and what both sides found for it."""

    text: str
    vector: Floats
    plain: Ranking
    """By BM25 with every word of the question, as it stands."""
    words: Ranking
    near: Ranking
    pool: Pool


def found(sides: Memory, question: str, vector: Floats) -> Asked:
    words, near = sides.words(match(question), CANDIDATES), sides.near(vector, CANDIDATES)
    rows = list(dict.fromkeys([row for row, _ in words] + [row for row, _ in near]))
    scores = dict(words)
    pool = Pool(rows, np.array([scores.get(row, 0) for row in rows], np.float32), *sides.windows(rows))
    every = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question.lower()))
    plain = [row for row, _ in sides.words(every, CANDIDATES)]
    return Asked(question, vector, plain, [row for row, _ in words], [row for row, _ in near], pool)


def _sorted(pool: Pool, scores: Floats) -> Ranking:
    return [pool.rows[at] for at in np.argsort(-scores, kind="stable")]


def _rrf(*lists: Ranking) -> Ranking:
    scores = Counter[int]()
    for ranking in lists:
        for place, row in enumerate(ranking, 1):
            scores[row] += 1 / (RRF + place)
    return [row for row, _ in scores.most_common()]


def _standard(asked: Asked) -> Floats:
    return fused(asked.pool.words, asked.pool.cosines(asked.vector))


def _with_feedback(asked: Asked) -> Floats:
    means = asked.pool.means()
    moved = toward(asked.vector, means, means @ means.T, _standard(asked))
    return fused(asked.pool.words, asked.pool.cosines(moved))


def _with_support(asked: Asked) -> Floats:
    means = asked.pool.means()
    return supported(_with_feedback(asked), means @ means.T)


STEPS: dict[str, Callable[[Asked], Ranking]] = {
    "words: BM25 over stems, all words of the question": lambda asked: asked.plain,
    "words: without stop words, with phrases": lambda asked: asked.words,
    "vectors": lambda asked: asked.near,
    "both: reciprocal ranks": lambda asked: _rrf(asked.words, asked.near),
    "both: standard scores, half and half": lambda asked: _sorted(asked.pool, _standard(asked)),
    "… and feedback": lambda asked: _sorted(asked.pool, _with_feedback(asked)),
    "… and support: the hybrid": lambda asked: _sorted(asked.pool, _with_support(asked)),
}


async def rankings(collection: Collection, embedder: Embedder) -> dict[str, list[list[str]]]:
    """For each step the documents of each question, best first."""
    passages = [passage for document in collection.documents for passage in _chunks(document)]
    before = [None, *passages]
    texts: list[str] = []
    owners: list[int] = []
    for row, (last, passage) in enumerate(zip(before, passages, strict=False)):
        same = last if last is not None and last.file_id == passage.file_id else None
        cut = windows(new_part(passage, same), embedder.window_chars, heading=" / ".join(passage.heading))
        texts += cut
        owners += [row] * len(cut)
    sides = Memory(passages, np.array(owners, np.intp), await embedder.embed(texts))
    vectors = await asyncio.gather(*map(embedder.embed_query, collection.questions))
    asked = [found(sides, question, vector) for question, vector in zip(collection.questions, vectors, strict=True)]
    assert [one.row for one in order(asked[0].pool, asked[0].vector)] == STEPS["… and support: the hybrid"](asked[0])
    files = [passage.file_id for passage in passages]
    return {name: [list(dict.fromkeys(files[row] for row in step(one))) for one in asked] for name, step in STEPS.items()}


def _chunks(document: Document) -> list[Passage]:
    text = Text(document.id, f"{document.id}.txt", document.text)
    return list(chunks(text, max_tokens=CHUNK_TOKENS, overlap_tokens=OVERLAP_TOKENS))
