"""Chunks → windows → vectors, in batches that neither memory nor other files' turns feel."""

import asyncio
import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..embedding.base import Embedder, Vectors
from ..ids import derived_id
from ..objects.chunk import Chunk, VectorBlock, vectors_of
from .windows import windows

MOST_CHUNKS = 64
MOST_CHARACTERS = 100_000
"""Of one batch: some hundred windows."""


@dataclass(frozen=True)
class Part:
    """A chunk, and what there is to embed of it: what the one before it has not."""

    chunk: Chunk
    text: str


def batched(parts: Iterator[Part]) -> list[Part]:
    """The next batch; empty at the end. The same parts give the same batches, each time."""
    batch: list[Part] = []
    characters = 0
    for part in parts:
        batch.append(part)
        characters += len(part.text)
        if len(batch) >= MOST_CHUNKS or characters >= MOST_CHARACTERS:
            break
    return batch


async def embedded(embedder: Embedder, number: int, parts: Sequence[Part]) -> VectorBlock:
    """The vectors of a chunk set's batch of that number, from 0. The same batch has the same id. Raises EmbeddingFailed."""
    cut = await asyncio.to_thread(_windows, parts, embedder.window_chars)
    vectors = await embedder.embed([text for _, text in cut])
    return await asyncio.to_thread(_block, embedder.name, number, parts[0].chunk, [of for of, _ in cut], vectors)


def vector_bytes(block: VectorBlock) -> int:
    """What its vectors take."""
    return len(block.numbers) * block.dimensions * 2


def _windows(parts: Sequence[Part], window_chars: int) -> list[tuple[int, str]]:
    """Each window with the number of its chunk."""
    return [
        (part.chunk.number, window)
        for part in parts
        for window in windows(part.text, window_chars, heading=" / ".join(part.chunk.heading))
    ]


def _block(embedder: str, number: int, first: Chunk, numbers: list[int], vectors: Vectors) -> VectorBlock:
    return VectorBlock(
        id=derived_id("vec_", first.chunk_set, embedder, number),
        owner=first.owner,
        seq=number + 1,
        vectors_of=vectors_of(first.chunk_set, embedder),
        vector_store_id=first.vector_store_id,
        dimensions=int(vectors.shape[1]),
        numbers=numbers,
        rows=base64.b64encode(np.ascontiguousarray(vectors, "<f2").tobytes()).decode(),
    )
