"""Which web pages may use the server, under which names it answers, and what a browser learns of its errors."""

import json
import logging
import re
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import exchange, request_bytes
from tests.wire.in_process import serving
from underpin.store.base import Store

ALLOWED = ["http://localhost:3000", "http://127.0.0.1:3000"]
HOSTILE = [
    "null",
    "http://localhost:3000.evil",
    "http://localhost:3000.evil.com",
    "https://localhost:3000",
    "http://localhost:3001",
    "http://127.0.0.1:3001",
    "http://127.0.0.1",
    "http://localhost",
    "http://evil.com",
    "http://evil.com/http://localhost:3000",
    "http://localhost:3000@evil.com",
    "http://localhost.evil.com:3000",
    "http://notlocalhost:3000",
    "http://localhost:30000",
    "HTTP://LOCALHOST:3000",
    "http://localhost:3000/",
    "http://localhost:3000 http://evil.com",
    "http://[::1]:3000",
    "file://",
    "chrome-extension://abcdefghijklmnop",
    "",
    "*",
]
CHANGES = [
    ("POST", "/threads/create"),
    ("POST", "/chat"),
    ("POST", "/chat/stream"),
    ("POST", "/api/assistants"),
    ("POST", "/api/assistants/threads"),
    ("POST", "/api/assistants/threads/{thread}/messages"),
    ("POST", "/api/assistants/threads/{thread}/actions"),
    ("POST", "/threads/{thread}/stop"),
    ("POST", "/threads/{thread}/title"),
    ("POST", "/threads/history"),
    ("PUT", "/threads/history"),
    ("DELETE", "/threads/history"),
    ("PATCH", "/nowhere"),
]
BODY = json.dumps({"content": "Hello", "message": "Hello", "newName": "Stolen"})


def allow_origin(headers: httpx.Headers) -> str | None:
    return headers.get("access-control-allow-origin")


@pytest.mark.parametrize("origin", HOSTILE)
@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_foreign_page_changes_nothing(http: httpx.Client, thread, method, path, origin):
    headers = {"Origin": origin, "Content-Type": "text/plain"}  # what a page may send without asking first
    answer = http.request(method, path.format(thread=thread), headers=headers, content=BODY)
    assert answer.status_code == 403
    assert answer.json()["detail"] == answer.json()["error"]
    assert "CORS_ORIGINS" in answer.json()["error"]
    assert allow_origin(answer.headers) is None


def test_a_foreign_page_is_refused_before_its_body_is_read(server: ServerProcess):
    lines = [
        b"POST /chat HTTP/1.1",
        b"Host: localhost",
        b"Origin: http://evil.com",
        b"Content-Length: 900000",
        b"Connection: close",
    ]
    assert exchange(server.base_url, b"\r\n".join([*lines, b"", b""])).status == 403


