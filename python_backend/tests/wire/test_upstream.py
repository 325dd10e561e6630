"""What a client learns when the model's server refuses or fails: the guide's status and text where it comes at once, an event
where the stream has begun, and never a key."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.upstream import Chat, Connection, HangUp, Silent, Status, Upstream
from tests.server_process import ServerProcess
from tests.wire.clients import Event, parse_sse, text_of

CANARY = "sk-canary-9f3b7d21c8e64a05"
INVALID_KEY = "Invalid API key. Please check your OPENAI_API_KEY in the .env file."
ROUTES = ["/chat/stream", "/api/assistants/threads/{thread}/messages"]


@dataclass(frozen=True)
class Late:
    """A behaviour that begins later."""

    after_s: float
    then: Status

    async def answer(self, connection: Connection) -> None:
        await asyncio.sleep(self.after_s)
        await self.then.answer(connection)


class Told:
    """Everything that the server says to its clients, kept to be searched."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def keep(self, response: httpx.Response) -> None:
        await response.aread()
        self.texts += [response.text, *map(str, response.headers.items())]


@pytest.fixture(scope="module")
def port() -> int:
    """Where each test's upstream listens in its turn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
async def upstream(port: int) -> AsyncIterator[Upstream]:
    async with Upstream(port=port) as upstream:
        yield upstream


def serving(data_dir: Path, port: int, **settings: object) -> ServerProcess:
    """A server that asks the upstream with the canary as its key, and logs all that it can."""
    asked = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_MODEL": "m"}
    return ServerProcess(data_dir, LOG_LEVEL="DEBUG", **asked, **settings)


@pytest.fixture(scope="module")
def server(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("upstream") / "data", port) as process:
        yield process


@pytest.fixture(scope="module")
def impatient(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Its answers' status waits for 0.8 s only."""
    with serving(tmp_path_factory.mktemp("impatient") / "data", port, REFUSAL_WAIT_S=0.8) as process:
        yield process


@pytest.fixture
async def told() -> Told:
    return Told()


@pytest.fixture
async def http(server: ServerProcess, told: Told) -> AsyncIterator[httpx.AsyncClient]:
    """Checked at the end: no answer, no log line and no row of the database holds the key."""
    async with httpx.AsyncClient(base_url=server.base_url, timeout=30, event_hooks={"response": [told.keep]}) as client:
        yield client
        for path in ("/", "/health", "/ready", "/openapi.json", "/docs", "/threads/history"):
            await client.get(path)
    kept = b"".join(path.read_bytes() for path in server.data_dir.iterdir() if path.is_file())
    for place in (*told.texts, server.log, kept.decode("latin-1")):
        assert CANARY not in place
        assert CANARY[10:] not in place


@pytest.fixture
async def thread(http: httpx.AsyncClient) -> str:
    return str((await http.post("/threads/create")).json()["threadId"])


async def post(http: httpx.AsyncClient, thread: str, path: str = "/chat/stream", **more: Any) -> httpx.Response:
    return await http.post(path.format(thread=thread), json={"content": "What is clay?", "threadId": thread}, **more)


def events_of(answer: httpx.Response) -> list[Event]:
    assert answer.status_code == 200, answer.text
    return list(parse_sse(answer.text.split("\n")))


async def messages(http: httpx.AsyncClient, thread: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await http.get(f"/threads/{thread}/messages-history")).json()["messages"]
    return listed


