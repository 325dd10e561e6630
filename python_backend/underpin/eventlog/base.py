"""The EventLog seam: what a run says, numbered, encoded once, and followed by anyone; and the ThreadLog, a thread's own stream.

Only events of the log carry numbers. An event's line is the envelope that two of the three framings send as it is.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Protocol

import msgspec
from pydantic import JsonValue

from ..objects.run import Run
from ..objects.thread import Thread
from ..store.base import Changes, Conditions, Scope


class Event(msgspec.Struct, frozen=True, gc=False):
    number: int
    name: str
    line: bytes
    """`{"event":"NAME","data":JSON}`, without a line end."""

    @property
    def data(self) -> bytes:
        """The JSON of its data alone."""
        return self.line[19 + len(self.name) : -1]  # 19: what stands around the name in `line`


def event_line(name: str, data: bytes) -> bytes:
    """The envelope of one event."""
    return b'{"event":"%b","data":%b}' % (name.encode(), data)


class RunWriter(Protocol):
    """The one writer of a run's log, under one claim."""

    def append(self, name: str, data: bytes) -> None:
        """Add an event. Followers see it at the next `wake`; the journal has it at the next flush."""

    def append_line(self, name: str, line: bytes) -> None:
        """The same with a line that is built already: what a token costs."""

    def wake(self) -> None:
        """Tell the followers: once for each read from the model, not for each event."""

    async def commit(self, events: Sequence[tuple[str, bytes]], changes: Changes, only_if: Conditions) -> Run:
        """Write everything so far and `events` to the journal, and change the run, in one visible step; only then do followers
        see `events`. Raises ConditionFailed when the run is no longer this claim's or `only_if` does not hold: `events` were not
        appended then, and nobody will ever see them.
        """

    async def close(self) -> None:
        """This claim writes no more; what is appended but not written is lost. Followers go on with the journal, or end
        with the run. May be called twice."""

    async def cut(self) -> None:
        """As `close`, but followers end now, with StoreUnavailable: nobody works on the run until a sweep finds it, and their
        clients come again."""


class EventLog(Protocol):
    def open(self, run: Run, on_fenced: Callable[[], None]) -> RunWriter:
        """Begin to write under the claim that `run` carries. From now on its lease is renewed with each flush. `on_fenced` is
        called once when a flush is refused: the run was cancelled or taken over, and its loop has to stop."""

    def follow(
        self, run_id: str, after: int, *, scope: Scope, tick_s: float | None = None
    ) -> AsyncGenerator[Sequence[Event], None]:
        """The run's events with numbers above `after`, replayed and then live, as batches; ends when the run does, or when it
        waits for tool outputs. An empty batch says that nothing came for `tick_s`. Raises NotFound for an unknown run, and
        StoreUnavailable when older events cannot be read, or the writer was cut. Never slows the writer: a reader that
        falls behind reads the journal.
        """

    def kept(self, run: Run) -> AsyncGenerator[Sequence[Event], None]:
        """The events that count of all claims of `run`, from the journal: where its next owner begins. Ends at the last one."""

    async def start(self) -> None:
        """Begin to flush."""

    def end_followers(self) -> None:
        """The server stops: followers end once they have read what is there."""

    async def stop(self) -> None:
        """Write what is appended, and end. Runs that are still open stay open."""


MESSAGE_ADDED = "thread.message.added"
MESSAGE_DELETED = "thread.message.deleted"
RUN_QUEUED = "thread.run.queued"
"""A message waits for its turn."""
RUN_STARTED = "thread.run.started"
RUN_ENDED = "thread.run.ended"
RENAMED = "thread.renamed"
DELETED = "thread.deleted"
RESET = "thread.reset"
"""Not stored: read the thread anew and go on from this number."""


class ThreadLog(Protocol):
    async def append(self, owner: str, thread_id: str, number: int, name: str, data: Mapping[str, JsonValue]) -> None:
        """Write the event under the number that the thread gave for it, and wake the followers. May be repeated."""

    async def say(self, owner: str, thread_id: str, name: str, data: Mapping[str, JsonValue]) -> None:
        """`append` under a number of its own. Raises NotFound when the thread is gone."""

    def follow(self, thread: Thread, after: int, *, tick_s: float | None = None) -> AsyncGenerator[Sequence[Event], None]:
        """The thread's events above `after`, replayed and then live, until the thread is deleted or the caller stops. An empty
        batch says that nothing came for `tick_s`. A number that stays missing becomes one RESET event."""

    def end_followers(self) -> None:
        """The server stops: followers end once they have read what is there."""