@pytest.mark.parametrize("origin", HOSTILE)
def test_a_foreign_page_cannot_read(http: httpx.Client, origin):
    for path in ("/threads/history", "/health", "/nope"):
        assert allow_origin(http.get(path, headers={"Origin": origin}).headers) is None
    preflight = http.options("/chat/stream", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 400
    assert allow_origin(preflight.headers) is None


@pytest.mark.parametrize("origin", ALLOWED)
def test_an_allowed_page_reads_answers_and_errors(http: httpx.Client, thread, origin):
    headers = {"Origin": origin}
    answers = {
        200: http.post("/chat/stream", json={"content": "Hello", "threadId": thread}, headers=headers),
        400: http.post("/chat/stream", json={"content": "", "threadId": thread}, headers=headers),
        401: http.post("/chat/stream", json={"content": "fail key", "threadId": thread}, headers=headers),
        404: http.get("/nope", headers=headers),
        405: http.get("/chat", headers=headers),
        413: http.post("/chat", content=b" " * 3_300_000, headers=headers),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert allow_origin(answer.headers) == origin
        assert "origin" in answer.headers["vary"].lower()
        exposed = answer.headers["access-control-expose-headers"].lower()
        assert {"x-run-id", "x-thread-id", "retry-after"} <= {name.strip() for name in exposed.split(",")}
    assert answers[200].headers["x-run-id"].startswith("run_")


@pytest.mark.parametrize("origin", ALLOWED)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_an_allowed_page_may_ask_first(http: httpx.Client, origin, method):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,last-event-id",
    }
    answer = http.options("/threads/history", headers=asked)
    assert answer.status_code == 200
    assert allow_origin(answer.headers) == origin
    assert method in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    for name in ("authorization", "content-type", "idempotency-key", "last-event-id"):
        assert name in allowed
    assert "access-control-allow-credentials" not in answer.headers


def test_an_allowed_page_elsewhere_may_call_this_machine(http: httpx.Client):
    """What Chrome asks before a page of another address space may call a loopback address."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
    answer = http.options("/chat/stream", headers={"Origin": ALLOWED[0], **asked})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-private-network"] == "true"
    foreign = http.options("/chat/stream", headers={"Origin": "https://evil.example", **asked})
    assert foreign.status_code == 400
    assert allow_origin(foreign.headers) is None


def test_its_own_pages_may_use_it(server: ServerProcess, http: httpx.Client):
    port = server.base_url.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", f"app.localhost:{port}"):
        for scheme in ("http", "https"):  # https: behind a proxy that ends TLS
            headers = {"Host": host, "Origin": f"{scheme}://{host}"}
            assert http.post("/threads/create", headers=headers).status_code == 200
    crossed = {"Host": f"127.0.0.1:{port}", "Origin": f"http://localhost:{port}"}
    assert http.post("/threads/create", headers=crossed).status_code == 403


KNOWN_HOSTS = ["127.0.0.1", "127.0.0.1:8000", "localhost", "LocalHost:1", "a.b.localhost", "[::1]", "[::1]:8000", "10.1.2.3:80"]
UNKNOWN_HOSTS = [
    None, "", "evil.com", "evil.com:8000", "localhost.evil.com", "127.0.0.1.evil.com", "localhost:8000.evil.com", "evillocalhost",
    "user@localhost", "evil.com@localhost", "localhost@evil.com", "localhost/evil.com", "localhost#evil.com",
    "localhost?evil.com", "localhost\\evil.com", "localhost,evil.com", "local host", "localhost:abc", "localhost:99999999",
    "localhost:", "localhost:-1", "[::1", "::1]", "::1", "[::1]evil.com", "[localhost]", "0x7f.0.0.1", "2130706433", "127.1",
    "http://localhost", ".localhost.evil", "localhost\u00e9", "*", "%6cocalhost", "a" * 300,
]  # fmt: skip


@pytest.mark.parametrize("host", KNOWN_HOSTS)
def test_it_answers_under_names_that_nobody_can_point_here(server: ServerProcess, host):
    assert exchange(server.base_url, request_bytes("GET", "/health", [], host=host)).status == 200
    assert exchange(server.base_url, request_bytes("POST", "/threads/create", [], host=host)).status == 200


@pytest.mark.parametrize("host", UNKNOWN_HOSTS)
@pytest.mark.parametrize(("method", "path"), [("GET", "/health"), ("GET", "/threads/history"), ("POST", "/threads/create")])
def test_an_unknown_host_is_refused(server: ServerProcess, method, path, host):
    answer = exchange(server.base_url, request_bytes(method, path, [], host=host))
    assert answer.status == 400
    if answer.headers.get("content-type") == "application/json":  # else it was no HTTP at all
        assert answer.json["detail"] == answer.json["error"]
        assert "ALLOWED_HOSTS" in answer.json["error"]
        assert len(answer.body) < 600
    assert b"threadId" not in answer.body


def test_two_hosts_are_none(server: ServerProcess):
    for first, second in (("localhost", "evil.com"), ("evil.com", "localhost"), ("localhost", "localhost")):
        request = request_bytes("GET", "/health", [("Host", second)], host=first)
        assert exchange(server.base_url, request).status == 400


def test_names_and_pages_are_added_by_settings(tmp_path):
    settings: dict[str, Any] = {"ALLOWED_HOSTS": "Soil.Example, my_host", "CORS_ORIGINS": "https://App.example/,http://x:1"}
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted", **settings) as server:
        for host, origin, status in (
            ("soil.example:443", None, 200),
            ("my_host", None, 200),
            ("example", None, 400),
            ("soil.example", "https://app.example", 200),
            ("soil.example", "https://soil.example", 200),
            ("soil.example", "http://x:1", 200),
            ("soil.example", "http://localhost:3000", 403),
            ("soil.example", "https://other.example", 403),
        ):
            headers = [("Origin", origin)] if origin else []
            answer = exchange(server.base_url, request_bytes("POST", "/threads/create", headers, host=host))
            assert answer.status == status, (host, origin)
            if status == 200:
                assert answer.headers.get("access-control-allow-origin") == (origin if origin != "https://soil.example" else None)


class Broken:
    """A store whose reads of one kind break in a way that nobody foresaw."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.broken: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def get(self, kind: Any, *args: Any, **more: Any) -> Any:
        if kind.kind == self.broken:
            raise RuntimeError("secret-path /home/somebody/underpin.py sk-secret-key-in-a-traceback")
        return await self._store.get(kind, *args, **more)


async def test_a_mistake_of_the_server_is_told_without_a_traceback(tmp_path, caplog: pytest.LogCaptureFixture):
    broken: list[Broken] = []

    def wrap(store: Store) -> Any:
        broken.append(Broken(store))
        return broken[0]

    async with serving(tmp_path, wrap_store=wrap) as http:
        thread = (await http.post("/threads/create")).json()["threadId"]
        broken[0].broken = "threads"
        for method, path, body in (
            ("POST", "/chat/stream", {"content": "Hello", "threadId": thread}),
            ("GET", f"/threads/{thread}/history", None),
            ("GET", f"/api/assistants/threads/{thread}/messages-history", None),
            ("POST", f"/threads/{thread}/stop", None),
        ):
            with caplog.at_level(logging.ERROR):
                answer = await http.request(method, path, json=body, headers={"Origin": "http://localhost:3000"})
            assert answer.status_code == 500
            assert answer.json() == {"detail": answer.json()["error"], "error": "The server made a mistake. Its log tells more."}
            assert allow_origin(answer.headers) == "http://localhost:3000"
            assert re.search("RuntimeError", caplog.text), "the operator reads why"
            caplog.clear()
        broken[0].broken = None
        assert (await http.get(f"/threads/{thread}/history")).json()["messages"] == []
