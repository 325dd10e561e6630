"""Removing what nobody reads: the chunks and vectors of files that were taken out, and of attempts that died."""

from collections.abc import Sequence

from ..errors import NotFound
from ..objects.chunk import Chunk, VectorBlock, vectors_of
from ..objects.leftover import Leftover
from ..objects.vector_store_file import VectorStoreFile
from ..store.base import EVERYONE, Store


async def clear_chunk_set(store: Store, chunk_set: str, embedders: Sequence[str]) -> None:
    """Remove an attempt's chunks, and their vectors by these embedders. May be repeated."""
    for embedder in embedders:
        await store.clear(VectorBlock, vectors_of(chunk_set, embedder), scope=EVERYONE)
    await store.clear(Chunk, chunk_set, scope=EVERYONE)


async def remove_leftover(store: Store, leftover: Leftover) -> bool:
    """Remove what it names, then itself; True when its file was still there and went now. May be repeated."""
    was_there = await _remove_file(store, leftover)
    for chunk_set in leftover.chunk_sets:
        await clear_chunk_set(store, chunk_set, leftover.embedders)
    await store.delete(Leftover, leftover.id, scope=EVERYONE)
    return was_there


async def _remove_file(store: Store, leftover: Leftover) -> bool:
    """Where a crash came between the leftover and its file. A file that was put in again has another key, and stays."""
    try:
        file = await store.get(VectorStoreFile, leftover.store_file, scope=EVERYONE)
    except NotFound:
        return False
    return file.key == leftover.id and await store.delete(VectorStoreFile, file.id, scope=EVERYONE)
