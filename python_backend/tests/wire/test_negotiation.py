"""Which form a stream has: `Accept` × who asks, for a new run and for its resume; and the headers that each stream carries."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import Answer, Event, exchange, parse_lines, parse_sse, request_bytes, run_node, text_of
from tests.wire.conftest import new_thread

SSE, LINES = "text/event-stream", "application/x-ndjson"

# Accept → what it asks for; None where it leaves the choice to the server.
ACCEPTS: dict[str | None, str | None] = {
    None: None,
    "*/*": None,
    SSE: SSE,
    LINES: LINES,
    f"{SSE};q=0.4, {LINES};q=0.9": LINES,
    f"{LINES};q=0.4, {SSE};q=0.9": SSE,
    f"{SSE}, {LINES}": SSE,
    f"{LINES}, */*;q=0.1": LINES,
    "application/json": None,
    f"{SSE};q=0": None,
}
BROWSER = {
    "Origin": "http://localhost:3000",
    "Referer": "http://localhost:3000/",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-US,en;q=0.9",
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
}
SAME_PAGE = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
OLD_BROWSER = {
    "Origin": "http://127.0.0.1:3000",
    "User-Agent": "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/15.6 Safari/605.1.15",
}
CURL = {"User-Agent": "curl/7.88.1"}
# What a client's headers are besides Accept, and the form that it gets when Accept does not say.
CLIENTS: dict[str, tuple[Mapping[str, str], str]] = {
    "browser": (BROWSER, LINES),
    "browser, own page": (SAME_PAGE, LINES),
    "browser before Sec-Fetch": (OLD_BROWSER, LINES),
    "curl": (CURL, SSE),
    "nobody": ({}, SSE),
}
CONTENT = 'say "Clay 粘土."'


@pytest.fixture(scope="module")
def chat_thread(http: httpx.Client) -> str:
    return new_thread(http)


@pytest.fixture(scope="module")
def ended_run(http: httpx.Client) -> str:
    answer = http.post("/chat/stream", json={"content": CONTENT, "threadId": new_thread(http)})
    return answer.headers["x-run-id"]


def check(answer: Answer, form: str) -> None:
    """The stream has this form, in its headers and in its bytes, and carries all the headers of a stream."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == f"{form}; charset=utf-8"
    parse: Callable[..., object] = parse_sse if form == SSE else parse_lines
    events = list[Event](parse(answer.body.decode().split("\n")))  # type: ignore[call-overload]
    assert text_of(events) == "Clay 粘土."
    assert events[-1].name == "thread.run.completed"
    assert answer.headers["x-run-id"] == events[-1].data["id"]
    assert answer.headers["x-thread-id"] == events[-1].data["thread_id"]
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert {"accept", "origin", "sec-fetch-mode"} <= {name.strip().lower() for name in answer.headers["vary"].split(",")}
    assert "content-length" not in answer.headers
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("accept", ACCEPTS)
def test_who_asks_gets_what_it_reads(server: ServerProcess, chat_thread, ended_run, accept, client):
    headers, default = CLIENTS[client]
    given = [*headers.items(), *([("Accept", accept)] if accept is not None else [])]
    form = ACCEPTS[accept] or default
    body = json.dumps({"content": CONTENT, "threadId": chat_thread}).encode()
    check(
        exchange(server.base_url, request_bytes("POST", "/chat/stream", [*given, ("Content-Type", "application/json")], body)),
        form,
    )
    check(exchange(server.base_url, request_bytes("GET", f"/chat/stream/{ended_run}", given)), form)


@pytest.mark.parametrize("accept", ACCEPTS)
def test_python_gets_events_where_it_does_not_say(http: httpx.Client, chat_thread, ended_run, accept):
    form = ACCEPTS[accept] or SSE
    headers = {} if accept is None else {"Accept": accept}
    post = http.post("/chat/stream", json={"content": CONTENT, "threadId": chat_thread}, headers=headers)
    resume = http.get(f"/chat/stream/{ended_run}", headers=headers)
    for answer in (post, resume):
        check(Answer(answer.status_code, dict(answer.headers), answer.content), form)


@pytest.mark.usefixtures("node")
def test_nodes_fetch_gets_lines_where_it_does_not_say(server: ServerProcess, chat_thread, ended_run):
    job = {
        "baseUrl": server.base_url,
        "threadId": chat_thread,
        "runId": ended_run,
        "content": CONTENT,
        "accepts": list(ACCEPTS),
    }
    for accept, answers in zip(ACCEPTS, run_node("negotiate.mjs", job), strict=True):
        for answer in (answers["post"], answers["resume"]):
            check(Answer(answer["status"], answer["headers"], answer["text"].encode()), ACCEPTS[accept] or LINES)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed; its exact headers are tested above")
@pytest.mark.parametrize("accept", ACCEPTS)
def test_curl_itself_gets_events_where_it_does_not_say(server: ServerProcess, chat_thread, ended_run, accept):
    told = ["-H", f"Accept: {accept}" if accept is not None else "Accept:"]
    body = json.dumps({"content": CONTENT, "threadId": chat_thread})
    for more in (["/chat/stream", "-d", body], [f"/chat/stream/{ended_run}"]):
        command = ["curl", "-q", "-sSi", "--noproxy", "*", "--max-time", "20", *told, server.base_url + more[0], *more[1:]]
        said = subprocess.run(command, capture_output=True, timeout=30, check=True).stdout
        head, _, content = said.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        check(Answer(int(status.split(" ")[1]), headers, content), ACCEPTS[accept] or SSE)


@pytest.mark.parametrize("accept", [SSE, "*/*", None])
def test_the_next_paths_always_answer_in_lines(server: ServerProcess, http: httpx.Client, accept):
    given = [("Accept", accept)] if accept is not None else []
    path = f"/api/assistants/threads/{new_thread(http)}/messages"
    check(exchange(server.base_url, request_bytes("POST", path, given, json.dumps({"content": CONTENT}).encode())), LINES)


@pytest.mark.parametrize("accept", [SSE, LINES])
def test_a_refusal_is_json_whatever_is_accepted(http: httpx.Client, thread, accept):
    answer = http.post("/chat/stream", json={"content": "fail key", "threadId": thread}, headers={"Accept": accept})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-thread-id"] == thread
    assert answer.headers["x-run-id"].startswith("run_")
