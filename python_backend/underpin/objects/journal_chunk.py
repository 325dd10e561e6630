"""A piece of a run's log, as the journal keeps it."""

from typing import ClassVar

from .stored import Stored


class JournalChunk(Stored):
    """Immutable. `seq` is the number of its last event; it counts only up to the head that the run's claim wrote."""

    kind: ClassVar[str] = "journal"
    parent: ClassVar[str | None] = "run_id"

    run_id: str
    claim_no: int
    first: int
    """Number of its first event; the others follow without gaps."""
    lines: str
    """The events in the form of the wire, `{"event": NAME, "data": JSON}`, one a line."""
