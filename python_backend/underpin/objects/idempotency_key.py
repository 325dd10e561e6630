"""An Idempotency-Key that was seen: which run it made, from which body."""

from typing import ClassVar

from .stored import Stored


class IdempotencyKey(Stored):
    """Its id is the hash of owner, thread and key, so that the second one cannot be inserted."""

    kind: ClassVar[str] = "idempotency_keys"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("forget_at",),)

    thread_id: str
    body_hash: str
    run_id: str
    message_id: str
    forget_at: float
    """Store time after which the sweep removes it."""
