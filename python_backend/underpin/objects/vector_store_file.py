"""A file in a vector store: how far it is, how it is cut, and by which attributes a search may choose it."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field, JsonValue

from .stored import Stored

FileStatus = Literal["in_progress", "completed", "cancelled", "failed"]
Attribute = str | float | bool


class StaticSizes(BaseModel):
    """In tokens. OpenAI's `auto` is 800 and 400."""

    max_chunk_size_tokens: int = 800
    chunk_overlap_tokens: int = 400


class StaticChunking(BaseModel):
    type: Literal["static"] = "static"
    static: StaticSizes = StaticSizes()


class OtherChunking(BaseModel):
    """How files are shown of which nobody knows how they were cut."""

    type: Literal["other"] = "other"


Chunking = Annotated[StaticChunking | OtherChunking, Field(discriminator="type")]


class FileError(BaseModel):
    code: Literal["server_error", "unsupported_file", "invalid_file"]
    message: str


class VectorStoreFile(Stored):
    """Its wire id is the file's; the stored one is derived from store and file, so that a file is in a store once."""

    kind: ClassVar[str] = "vector_store_files"
    parent: ClassVar[str | None] = "vector_store_id"
    bookkeeping: ClassVar[frozenset[str]] = Stored.bookkeeping | {
        "file_id",
        "filename",
        "batch_id",
        "key",
        "chunk_set",
        "chunks",
        "embedder",
        "embedders",
        "attempt",
        "handed_back",
        "worker",
        "due",
    }
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("vector_store_id", "status"),
        ("vector_store_id", "batch_id"),
        ("file_id",),
        ("status", "due"),
    )

    object: Literal["vector_store.file"] = "vector_store.file"
    created_at: int
    vector_store_id: str
    usage_bytes: int = 0
    status: FileStatus = "in_progress"
    last_error: FileError | None = None
    chunking_strategy: Chunking = StaticChunking()
    attributes: dict[str, Attribute] = {}

    file_id: str = ""
    filename: str = ""
    batch_id: str | None = None
    key: str = ""
    """Another each time that the file is put into the store: what was left of an earlier time is never taken for its own."""
    chunk_set: str | None = None
    """The parent of the chunks that count. An attempt writes under a name of its own, which becomes this one when it is done; so
    what an attempt left that died is never read."""
    chunks: int = 0
    embedder: str | None = None
    """The newest embedder of which all its chunks have vectors."""
    embedders: list[str] = []
    """All of which there may be vectors of its chunks; named here before the first vector is written."""
    attempt: int = 0
    handed_back: int = 0
    """How many of the attempts were broken off without a fault of the file: the server stopped."""
    worker: str | None = None
    due: float | None = None
    """Store time at which the sweep looks at it again; None when nothing is left to do."""

    def set_of(self, attempt: int) -> str:
        """The chunk set that an attempt writes."""
        return f"{self.key}.{attempt}"

    def wire(self) -> dict[str, JsonValue]:
        """As clients know it: under the file's id."""
        return {**super().wire(), "id": self.file_id}