async def test_the_key_goes_to_the_model_and_nowhere_else(http, thread, upstream):
    events = events_of(await post(http, thread))
    assert text_of(events) == "Hello there."
    assert events[-1].data["usage"] == {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    assert upstream.asked[0].headers["authorization"] == f"Bearer {CANARY}"
    assert upstream.asked[0].json["messages"][-1] == {"role": "user", "content": "What is clay?"}


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("status", [401, 403])
async def test_a_rejected_key_is_the_guides_401(http, thread, upstream, status, path):
    upstream.behave(Status(status, {"error": {"message": f"Incorrect API key provided: {CANARY}.", "code": "invalid_api_key"}}))
    answer = await post(http, thread, path)
    assert answer.status_code == 401
    assert answer.json() == {"detail": INVALID_KEY, "error": INVALID_KEY}
    assert answer.headers["x-run-id"].startswith("run_")
    assert answer.headers["x-thread-id"] == thread
    assert await messages(http, thread) == [{"role": "user", "text": "What is clay?"}], "the message stays"
    failed = events_of(await http.get(f"/chat/stream/{answer.headers['x-run-id']}"))[-1]
    assert failed.name == "thread.run.failed"
    assert failed.data["last_error"] == {"code": "server_error", "message": INVALID_KEY}


ECHO = f"Bad request with Authorization: Bearer {CANARY} from https://user:{CANARY}@host/v1?key={CANARY}"


@pytest.mark.parametrize(
    ("behaviour", "status", "says"),
    [
        (Status(400, {"error": {"message": f"{ECHO}: max_tokens is wrong"}}), 400, "The model's server refused the request"),
        (Status(404, {"error": {"message": f"No model m, {CANARY}", "code": "model_not_found"}}), 400, "OPENAI_MODEL"),
        (Status(404, f"<html>{ECHO}</html>"), 502, "OPENAI_BASE_URL"),
        (Status(429, {"error": {"message": ECHO}}, {"Retry-After": "600"}), 429, "Try again in 10 minutes"),
        (Status(429, {"error": {"message": ECHO, "code": "insufficient_quota"}}), 429, "quota"),
        (Status(500, f"Traceback (most recent call last):\n  File \"/srv/x.py\", line 5\nKeyError: '{CANARY}'"), 502, "HTTP 500"),
        (Status(503, ECHO, {"Retry-After": "0"}), 502, "HTTP 503"),
        (Status(302, "", {"Location": f"https://elsewhere.example/{CANARY}"}), 502, "OPENAI_BASE_URL"),
        (Status(200, f"<html>{ECHO}</html>"), 502, "model"),
        (Chat({"error": {"message": f"Wrong key {CANARY}", "code": "invalid_api_key"}}), 401, INVALID_KEY),
        (HangUp(), 502, "The model's server"),
        (HangUp(reset=True, say=CANARY.encode()), 502, "model"),
    ],
    ids=str,
)  # fmt: skip
async def test_a_refusal_that_comes_at_once_is_a_status_and_a_sentence(http, thread, upstream, behaviour, status, says):
    upstream.behave(behaviour)
    answer = await post(http, thread)
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert told["detail"] == told["error"]
    assert says in told["error"]
    for leak in ("Traceback", "/srv", "elsewhere", "<html", CANARY):
        assert leak not in told["error"]
    asked_to_wait = behaviour.headers.get("Retry-After") if isinstance(behaviour, Status) else None
    assert answer.headers.get("retry-after") == {"600": "600", "0": "1", None: None}[asked_to_wait]
    upstream.behave(Chat("Now."))
    assert text_of(events_of(await post(http, thread))) == "Now.", "the thread is free"


async def test_a_server_that_is_not_there_is_told(http, thread, upstream):
    upstream.refuse()
    answer = await post(http, thread)
    assert answer.status_code == 502
    assert "could not be reached" in answer.json()["error"]
    ready = await http.get("/ready")
    assert ready.status_code == 503
    assert ready.json()["parts"]["store"] == "ok"
    assert "could not be reached" in ready.json()["parts"]["model"]
    await upstream.listen()


@pytest.mark.parametrize(
    ("behaviour", "code", "says"),
    [
        (Chat("Half ", then="cut", finish=None, usage=None, done=False), "server_error", "closed the connection"),
        (Chat("Half ", then="reset", finish=None, usage=None, done=False), "server_error", "model"),
        (
            Chat("Half ", {"error": {"message": f"overloaded {CANARY}", "code": "rate_limit_exceeded"}}),
            "rate_limit_exceeded",
            "model",
        ),
        (Chat("Half ", b"data: {broken\n\n", finish=None, usage=None), "server_error", "model"),
    ],
    ids=["cut", "reset", "error object", "malformed"],
)
async def test_a_failure_after_the_first_word_is_an_event(http, thread, upstream, behaviour, code, says):
    upstream.behave(behaviour)
    events = events_of(await post(http, thread))
    assert text_of(events) == "Half "
    assert events[-1].name == "thread.run.failed"
    assert events[-1].data["last_error"]["code"] == code
    assert says in events[-1].data["last_error"]["message"]
    assert await messages(http, thread) == [{"role": "user", "text": "What is clay?"}, {"role": "assistant", "text": "Half "}]


async def test_a_refusal_that_comes_late_is_an_event(impatient, upstream):
    upstream.behave(Late(1.2, Status(401, {"error": {"message": CANARY}})))
    async with httpx.AsyncClient(base_url=impatient.base_url, timeout=30) as http:
        thread = (await http.post("/threads/create")).json()["threadId"]
        events = events_of(await post(http, thread))
    assert events[-1].name == "thread.run.failed"
    assert events[-1].data["last_error"]["message"] == INVALID_KEY
    assert CANARY not in impatient.log


FIRST_WORD = Chat("Word ", then="stall", finish=None, usage=None, done=False)


@pytest.mark.parametrize(
    ("behaviour", "soonest_s", "latest_s"), [(FIRST_WORD, 0, 0.79), (Silent(), 0.79, 4)], ids=["word", "silence"]
)
async def test_the_stream_begins_with_the_first_word_or_after_the_wait(impatient, upstream, behaviour, soonest_s, latest_s):
    loop = asyncio.get_running_loop()
    upstream.behave(behaviour)
    async with httpx.AsyncClient(base_url=impatient.base_url, timeout=30) as http:
        thread = (await http.post("/threads/create")).json()["threadId"]
        begin = loop.time()
        async with http.stream("POST", "/chat/stream", json={"content": "Hello", "threadId": thread}) as response:
            assert soonest_s <= loop.time() - begin < latest_s
            assert response.status_code == 200
            lines = response.aiter_lines()
            assert [await anext(lines), await anext(lines)][1].startswith('data: {"event":"thread.run.created"')
        await http.post(f"/threads/{thread}/stop")
        await upstream.abandoned(within_s=2)


async def test_a_stop_before_the_first_word_closes_the_upstream(http, thread, upstream):
    upstream.behave(Silent())
    await http.post("/chat", json={"content": "Hello", "threadId": thread})
    await upstream.question(within_s=2)
    stopped = await http.post(f"/threads/{thread}/stop")
    await upstream.abandoned(within_s=1)
    again = await http.post(f"/threads/{thread}/stop")
    assert stopped.json() == {
        "success": True,
        "threadId": thread,
        "runId": stopped.json()["runId"],
        "status": "cancelled",
    }
    assert stopped.json()["runId"].startswith("run_")
    assert again.json() == stopped.json()


async def test_a_retry_after_a_refusal_is_a_new_run_on_the_same_message(http, thread, upstream):
    upstream.behave(Status(401), Chat("Now."))
    key = {"Idempotency-Key": "retry-1"}
    refused = await post(http, thread, headers=key)
    answered = await post(http, thread, headers=key)
    assert refused.status_code == 401
    assert text_of(events_of(answered)) == "Now."
    assert answered.headers["x-run-id"] != refused.headers["x-run-id"]
    assert await messages(http, thread) == [{"role": "user", "text": "What is clay?"}, {"role": "assistant", "text": "Now."}]
    assert len(upstream.asked) == 2
    again = await post(http, thread, headers=key)
    assert again.text == answered.text, "an answered request is answered the same"
    assert len(upstream.asked) == 2


async def test_a_key_of_the_client_is_not_kept_either(http, thread, upstream, server):
    headers = {"Authorization": f"Bearer {CANARY}", "X-Api-Key": CANARY, "Cookie": f"key={CANARY}"}
    events_of(await post(http, thread, headers=headers))
    await http.get(f"/threads/{thread}/history", headers=headers)
    assert "📨 Received message" in server.log


async def test_the_models_own_words_are_not_logged(http, thread, upstream, server):
    upstream.behave(Chat("answer-word-7788 ", "more"))
    answer = await http.post("/chat/stream", json={"content": "question-word-5566", "threadId": thread})
    assert "answer-word-7788" in answer.text
    await http.post(f"/threads/{thread}/title", json={"message": "title-word-3344"})
    await asyncio.to_thread(server.line, "run_.*completed", within_s=5)
    for word in ("question-word-5566", "answer-word-7788", "title-word-3344"):
        assert word not in server.log


async def test_a_title_is_the_models_or_the_first_words(http, thread, upstream):
    async def title(message: str) -> str:
        told: str = (await http.post(f"/threads/{thread}/title", json={"message": message})).json()["title"]
        return told

    upstream.behave(Chat('"Soil ', 'Types."'))
    assert await title("What are the soil types?") == "Soil Types"
    upstream.behave(Chat("x" * 500))
    assert len(await title("Hello")) == 60
    upstream.behave(Status(401, {"error": {"message": CANARY}}))
    assert await title("What are the soil types?") == "What are the soil types?"
    long = await title("粘土 " * 100)
    assert 40 < len(long) <= 60
    assert long.endswith("…")
    assert await messages(http, thread) == [], "a title stores nothing"
    listed = json.loads((await http.get("/threads/history")).text)["threads"]
    assert thread not in [row["threadId"] for row in listed]
