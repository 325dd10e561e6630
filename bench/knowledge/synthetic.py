"""Vector stores of any size, made up: words as rare and as common as in English, vectors in clusters.

They are written as an index alone, by the server's own writer, so that a million chunks take minutes and not hours.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from underpin.embedding.base import Vectors
from underpin.knowledge.store_index_folder import IndexFolder
from underpin.knowledge.store_index_writer import IndexWriter
from underpin.objects.chunk import Chunk
from underpin.objects.vector_store import VectorStore

DIMENSIONS = 384
CHUNK_WORDS = 120
QUESTION_WORDS = 8
FILE_CHUNKS = 100
CLUSTERS = 2000
SPREAD = 0.9
"""Length of what a vector adds to its cluster's centre, which is of length 1."""
VOCABULARY = 50_000
STOP_WORDS = 150

Random = np.random.Generator


def _unit(vectors: NDArray[np.floating]) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


_CENTRES = _unit(np.random.default_rng(1).normal(size=(CLUSTERS, DIMENSIONS)))
_SYLLABLES = [consonant + vowel for consonant in "bcdfgklmnprstv" for vowel in "aiou"]
_WORDS = np.array([_SYLLABLES[n % 56] + _SYLLABLES[n // 56 % 56] + _SYLLABLES[n // 3136 % 56] + "k" for n in range(VOCABULARY)])
_OFTEN = np.cumsum(1 / (np.arange(VOCABULARY) + 2.7))
"""Zipf's law."""


def vectors(random: Random, count: int) -> Vectors:
    return _unit(_CENTRES[random.integers(0, CLUSTERS, count)] + SPREAD * _unit(random.normal(size=(count, DIMENSIONS))))


def texts(random: Random, count: int, words: int) -> list[str]:
    drawn = np.searchsorted(_OFTEN, random.random((count, words)) * _OFTEN[-1])
    return [" ".join(row) for row in _WORDS[drawn].tolist()]


def question(random: Random) -> str:
    """Of words that are drawn as in texts, those left out that stand for stop words."""
    drawn = np.searchsorted(_OFTEN, _OFTEN[STOP_WORDS] + random.random(QUESTION_WORDS) * (_OFTEN[-1] - _OFTEN[STOP_WORDS]))
    return " ".join(_WORDS[drawn].tolist())


class SyntheticEmbedder:
    """No model: a question's vector is drawn like the others, so that a model's time is not in the figures."""

    name = "synthetic"
    dimensions = DIMENSIONS
    window_chars = 10_000

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return vectors(self._random, len(texts))

    async def embed_query(self, text: str) -> Vectors:
        return vectors(self._random, 1)[0]

    async def close(self) -> None:
        pass


def write_index(folder: Path, store: VectorStore, chunks: int, seed: int) -> None:
    """The index of a store with so many chunks, one vector each, as of the store's generation."""
    random = np.random.default_rng(seed)
    lies_in = IndexFolder(folder, store.id)
    lies_in.make()
    writer = IndexWriter(lies_in)
    try:
        writer.begin()
        writer.start_epoch(SyntheticEmbedder.name)
        for first in range(0, chunks, FILE_CHUNKS):
            size = min(FILE_CHUNKS, chunks - first)
            _write_file(writer, store.id, first // FILE_CHUNKS, texts(random, size, CHUNK_WORDS), vectors(random, size))
            if first % (100 * FILE_CHUNKS) == 0:
                writer.commit()
                writer.begin()
        writer.commit(store.generation)
    finally:
        writer.close()


def _write_file(writer: IndexWriter, store_id: str, number: int, parts: Sequence[str], rows: Vectors) -> None:
    name = f"file-{number}"
    writer.start_file(name, f"{store_id}.{number}", f"{name}.md", {"number": float(number)})
    writer.add_chunks(
        [
            Chunk(
                id=f"{name}.{at}", chunk_set=name, vector_store_id=store_id, file_id=name, number=at, heading=["Report"],
                text=text, start=0, end=len(text),
            )
            for at, text in enumerate(parts)
        ]
    )  # fmt: skip
    writer.add_vectors(range(len(parts)), rows)
    writer.end_file()
