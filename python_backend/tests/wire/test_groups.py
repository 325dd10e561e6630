"""In a group nobody cuts anybody short: a message waits for its turn. One setting changes that, and how many may wait."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import Event, parse_sse, text_of


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.base_url, timeout=30) as client:
        yield client


async def new_group(http: httpx.AsyncClient) -> str:
    thread = str((await http.post("/threads/create")).json()["threadId"])
    assert (await http.post("/threads/history", json={"threadId": thread, "isGroup": True})).json() == {"success": True}
    return thread


async def send(http: httpx.AsyncClient, thread: str, content: str) -> str:
    answer = await http.post("/chat", json={"content": content, "threadId": thread})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["run_id"])


async def follow(http: httpx.AsyncClient, run: str) -> list[Event]:
    return list(parse_sse((await http.get(f"/chat/stream/{run}")).text.split("\n")))


async def texts(http: httpx.AsyncClient, thread: str) -> list[str]:
    return [message["text"] for message in (await http.get(f"/threads/{thread}/messages-history")).json()["messages"]]


async def test_messages_are_answered_one_after_the_other(http):
    thread = await new_group(http)
    contents = [f'delay 2\nsay "Answer {number} is this."' for number in range(4)]
    runs = [await send(http, thread, content) for content in contents]
    streams = await asyncio.gather(*(follow(http, run) for run in runs))
    assert [text_of(events) for events in streams] == [f"Answer {number} is this." for number in range(4)]
    assert {events[-1].name for events in streams} == {"thread.run.completed"}
    assert [text for number in range(4) for text in (contents[number], f"Answer {number} is this.")] == await texts(http, thread)


async def test_a_follower_of_the_group_is_told_who_waits(http):
    thread = await new_group(http)
    first = await send(http, thread, 'say "One."\nhang')
    second = await send(http, thread, 'say "Two."')
    await http.post(f"/threads/{thread}/stop")
    assert text_of(await follow(http, second)) == "Two."
    told: list[tuple[str, str | None]] = []
    async with http.stream("GET", f"/threads/{thread}/events?after=0") as response:
        lines: list[str] = []
        async for line in response.aiter_lines():
            lines.append(line)
            told = [(event.name, event.data.get("runId")) for event in parse_sse([*lines, ""] if line else lines)]
            if ("thread.run.ended", second) in told:
                break
    assert told == [
        ("thread.message.added", None),
        ("thread.run.started", first),
        ("thread.run.queued", second),
        ("thread.message.added", first),
        ("thread.run.ended", first),
        ("thread.message.added", None),
        ("thread.run.started", second),
        ("thread.message.added", second),
        ("thread.run.ended", second),
    ]


async def test_stop_lets_the_next_one_in(http):
    thread = await new_group(http)
    first = await send(http, thread, 'say "One."\nhang')
    second = await send(http, thread, 'say "Two."\nhang')
    third = await send(http, thread, 'say "Three."')
    assert (await http.post(f"/threads/{thread}/stop")).json()["runId"] == first
    async with http.stream("GET", f"/chat/stream/{second}") as response:
        async for line in response.aiter_lines():
            if "Two." in line:
                break
    assert (await http.post(f"/threads/{thread}/stop")).json()["runId"] == second
    assert text_of(await follow(http, third)) == "Three."
    ends = [(await follow(http, run))[-1].name for run in (first, second, third)]
    assert ends == ["thread.run.cancelled", "thread.run.cancelled", "thread.run.completed"]


async def test_the_queue_ends_somewhere_and_a_setting_says_where(tmp_path):
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted", TAKEOVER="wait", MAX_WAITING=2) as server:
        async with httpx.AsyncClient(base_url=server.base_url, timeout=30) as http:
            thread = (await http.post("/threads/create")).json()["threadId"]  # no group: the setting says that all wait
            await send(http, thread, "hang")
            waiting = [await send(http, thread, f"Message {number}.") for number in range(2)]
            refused = await http.post("/chat", json={"content": "One too many.", "threadId": thread})
            assert refused.status_code == 429
            assert refused.json()["detail"] == refused.json()["error"]
            assert int(refused.headers["retry-after"]) > 0
            await http.post(f"/threads/{thread}/stop")
            assert [text_of(await follow(http, run)) for run in waiting] == ["Message 0.", "Message 1."]
            assert await texts(http, thread) == ["hang", "Message 0.", "Message 0.", "Message 1.", "Message 1."]


async def test_a_setting_lets_members_of_a_group_take_over(tmp_path):
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted", TAKEOVER="cancel") as server:
        async with httpx.AsyncClient(base_url=server.base_url, timeout=30) as http:
            thread = await new_group(http)
            first = await send(http, thread, 'say "One."\nhang')
            second = await send(http, thread, 'say "Two."')
            assert (await follow(http, first))[-1].name == "thread.run.cancelled"
            assert text_of(await follow(http, second)) == "Two."


async def test_a_group_is_deleted_with_all_who_wait(http):
    thread = await new_group(http)
    first = await send(http, thread, "hang")
    second = await send(http, thread, "Waiting.")
    await http.put("/threads/history", json={"threadId": thread, "isGroup": False})
    deleted = await http.request("DELETE", "/threads/history", json={"threadId": thread, "isGroup": False})
    assert deleted.json() == {"success": True}
    for path in (f"/chat/stream/{first}", f"/chat/stream/{second}", f"/threads/{thread}/history"):
        assert (await http.get(path)).status_code == 404
