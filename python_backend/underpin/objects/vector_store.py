"""Vector stores: files that are searched together. What was cut and embedded is in chunks and vector blocks."""

from typing import ClassVar, Literal

from pydantic import BaseModel

from .stored import Stored

VectorStoreStatus = Literal["expired", "in_progress", "completed"]


class FileCounts(BaseModel):
    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    total: int = 0


class ExpiresAfter(BaseModel):
    anchor: Literal["last_active_at"] = "last_active_at"
    days: int


class VectorStore(Stored):
    kind: ClassVar[str] = "vector_stores"
    bookkeeping: ClassVar[frozenset[str]] = Stored.bookkeeping | {
        "last_seq",
        "generation",
        "counted",
        "embedder",
        "going",
        "worker",
        "due",
    }
    sent_if_set: ClassVar[frozenset[str]] = frozenset({"description", "expires_after", "expires_at"})
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("expires_at",), ("due",), ("embedder",))

    object: Literal["vector_store"] = "vector_store"
    created_at: int
    name: str = ""
    """OpenAI's document has no null here."""
    description: str | None = None
    usage_bytes: int = 0
    file_counts: FileCounts = FileCounts()
    status: VectorStoreStatus = "completed"
    expires_after: ExpiresAfter | None = None
    expires_at: int | None = None
    last_active_at: int | None = None
    metadata: dict[str, str] = {}

    last_seq: int = 0
    """The last number given to a file."""
    generation: int = 0
    """Grows with every change of what is searched: a file that completed or went, attributes. Whoever holds an index of an older
    one brings it up to date before it searches."""
    counted: int = -1
    """The generation of which `file_counts` and `usage_bytes` are."""
    embedder: str | None = None
    """The embedder whose vectors are searched; None until there are any."""
    going: bool = False
    """It was deleted: nobody finds it, and the sweep removes what was in it."""
    worker: str | None = None
    """Who makes new vectors for all of it, since the configured embedder is another one than `embedder`."""
    due: float | None = None
    """Store time at which the sweep looks at it: what was in it is to be removed, or embedded again. None: nothing is to do."""
