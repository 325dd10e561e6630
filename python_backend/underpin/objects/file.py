"""Files: what was uploaded, under a purpose, with the name that its owner gave it."""

from typing import ClassVar, Literal

from .has_bytes import HasBytes

Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
"""What may be uploaded. `assistants_output`, `batch_output` and `fine-tune-results` are for what a server makes by itself."""

AnyPurpose = Purpose | Literal["assistants_output", "batch_output", "fine-tune-results"]

BATCH_KEPT_S = 30 * 86_400
"""OpenAI keeps batch files for 30 days when nobody says how long, and all others until they are deleted."""


class File(HasBytes):
    kind: ClassVar[str] = "files"
    sent_if_set: ClassVar[frozenset[str]] = frozenset({"expires_at"})
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (*HasBytes.indexes, ("expires_at",), ("owner", "purpose"))

    object: Literal["file"] = "file"
    created_at: int = 0
    expires_at: int | None = None
    """Seconds of the epoch from which on it is gone; None: it stays until it is deleted."""
    filename: str = ""
    """As its owner gave it, without folders. It names nothing on any disk."""
    purpose: AnyPurpose = "user_data"
    status: Literal["uploaded", "processed", "error"] = "processed"


def expiry(purpose: str, created_at: int, after_s: int | None) -> int | None:
    """When a file expires, in seconds of the epoch."""
    if after_s is None:
        after_s = BATCH_KEPT_S if purpose == "batch" else None
    return None if after_s is None else created_at + after_s
