"""Chunks and vectors that belong to nobody any more: named here before their file goes, so that none is forgotten."""

from typing import ClassVar

from .stored import Stored


class Leftover(Stored):
    """Of one file's time in a vector store; its id is that time's key."""

    kind: ClassVar[str] = "leftovers"
    parent: ClassVar[str | None] = "vector_store_id"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("due",),)

    vector_store_id: str
    store_file: str
    """The stored id of the file. It goes first, where a crash kept it."""
    chunk_sets: list[str]
    embedders: list[str]
    due: float
    """Store time at which the sweep removes them: not while a worker may still be writing some."""
