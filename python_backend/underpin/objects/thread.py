"""Threads: the order of messages, and the lock that lets one run at a time work on them."""

from typing import ClassVar, Literal

from pydantic import JsonValue

from .stored import Stored


class Thread(Stored):
    kind: ClassVar[str] = "threads"
    bookkeeping: ClassVar[frozenset[str]] = Stored.bookkeeping | {
        "shared",
        "last_seq",
        "active_run",
        "active_worker",
        "active_until",
        "resources_key",
    }
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("active_until",),)

    object: Literal["thread"] = "thread"
    created_at: int
    tool_resources: dict[str, JsonValue] = {}
    metadata: dict[str, str] = {}

    shared: bool = False
    """A group thread: whoever knows its id is a member."""
    last_seq: int = 0
    """The last number given to anything in this thread: messages and thread events share it."""
    resources_key: str | None = None
    """Another with each change of `tool_resources`: the condition of such a change."""
    active_run: str | None = None
    """The run that holds the thread. Set and cleared by conditional updates only."""
    active_worker: str | None = None
    active_until: float | None = None
    """Store time at which the sweep looks whether the holder still lives; None when free."""
