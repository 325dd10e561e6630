"""The chat's own routes: at once, again, taken over, stopped, titled; and what an operator looks at."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import parse_sse, text_of
from tests.wire.in_process import serving
from underpin import __version__
from underpin.errors import StoreUnavailable
from underpin.store.base import Store

Json = dict[str, Any]


@pytest.fixture
async def many(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    """For requests that are made at the same time."""
    async with httpx.AsyncClient(base_url=server.base_url, timeout=30, limits=httpx.Limits(max_connections=50)) as client:
        yield client


def runs_of(server: ServerProcess, thread: str) -> list[Json]:
    with closing(sqlite3.connect(f"file:{server.data_dir / 'underpin.sqlite3'}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT doc FROM runs WHERE parent = ? ORDER BY seq", (thread,)).fetchall()
    return [json.loads(doc) for (doc,) in rows]


def texts(http: httpx.Client, thread: str) -> list[str]:
    return [message["text"] for message in http.get(f"/threads/{thread}/messages-history").json()["messages"]]


def stream(http: httpx.Client, thread: str, content: str, **headers: str) -> httpx.Response:
    return http.post("/chat/stream", json={"content": content, "threadId": thread}, headers=headers)


def test_a_message_is_taken_at_once_and_answered_later(http: httpx.Client, thread):
    begin = time.monotonic()
    answer = http.post("/chat", json={"content": 'wait 500\nsay "Late."', "threadId": thread})
    assert time.monotonic() - begin < 0.45
    run = answer.json()["run_id"]
    assert answer.json() == {"success": True, "run_id": run, "thread_id": thread, "message": "Message sent successfully"}
    assert (answer.headers["x-run-id"], answer.headers["x-thread-id"]) == (run, thread)
    assert text_of(parse_sse(http.get(f"/chat/stream/{run}").text.split("\n"))) == "Late."


def test_taking_over_costs_no_sleep(http: httpx.Client, thread):
    for _ in range(5):
        first = http.post("/chat", json={"content": 'say "One."\nhang', "threadId": thread}).json()["run_id"]
        begin = time.monotonic()
        assert "thread.run.completed" in stream(http, thread, 'say "Two."').text
        assert time.monotonic() - begin < 0.4, "promised are 100 ms"
        assert list(parse_sse(http.get(f"/chat/stream/{first}").text.split("\n")))[-1].name == "thread.run.cancelled"


async def test_two_messages_at_once_leave_one_answer_and_a_free_thread(many: httpx.AsyncClient):
    for number in range(20):
        thread = (await many.post("/threads/create")).json()["threadId"]
        body = {"content": f"delay 2\nwords {number + 1}", "threadId": thread}
        answers = await asyncio.gather(*(many.post("/chat/stream", json=body) for _ in range(2)))
        ends = sorted(list(parse_sse(answer.text.split("\n")))[-1].name for answer in answers)
        assert ends in (["thread.run.cancelled", "thread.run.completed"], ["thread.run.completed"] * 2)
        going_on = (await many.get(f"/threads/{thread}/history")).json()
        assert going_on["activeRun"] is None
        kept = [(message["role"], message["status"]) for message in going_on["messages"]]
        assert kept.count(("user", "completed")) == 2
        # A run may be cancelled in the moment in which its message is complete.
        assert kept.count(("assistant", "completed")) >= ends.count("thread.run.completed")


def test_the_same_key_is_the_same_run(http: httpx.Client, thread, server):
    key = {"Idempotency-Key": "key-1"}
    first = stream(http, thread, "Once.", **key)
    again = stream(http, thread, "Once.", **key)
    at_once = http.post("/chat", json={"content": "Once.", "threadId": thread}, headers=key)
    assert again.content == first.content
    assert again.headers["x-run-id"] == first.headers["x-run-id"] == at_once.json()["run_id"]
    assert texts(http, thread) == ["Once.", "Once."]
    assert len(runs_of(server, thread)) == 1


async def test_the_same_key_ten_times_at_once_is_one_run(many: httpx.AsyncClient, http: httpx.Client, thread, server):
    body = {"content": "delay 5\nwords 20", "threadId": thread}
    answers = await asyncio.gather(
        *(many.post("/chat/stream", json=body, headers={"Idempotency-Key": "key-10"}) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["x-run-id"] for answer in answers}) == 1
    assert len({answer.content for answer in answers}) == 1
    assert texts(http, thread).count(body["content"]) == 1
    assert len(runs_of(server, thread)) == 1


def test_the_same_key_with_another_body_is_refused(http: httpx.Client, thread, server):
    key = {"Idempotency-Key": "key-2"}
    stream(http, thread, "Once.", **key)
    for body in ({"content": "Twice."}, {"content": "Once.", "assistantId": "asst_9tiWHxdkDTJCMc09qxjA4sZb"}):
        answer = http.post("/chat", json={"threadId": thread, **body}, headers=key)
        if "assistantId" in body and answer.status_code == 404:
            continue  # an assistant that is not there is found out first
        assert answer.status_code == 422
        assert answer.json()["detail"] == answer.json()["error"]
        assert "Idempotency-Key" in answer.json()["error"]
    assert len(runs_of(server, thread)) == 1


def test_a_key_belongs_to_its_thread(http: httpx.Client, thread, server):
    other = http.post("/threads/create").json()["threadId"]
    runs = {stream(http, at, "Once.", **{"Idempotency-Key": "key-3"}).headers["x-run-id"] for at in (thread, other)}
    assert len(runs) == 2


@pytest.mark.parametrize("prefix", ["/threads", "/api/assistants/threads"])
def test_stop_is_the_same_however_often(http: httpx.Client, thread, prefix):
    assert http.post(f"{prefix}/{thread}/stop").json() == {"success": True, "threadId": thread, "runId": None, "status": None}
    run = http.post("/chat", json={"content": 'say "One."\nhang', "threadId": thread}).json()["run_id"]
    with http.stream("GET", f"/chat/stream/{run}") as response:
        lines = response.iter_lines()
        while "One." not in next(lines):
            pass
        stopped = http.post(f"{prefix}/{thread}/stop").json()
        assert "thread.run.cancelled" in "".join(lines)
    assert stopped == {"success": True, "threadId": thread, "runId": run, "status": "cancelled"}
    assert http.post(f"{prefix}/{thread}/stop").json() == stopped
    [answer, _] = http.get(f"/threads/{thread}/history").json()["messages"]
    assert (answer["status"], answer["content"][0]["text"]["value"]) == ("incomplete", "One.")


@pytest.mark.usefixtures("functions")
def test_a_run_that_waits_for_tools_is_stopped_too(http: httpx.Client, thread):
    stream(http, thread, 'call look {"at": "clay"}')
    run = http.get(f"/threads/{thread}/history").json()["activeRun"]
    assert run["status"] == "requires_action"
    assert http.post(f"/threads/{thread}/stop").json()["runId"] == run["id"]
    assert http.get(f"/threads/{thread}/history").json()["activeRun"] is None
    assert list(parse_sse(http.get(f"/chat/stream/{run['id']}").text.split("\n")))[-1].name == "thread.run.cancelled"


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("prefix", ["/threads", "/api/assistants/threads"])
def test_outputs_that_do_not_fit_are_refused(http: httpx.Client, thread, prefix):
    def post(run: str, *calls: str) -> httpx.Response:
        outputs = [{"tool_call_id": call, "output": "x"} for call in calls]
        return http.post(f"{prefix}/{thread}/actions", json={"runId": run, "toolCallOutputs": outputs})

    events = list(parse_sse(stream(http, thread, "call one {}\ncall two {}").text.split("\n")))
    run = events[-1].data["id"]
    one, two = [call["id"] for call in events[-1].data["required_action"]["submit_tool_outputs"]["tool_calls"]]
    for calls in ((one,), (one, "call_other"), (one, two, "call_other")):
        answer = post(run, *calls)
        assert answer.status_code == 400
        assert answer.json()["error"] == f"Expected tool outputs for call_ids {[one, two]}, got {list(calls)}"
    elsewhere = http.post("/threads/create").json()["threadId"]
    wrong = http.post(
        f"{prefix}/{elsewhere}/actions", json={"runId": run, "toolCallOutputs": [{"tool_call_id": one, "output": ""}]}
    )
    assert wrong.status_code == 404
    assert run in wrong.json()["error"]
    assert post(run, one, two).status_code == 200
    again = post(run, one, two)
    assert again.status_code == 400
    assert again.json()["error"] == 'Runs in status "completed" do not accept tool outputs.'


@pytest.mark.parametrize("prefix", ["/threads", "/api/assistants/threads"])
def test_a_title_is_short_and_never_empty(http: httpx.Client, thread, prefix):
    def title(message: str) -> str:
        return str(http.post(f"{prefix}/{thread}/title", json={"message": message}).json()["title"])

    assert title("What are the soil types?") == "What are the soil types?"
    assert title("fail unreachable") == "fail unreachable", "the first words, where the model writes none"
    assert title('say "\\"\\" "') == 'say "\\"\\" "'
    assert len(title("word " * 200)) <= 60
    assert len(title("粘" * 5_000)) <= 60
    assert "\n" not in title("two\nlines")
    assert http.get(f"/threads/{thread}/history").json()["messages"] == []


def test_the_assistant_is_known(http: httpx.Client, thread):
    assistant = http.post("/api/assistants").json()["assistantId"]
    assert assistant.startswith("asst_")
    answer = http.post("/chat/stream", json={"content": "Hello", "threadId": thread, "assistantId": assistant})
    assert answer.status_code == 200
    assert list(parse_sse(answer.text.split("\n")))[-1].data["assistant_id"] == assistant


def test_operators_find_what_they_look_for(http: httpx.Client):
    assert http.get("/").json() == {"status": "ok", "message": "Underpin is running", "version": __version__}
    assert http.get("/health").json() == {"status": "ok"}
    for path in ("/", "/health", "/ready"):
        head = http.head(path)
        assert (head.status_code, head.content) == (200, b"")
    ready = http.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    assert set(ready.json()["parts"].values()) == {"ok"}
    docs = http.get("/docs")
    assert docs.headers["content-type"].startswith("text/html")
    paths = http.get("/openapi.json").json()["paths"]
    for path in ("/chat", "/chat/stream", "/threads/history", "/api/assistants/threads/{thread_id}/messages"):
        content = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert content["required"], path


class NotAnswering:
    """A store whose database does not answer when it is asked how it is."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def ping(self) -> None:
        raise StoreUnavailable("The database does not answer.")


async def test_what_is_not_ready_is_named(tmp_path):
    async with serving(tmp_path, wrap_store=lambda store: NotAnswering(store)) as http:
        ready = await http.get("/ready")
        assert (await http.get("/health")).status_code == 200
    assert ready.status_code == 503
    assert ready.headers["retry-after"] == "5"
    assert ready.json()["status"] == "not ready"
    assert ready.json()["parts"]["store"] == "The database does not answer."
    assert ready.json()["parts"]["model"] == "ok"
