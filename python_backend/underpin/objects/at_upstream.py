"""Vector stores and files that the model's server keeps: of its objects as much as is used here."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Counts:
    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    total: int = 0


@dataclass(frozen=True)
class StoreThere:
    id: str
    object: str = ""
    name: str | None = None
    file_counts: Counts = Counts()


@dataclass(frozen=True)
class Reason:
    message: str = ""


@dataclass(frozen=True)
class StoreFileThere:
    """A file in a vector store. It has no name there: that is the file's."""

    id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"] = "in_progress"
    created_at: int = 0
    last_error: Reason | None = None
    attributes: dict[str, str | float | bool] | None = None


@dataclass(frozen=True)
class FileThere:
    id: str
    filename: str = ""
    bytes: int = 0


@dataclass(frozen=True)
class Piece:
    text: str = ""


@dataclass(frozen=True)
class HitThere:
    """What a search in a vector store found."""

    file_id: str
    filename: str = ""
    score: float = 0.0
    attributes: dict[str, str | float | bool] | None = None
    content: list[Piece] = field(default_factory=list)
