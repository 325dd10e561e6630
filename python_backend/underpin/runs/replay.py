"""A run's log for whoever comes late: the events as they were, or, once the journal was cleared, what they came to."""

from collections.abc import AsyncGenerator, Iterator, Sequence

import msgspec

from ..eventlog.base import Event, EventLog, event_line
from ..objects.message import Message
from ..objects.run import Run
from ..store.base import Scope, Store


async def whole_log(
    store: Store, log: EventLog, run: Run, after: int, *, scope: Scope, tick_s: float | None
) -> AsyncGenerator[Sequence[Event], None]:
    """The events above `after`, replayed and then live, as `EventLog.follow` promises. Where the journal of an ended run is gone,
    its messages and its end are told instead, under the number of its last event: each message from its beginning to who has
    seen nothing, and as it was kept to who has seen a part."""
    told = False
    async for batch in log.follow(run.id, after, scope=scope, tick_s=tick_s):
        told = told or bool(batch)
        yield batch
    if told or not run.ended or after >= run.last_number:
        return
    yield await _what_it_came_to(store, run, scope, from_the_beginning=after == 0)


async def _what_it_came_to(store: Store, run: Run, scope: Scope, *, from_the_beginning: bool) -> list[Event]:
    page = await store.page(Message, run.thread_id, scope=scope, where={"run_id": run.id}, limit=100, order="asc")
    said: list[tuple[str, bytes]] = []
    for message in page.data:
        if message.role == "assistant":
            said += _beginning(message) if from_the_beginning else ()
            said.append((f"thread.message.{message.status}", message.wire_json()))
    said.append((f"thread.run.{run.status}", run.wire_json()))
    return [Event(run.last_number, name, event_line(name, data)) for name, data in said]


def _beginning(message: Message) -> Iterator[tuple[str, bytes]]:
    """What has to come before a message's end: the SDKs know no message that was not created, and show what deltas say."""
    begun: dict[str, object] = {
        "status": "in_progress",
        "content": [],
        "completed_at": None,
        "incomplete_at": None,
        "incomplete_details": None,
    }
    yield "thread.message.created", message.model_copy(update=begun).wire_json()
    content = [{"index": at, **part.model_dump(mode="json")} for at, part in enumerate(message.content)]
    for part in content:
        for at, annotation in enumerate(part.get("text", {}).get("annotations", ())):
            annotation["index"] = at
    if content:
        delta = {"id": message.id, "object": "thread.message.delta", "delta": {"content": content}}
        yield "thread.message.delta", msgspec.json.encode(delta)
