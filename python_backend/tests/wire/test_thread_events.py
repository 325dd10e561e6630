"""A thread's own stream: what a second tab, a reload and a group stand on."""

import asyncio
from itertools import islice
from typing import Any

import httpx
import pytest

from tests.wire.clients import Event, parse_lines, parse_sse, text_of
from tests.wire.conftest import new_thread
from tests.wire.in_process import serving
from underpin.store.base import Store

PREFIXES = ["/threads", "/api/assistants/threads"]


def say(http: httpx.Client, thread: str, content: str) -> str:
    """Send a message and wait for its answer and all that is told of it; the run."""
    answer = http.post("/chat/stream", json={"content": content, "threadId": thread})
    assert answer.status_code == 200
    run = str(answer.headers["x-run-id"])
    with http.stream("GET", f"/threads/{thread}/events?after=0") as response:
        for event in parse_sse(response.iter_lines()):
            if event.name == "thread.run.ended" and event.data["runId"] == run:
                break
    return run


def history(http: httpx.Client, thread: str) -> dict[str, Any]:
    told: dict[str, Any] = http.get(f"/threads/{thread}/history").json()
    return told


def events_after(http: httpx.Client, thread: str, after: int, count: int, **more: Any) -> list[Event]:
    """The next `count` events; the stream itself goes on."""
    with http.stream("GET", f"/threads/{thread}/events", params={"after": after}, **more) as response:
        assert response.status_code == 200
        assert response.headers["x-thread-id"] == thread
        return list(islice(parse_sse(response.iter_lines()), count))


def test_a_message_and_its_answer_are_told(http: httpx.Client, thread):
    run = say(http, thread, "Clay.")
    assistant, user = history(http, thread)["messages"]
    events = events_after(http, thread, 0, 4)
    assert [event.number for event in events] == [1, 2, 3, 4]
    assert [(event.name, event.data) for event in events] == [
        ("thread.message.added", {"message": user}),
        ("thread.run.started", {"runId": run, "after": 0}),
        ("thread.message.added", {"message": assistant, "runId": run}),
        ("thread.run.ended", {"runId": run, "status": "completed"}),
    ]


def test_what_a_run_said_is_followed_from_where_the_event_says(http: httpx.Client, thread):
    answer = http.post("/chat", json={"content": 'say "Once."\nhang', "threadId": thread}).json()
    started = events_after(http, thread, 0, 2)[1]
    with http.stream("GET", f"/chat/stream/{started.data['runId']}?after={started.data['after']}") as response:
        events = parse_sse(response.iter_lines())
        assert next(events).name == "thread.run.created"
        http.post(f"/threads/{thread}/stop")
        assert text_of(events) == "Once."
    assert events_after(http, thread, 3, 1)[0].data == {"runId": answer["run_id"], "status": "cancelled"}


def test_the_stream_is_resumed_at_each_event(http: httpx.Client, thread):
    for number in range(4):
        say(http, thread, f"Message {number}.")
    whole = events_after(http, thread, 0, 16)
    assert [event.number for event in whole] == list(range(1, 17))
    for after in range(16):
        assert events_after(http, thread, after, 16 - after) == whole[after:]
        with http.stream("GET", f"/threads/{thread}/events", headers={"Last-Event-ID": str(after)}) as response:
            assert list(islice(parse_sse(response.iter_lines()), 16 - after)) == whole[after:]


def test_nothing_falls_between_the_list_and_the_stream(http: httpx.Client, thread):
    say(http, thread, "Before.")
    cursor = history(http, thread)["threadCursor"]
    assert cursor == 4
    run = say(http, thread, "After.")
    assert [event.number for event in events_after(http, thread, cursor, 4)] == [5, 6, 7, 8]
    assert history(http, thread)["activeRun"] is None
    assert events_after(http, thread, 7, 1)[0].data["runId"] == run


def test_without_a_cursor_it_begins_with_what_happens_next(http: httpx.Client, thread):
    say(http, thread, "Before.")
    with http.stream("GET", f"/threads/{thread}/events") as response:
        say(http, thread, "After.")
        first = next(parse_sse(response.iter_lines()))
    assert first.number == 5
    assert first.data["message"]["content"][0]["text"]["value"] == "After."


def test_an_empty_thread_is_followed_from_its_cursor(http: httpx.Client, thread):
    assert history(http, thread) == {"threadId": thread, "messages": [], "activeRun": None, "waiting": [], "threadCursor": 0}
    say(http, thread, "First.")
    with http.stream("GET", f"/threads/{thread}/events", headers={"Last-Event-ID": "0"}) as late:
        assert next(parse_sse(late.iter_lines())).number == 1


@pytest.mark.parametrize("prefix", PREFIXES)
def test_two_followers_are_told_of_names_and_of_the_end(http: httpx.Client, prefix):
    thread = new_thread(http)
    assert http.post(f"{prefix}/history", json={"threadId": thread, "name": "Old"}).json() == {"success": True}
    path = f"{prefix}/{thread}/events"
    with http.stream("GET", path) as one, http.stream("GET", path, headers={"Accept": "application/x-ndjson"}) as two:
        events, others = parse_sse(one.iter_lines()), parse_lines(two.iter_lines())
        http.put(f"{prefix}/history", json={"threadId": thread, "newName": "New 名"})
        told, also = [next(events)], [next(others)]
        http.request("DELETE", f"{prefix}/history", json={"threadId": thread, "isGroup": False})
        told += events
        also += others
    assert told == also
    assert [(event.name, event.data) for event in told] == [
        ("thread.renamed", {"threadId": thread, "name": "New 名"}),
        ("thread.deleted", {"threadId": thread}),
    ]


def test_an_unknown_thread_has_no_stream(http: httpx.Client):
    answer = http.get("/threads/thread_000000000000000000000000/events")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Thread not found. Please create a new chat."


class SlowPages:
    """A store whose pages of thread events come when the gate is open."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.gate = asyncio.Event()
        self.gate.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def page(self, kind: Any, *args: Any, **more: Any) -> Any:
        if kind.kind == "thread_events":
            await self.gate.wait()
        return await self._store.page(kind, *args, **more)


async def test_the_end_is_told_although_its_event_was_cleared_first(tmp_path):
    stores: list[SlowPages] = []

    def wrap(store: Store) -> Any:
        stores.append(SlowPages(store))
        return stores[0]

    async with serving(tmp_path, wrap_store=wrap) as http:
        thread = (await http.post("/threads/create")).json()["threadId"]
        async with http.stream("GET", f"/threads/{thread}/events") as response:
            stores[0].gate.clear()
            await http.request("DELETE", "/threads/history", json={"threadId": thread})
            stores[0].gate.set()
            async with asyncio.timeout(5):  # a keep-alive, at which it would be found out, is 15 s away
                lines = [line async for line in response.aiter_lines()]
    assert [event.name for event in parse_sse(lines)] == ["thread.deleted"]
