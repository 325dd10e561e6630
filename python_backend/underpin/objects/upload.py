"""Uploads: a large file that comes in parts, and the parts."""

from typing import ClassVar, Literal

from pydantic import JsonValue

from .file import File, Purpose
from .has_bytes import HasBytes
from .stored import Stored

Status = Literal["pending", "completed", "cancelled", "expired"]


class Upload(Stored):
    """`pending` until it is completed, cancelled or expired; each by a conditional update, and none is left again."""

    kind: ClassVar[str] = "uploads"
    bookkeeping: ClassVar[frozenset[str]] = Stored.bookkeeping | {
        "mime_type",
        "expires_after_s",
        "last_seq",
        "received_bytes",
        "file_id",
        "attempts",
        "part_ids",
        "tidy_at",
    }
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("tidy_at",),)

    object: Literal["upload"] = "upload"
    bytes: int
    """How many the whole file has, as its owner announced."""
    created_at: int
    expires_at: int
    filename: str
    purpose: Purpose
    status: Status = "pending"

    mime_type: str
    expires_after_s: int | None = None
    """The file's, counted from its creation."""
    last_seq: int = 0
    """The last number given to a part."""
    received_bytes: int = 0
    """What its parts hold together."""
    file_id: str | None = None
    """The file that its parts become. While it is pending: of the latest attempt to complete it."""
    attempts: list[str] = []
    """The files of all attempts: those that came to nothing are removed when it ends."""
    part_ids: list[str] = []
    """What it was completed with."""
    tidy_at: float | None = None
    """Store time at which the sweep looks after it: it expires, or its parts are removed. None when nothing is left to do."""

    def with_file(self, file: File | None) -> dict[str, JsonValue]:
        """The upload as clients see it, its file inside."""
        return {**self.wire(), "file": None if file is None else file.wire()}


class UploadPart(HasBytes):
    kind: ClassVar[str] = "upload_parts"
    parent: ClassVar[str | None] = "upload_id"
    bookkeeping: ClassVar[frozenset[str]] = HasBytes.bookkeeping | {"bytes"}

    object: Literal["upload.part"] = "upload.part"
    created_at: int
    upload_id: str
