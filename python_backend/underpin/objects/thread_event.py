"""What happened to a thread: message added, run started, run ended, renamed, deleted."""

from typing import ClassVar

from pydantic import JsonValue

from .stored import Stored


class ThreadEvent(Stored):
    """`seq` is its number in the thread's own stream, taken from the thread's `last_seq`."""

    kind: ClassVar[str] = "thread_events"
    parent: ClassVar[str | None] = "thread_id"

    thread_id: str
    name: str
    data: dict[str, JsonValue]
