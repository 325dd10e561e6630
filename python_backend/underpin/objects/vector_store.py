"""Vector stores: files that are searched together. What was cut and embedded is in chunks and vector blocks."""

from typing import ClassVar, Literal

from pydantic import BaseModel, JsonValue

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
    bookkeeping: ClassVar[frozenset[str]] = Stored.bookkeeping | {"generation", "counted", "embedder"}
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("expires_at",),)

    object: Literal["vector_store"] = "vector_store"
    created_at: int
    name: str | None = None
    description: str | None = None
    usage_bytes: int = 0
    file_counts: FileCounts = FileCounts()
    status: VectorStoreStatus = "completed"
    expires_after: ExpiresAfter | None = None
    expires_at: int | None = None
    last_active_at: int | None = None
    metadata: dict[str, str] = {}

    generation: int = 0
    """Grows with every change of what is searched: a file that completed or went, attributes. Whoever holds an index of an older
    one brings it up to date before it searches."""
    counted: int = -1
    """The generation of which `file_counts` and `usage_bytes` are."""
    embedder: str | None = None
    """The embedder whose vectors are searched; None until there are any."""

    def wire(self) -> dict[str, JsonValue]:
        """As OpenAI's document has it: no expiry is told where there is none."""
        shown = super().wire()
        return {name: value for name, value in shown.items() if value is not None or name in _ALWAYS_TOLD}


_ALWAYS_TOLD = frozenset({"last_active_at", "name", "metadata"})
