"""What a file in a vector store was cut into, and the vectors of that."""

from typing import ClassVar

from .stored import Stored


class Chunk(Stored):
    """A passage of a file's text. Written once, never changed."""

    kind: ClassVar[str] = "chunks"
    parent: ClassVar[str | None] = "chunk_set"

    chunk_set: str
    vector_store_id: str
    file_id: str
    number: int
    """Place in its file, from 0; `seq` is one more."""
    heading: list[str] = []
    text: str
    start: int
    end: int
    """`text` is the file's text from start to end, in code points, but for a header that was repeated."""
    page: int | None = None
    """Page of the file on which it begins, from 1; None where the format has none."""


class VectorBlock(Stored):
    """Vectors of neighbouring chunks of one set by one embedder. A long chunk has several: each of a window of its text."""

    kind: ClassVar[str] = "vector_blocks"
    parent: ClassVar[str | None] = "vectors_of"

    vectors_of: str
    """`vectors_of(chunk_set, embedder)`."""
    vector_store_id: str
    dimensions: int
    numbers: list[int]
    """The chunk of each row, by its number."""
    rows: str
    """float16, little-endian, row by row, in base64."""


def vectors_of(chunk_set: str, embedder: str) -> str:
    """The parent of a chunk set's vectors by one embedder."""
    return f"{chunk_set} {embedder}"
