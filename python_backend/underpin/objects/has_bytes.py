"""What a file and a part of an upload share: bytes beside them, kept in the blobs under the same id.

The object comes first, so that a crash leaves bytes that somebody knows of; it is seen only while it is `kept`, so that nobody
sees an object without its bytes.
"""

from typing import ClassVar, Literal

from .stored import Stored

State = Literal["coming", "kept", "going"]


class HasBytes(Stored):
    """`coming` → `kept` → `going`, or `coming` → `going`; each by a conditional update. Clients see only what is kept."""

    bookkeeping: ClassVar[frozenset[str]] = Stored.bookkeeping | {"state", "worker", "lease_until"}
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("lease_until",),)

    bytes: int = 0
    """How many there are, once all have come."""

    state: State = "coming"
    worker: str | None = None
    """Who writes the bytes while they come."""
    lease_until: float | None = None
    """Store time after which the sweep removes what is still coming or going; None once it is kept."""
