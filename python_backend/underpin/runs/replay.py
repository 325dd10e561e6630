"""A run's log for whoever comes late: the events as they were, or, once the journal was cleared, what they came to."""

from collections.abc import AsyncGenerator, Sequence

from ..eventlog.base import Event, EventLog, event_line
from ..objects.message import Message
from ..objects.run import Run
from ..store.base import Scope, Store


async def whole_log(
    store: Store, log: EventLog, run: Run, after: int, *, scope: Scope, tick_s: float | None
) -> AsyncGenerator[Sequence[Event], None]:
    """The events above `after`, replayed and then live, as `EventLog.follow` promises. Where the journal of an ended run is gone,
    its messages and its end are told instead, under the number of its last event."""
    told = False
    async for batch in log.follow(run.id, after, scope=scope, tick_s=tick_s):
        told = told or bool(batch)
        yield batch
    if told or not run.ended or after >= run.last_number:
        return
    yield await _what_it_came_to(store, run, scope)


async def _what_it_came_to(store: Store, run: Run, scope: Scope) -> list[Event]:
    page = await store.page(Message, run.thread_id, scope=scope, where={"run_id": run.id}, limit=100, order="asc")
    said = [(f"thread.message.{message.status}", message.wire_json()) for message in page.data if message.role == "assistant"]
    last = run.last_number
    return [Event(last, name, event_line(name, data)) for name, data in (*said, (f"thread.run.{run.status}", run.wire_json()))]
