"""Hostile and broken requests: an answer of 4xx that says what is wrong, and nothing stored."""

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import exchange, request_bytes
from tests.wire.conftest import new_thread

PREFIXES = ["/threads", "/api/assistants/threads"]
UNKNOWN = "thread_000000000000000000000000"
GONE = "Thread not found. Please create a new chat."

# Route → its fields, each with a value that would do; THREAD stands for a thread that is there.
THREAD = "<a thread>"
Fields = dict[str, Any]
ROUTES: dict[tuple[str, str], Fields] = {
    ("POST", "/chat"): {"content": "Hello", "threadId": THREAD, "assistantId": None},
    ("POST", "/chat/stream"): {"content": "Hello", "threadId": THREAD, "assistantId": None},
    ("POST", "/api/assistants/threads/{thread}/messages"): {"content": "Hello"},
}
for _prefix in PREFIXES:
    ROUTES |= {
        ("POST", f"{_prefix}/history"): {"threadId": THREAD, "name": None, "isGroup": None},
        ("PUT", f"{_prefix}/history"): {"threadId": THREAD, "newName": None, "isGroup": None},
        ("DELETE", f"{_prefix}/history"): {"threadId": THREAD, "isGroup": None},
        ("POST", f"{_prefix}/{{thread}}/title"): {"message": "Hello"},
        ("POST", f"{_prefix}/{{thread}}/actions"): {
            "runId": "run_000000000000000000000000",
            "toolCallOutputs": [{"output": "x", "tool_call_id": "call_1"}],
        },
    }
OPTIONAL = {"assistantId", "name", "newName", "isGroup"}
FLAGS = {"isGroup"}
LISTS = {"toolCallOutputs"}

CONTENT_TYPES = [
    None, "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data", "x", "image/png;charset=utf-16",
]  # fmt: skip
UNKNOWN_THREADS = [
    "x", "undefined", "null", "thread_" + "x" * 30_000, "'; DROP TABLE threads; --", "../../etc/passwd", "粘土🪨", "\u202ethread",
    '{"$ne": null}',
]  # fmt: skip
NOT_TEXT = [5, 1.5, True, [], ["x"], {}, {"$ne": None}, {"$gt": ""}, {"$where": "1"}, [[[[{}]]]], 10**400]
NOT_A_FLAG = ["true", "", 1, 0, [], {}, {"$ne": None}]
NOT_OUTPUTS = [
    "x", 5, {}, {"$ne": None}, [], [5], [None], [[]], [{}], [{"output": "x"}], [{"tool_call_id": {"$ne": None}, "output": "x"}],
    [{"tool_call_id": "a", "output": 5}], [{"tool_call_id": "a", "output": {"$ne": None}}],
    [{"tool_call_id": "a\0", "output": "x"}],
    [{"tool_call_id": "a", "output": "\0"}], [{"tool_call_id": "a", "output": "x"}, {"tool_call_id": "a", "output": "y"}],
]  # fmt: skip


def hostile_values(field: str) -> list[Any]:
    if field in FLAGS:
        return NOT_A_FLAG
    if field in LISTS:
        return [None, *NOT_OUTPUTS]
    required = [] if field in OPTIONAL else [None, "", "   ", "\n\t"]
    return [*NOT_TEXT, *required, "\0", "in the \0 middle"]


FIELD_CASES = [
    pytest.param(method, path, field, value, id=f"{method} {path} {field} {json.dumps(value)[:30]}")
    for (method, path), fields in ROUTES.items()
    for field in fields
    for value in hostile_values(field)
]

DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES = {
    "nothing": b"",
    "blanks": b" \n\t ",
    "null": b"null",
    "a number": b"5",
    "a text": b'"content"',
    "an array": b"[]",
    "an array of objects": b'[{"content": "x", "threadId": "y"}]',
    "an empty object": b"{}",
    "half an object": b'{"content": "x", "threadId": ',
    "an unclosed text": b'{"content": "x',
    "something behind the object": b'{"content": "x"} trailing',
    "two objects": b'{"content": "x"}{"content": "y"}',
    "single quotes": b"{'content': 'x'}",
    "a form": b"content=x&threadId=y",
    "a multipart form": b'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nx\r\n--b--\r\n',
    "xml": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><content>&e;</content>',
    "a BOM": b"\xef\xbb\xbf[]",
    "UTF-16": '{"content": "x"}'.encode("utf-16"),
    "invalid UTF-8": b'{"content": "\xff\xfe", "threadId": "x", "message": "\xff", "runId": "\xff"}',
    "a cut UTF-8 character": '{"content": "粘'.encode()[:-1] + b'"}',
    "an overlong UTF-8 slash": b'{"content": "\xc0\xaf"}',
    "a surrogate as UTF-8": b'{"content": "\xed\xa0\x80"}',
    "an escaped lone surrogate": b'{"content": "\\ud800", "threadId": "\\ud800", "message": "\\udfff", "runId": "\\udc00x"}',
    "a bare NUL": b"\0",
    "NUL in a text": b'{"content": "a\0b"}',
    "a line break in a text": b'{"content": "a\nb"}',
    "NaN": b'{"content": NaN}',
    "deep arrays": DEEP,
    "deep arrays in an unknown field": b'{"unknown": ' + DEEP + b"}",
    "deep objects": b'{"content":' * 50_000 + b"1" + b"}" * 50_000,
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00C\xbf\xa6\xa3\x02\x00\x00\x00",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of its own: nobody else's runs change its rows."""
    with ServerProcess(tmp_path_factory.mktemp("bad_input") / "data", OPENAI_MODEL="scripted") as process:
        yield process


@pytest.fixture(scope="module")
def http(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def there(http: httpx.Client) -> str:
    """A thread with a conversation."""
    thread = new_thread(http)
    http.post("/threads/history", json={"threadId": thread, "name": "Kept"}).raise_for_status()
    return thread


@pytest.fixture
def nothing_stored(server: ServerProcess) -> Iterator[None]:
    """Every row of the database is afterwards as it was before."""
    deadline = time.monotonic() + 10
    while unsettled(server):  # an earlier test's run has ended, and is about to be put away
        assert time.monotonic() < deadline
        time.sleep(0.01)
    before = rows(server)
    yield
    assert rows(server) == before


def open_database(server: ServerProcess) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{server.data_dir / 'underpin.sqlite3'}?mode=ro", uri=True)


def unsettled(server: ServerProcess) -> int:
    with closing(open_database(server)) as database:
        return int(database.execute("SELECT count(*) FROM runs WHERE NOT json_extract(doc, '$.settled')").fetchone()[0])


def rows(server: ServerProcess) -> dict[str, list[Any]]:
    with closing(open_database(server)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = {name: sorted(database.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in tables}
    assert {"threads", "messages", "runs", "conversations", "idempotency_keys"} <= kept.keys()
    return kept


def check_refused(answer: httpx.Response, *statuses: int) -> str:
    """One of these statuses, with the same clear text under both names; the text."""
    assert answer.status_code in statuses, answer.text[:500]
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["detail"] == told["error"]
    text = told["error"]
    assert isinstance(text, str)
    assert 10 < len(text) < 400
    for leak in ("Traceback", "pydantic", "/python_backend", "errors.", ".py", "\0"):
        assert leak not in text
    return text


def names(field: str, text: str) -> bool:
    return field in text or {"content": "Content is", "threadId": "Thread ID is"}.get(field, field) in text


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(("method", "path", "field", "value"), FIELD_CASES)
def test_a_wrong_value_is_refused_and_its_field_named(http: httpx.Client, there, method, path, field, value):
    body = {name: there if given == THREAD else given for name, given in ROUTES[method, path].items()} | {field: value}
    answer = http.request(method, path.format(thread=there), json=body)
    text = check_refused(answer, 400)
    assert names(field, text), text


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_field_that_is_missing_is_named(http: httpx.Client, there, method, path):
    whole = {name: there if given == THREAD else given for name, given in ROUTES[method, path].items()}
    for field in whole.keys() - OPTIONAL:
        body = {name: value for name, value in whole.items() if name != field}
        text = check_refused(http.request(method, path.format(thread=there), json=body), 400)
        assert text == {"content": "Content is required", "threadId": "Thread ID is required"}.get(field, f"{field} is required")


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_body_that_is_no_object_is_refused(http: httpx.Client, there, method, path, body):
    answer = http.request(method, path.format(thread=there), content=BODIES[body])
    text = check_refused(answer, 400)
    first = next(iter(ROUTES[method, path]))
    if body in ("nothing", "blanks", "an empty object"):
        assert names(first, text)
    else:
        assert re.match(r"The body (is not valid JSON: .*line \d+ column \d+|must be a JSON object)", text) or names(first, text)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_body_that_is_too_large_is_refused(http: httpx.Client, there, method, path):
    for content in (b'{"content": "' + b"x" * 3_300_000 + b'"}', b" " * 3_200_001, b"x" * 8_000_000):
        text = check_refused(http.request(method, path.format(thread=there), content=content), 413)
        assert "3,200,000 bytes" in text
        assert "MAX_BODY_BYTES" in text

    def parts() -> Iterator[bytes]:
        yield from [b" " * 100_000] * 33

    check_refused(http.request(method, path.format(thread=there), content=parts()), 413)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("size", [256_001, 1_000_000])
@pytest.mark.parametrize("path", ["/chat", "/chat/stream", "/api/assistants/threads/{thread}/messages"])
def test_a_message_that_is_too_long_is_refused(http: httpx.Client, there, path, size):
    answer = http.post(path.format(thread=there), json={"content": "x" * size, "threadId": there})
    assert check_refused(answer, 400) == f"content has {size:,} characters; at most 256,000 fit into a message."


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.parametrize("path", ["/chat", "/chat/stream", "/api/assistants/threads/{thread}/messages"])
def test_the_content_type_does_not_matter(server: ServerProcess, http: httpx.Client, path, content_type):
    thread = new_thread(http)
    body = json.dumps({"content": "Hello", "threadId": thread}).encode()
    headers = [("Content-Type", content_type)] if content_type else []
    answer = exchange(server.base_url, request_bytes("POST", path.format(thread=thread), headers, body))
    assert answer.status == 200
    assert answer.headers["x-thread-id"] == thread


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("thread", [UNKNOWN, *UNKNOWN_THREADS])
def test_an_unknown_thread_in_a_body_is_not_found(http: httpx.Client, thread):
    for path in ("/chat", "/chat/stream"):
        assert check_refused(http.post(path, json={"content": "Hello", "threadId": thread}), 404) == GONE
    for prefix in PREFIXES:
        assert check_refused(http.post(f"{prefix}/history", json={"threadId": thread, "isGroup": True}), 404) == GONE
        renamed = http.put(f"{prefix}/history", json={"threadId": thread, "newName": "x"})
        assert check_refused(renamed, 404) == "Thread not found"
        assert http.request("DELETE", f"{prefix}/history", json={"threadId": thread}).json() == {"success": True}


ODD_IDS = {
    "unknown": UNKNOWN,
    "NUL": "%00",
    "a thread with NUL": "thread_%00",
    "invalid UTF-8": "%ff%fe",
    "half an escape": "%",
    "a wrong escape": "%zz",
    "a surrogate": "%ed%a0%80",
    "a slash": "a%2Fb",
    "a way up": "..%2F..%2F..%2Fetc%2Fpasswd",
    "backslashes": "..%5C..%5Cwindows",
    "a line break": "%0d%0aX-Injected:%20yes",
    "a query": '{"$ne":null}',
    "brackets": "[$ne]",
    "SQL": "'%20OR%20'1'='1",
    "right to left": "%E2%80%AE",
    "emoji": "%F0%9F%AA%A8",
    "10 kB": "x" * 10_000,
    "a dot": ".",
    "blanks": "%20%20",
}
BY_ID: list[tuple[str, str, Callable[[], Any]]] = [
    ("GET", "/chat/stream/{id}", lambda: None),
    ("POST", "/api/assistants/threads/{id}/messages", lambda: {"content": "Hello"}),
]
for _prefix in PREFIXES:
    BY_ID += [
        ("GET", _prefix + "/{id}/history", lambda: None),
        ("GET", _prefix + "/{id}/messages-history", lambda: None),
        ("GET", _prefix + "/{id}/events", lambda: None),
        ("POST", _prefix + "/{id}/stop", lambda: None),
        ("POST", _prefix + "/{id}/title", lambda: {"message": "Hello"}),
        ("POST", _prefix + "/{id}/actions", lambda: {"runId": "run_1", "toolCallOutputs": [{"output": "", "tool_call_id": "c"}]}),
    ]


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("odd", ODD_IDS)
@pytest.mark.parametrize(("method", "path", "body"), BY_ID, ids=[f"{method} {path}" for method, path, _ in BY_ID])
def test_an_unknown_id_in_a_path_is_not_found(server: ServerProcess, method, path, body, odd):
    content = b"" if body() is None else json.dumps(body()).encode()
    answer = exchange(server.base_url, request_bytes(method, path.format(id=ODD_IDS[odd]), [], content))
    # A blank id is none; everything else might be one.
    assert answer.status == (400 if odd == "blanks" and path.endswith("/messages") else 404), answer
    assert answer.headers["content-type"] == "application/json"
    assert "x-injected" not in answer.headers
    assert answer.json["detail"] == answer.json["error"]
    assert len(answer.body) < 1500
    if odd == "unknown":
        assert answer.json["error"] == (GONE if "threads" in path else f"No run found with id '{UNKNOWN}'.")
        assert answer.json.get("notFound") == (True if path.endswith("}/history") else None)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("assistant", ["asst_000000000000000000000000", "x" * 5_000, "粘土", "'"])
def test_an_unknown_assistant_is_named_with_the_remedy(http: httpx.Client, there, assistant):
    answer = http.post("/chat/stream", json={"content": "Hello", "threadId": there, "assistantId": assistant})
    text = check_refused(answer, 404)
    assert assistant[:100] in text
    assert "OPENAI_ASSISTANT_ID" in text


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("key", ["", "x" * 256, "x" * 5_000])
def test_a_key_of_the_wrong_length_is_refused(http: httpx.Client, there, key):
    body = {"content": "Hello", "threadId": there}
    assert "Idempotency-Key" in check_refused(http.post("/chat", json=body, headers={"Idempotency-Key": key}), 400)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("name", ["", "   ", "x" * 257])
def test_a_name_of_the_wrong_length_is_refused(http: httpx.Client, there, name):
    for method, field in (("POST", "name"), ("PUT", "newName")):
        text = check_refused(http.request(method, "/threads/history", json={"threadId": there, field: name}), 400)
        assert text == f"{field} must have 1 to 256 characters."


@pytest.mark.usefixtures("nothing_stored")
def test_unknown_routes_and_methods_are_json(http: httpx.Client):
    assert "GET /nope" in check_refused(http.get("/nope"), 404)
    assert "POST /v2/%0a" not in check_refused(http.post("/v2/%0a"), 404)
    assert check_refused(http.get("/chat/streams/" + "x" * 20_000), 404)
    assert "DELETE" in check_refused(http.delete("/chat"), 405)
    assert "GET" in check_refused(http.get("/chat/stream"), 405)
    assert "PATCH" in check_refused(http.patch("/threads/history"), 405)
    assert http.get("/chat").headers["allow"] == "POST"


TEXTS = {
    "right to left": "טיט וطين \u202eabc\u202c",
    "joined": "👩‍👩‍👧‍👦 and 🏳️‍🌈",
    "separators": "a\u2028b\u2029c\x85d\x0be",
    "combining": "e\u0301 ≠ é, \ufb01",
    "a BOM inside": "\ufeffa\ufeff",
    "beyond the first plane": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🪨 𠜎",
    "not characters": "\uffff\ufffe\ufdd0 \U0010ffff",
    "blanks at both ends": "  a \n",
    "controls": "\x01\x1b[31mred\x7f",
    "JSON": '{"event": "thread.run.completed", "data": "\\u0000"}\n\ndata: x\n\nid: 9',
    "operators": '{"$ne": null} ${jndi:ldap://x} {{7*7}} %s %00 <script>alert(1)</script>',
    "the longest": "粘" * 256_000,
}


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_comes_back_as_it_went(http: httpx.Client, thread, text):
    said = TEXTS[text]
    content = json.dumps({"content": said, "threadId": thread}, ensure_ascii=False).encode()
    answer = http.post("/chat", content=content)
    assert answer.status_code == 200, answer.text
    listed = http.get(f"/threads/{thread}/history").json()["messages"]
    assert listed[-1]["content"][0]["text"]["value"] == said
    assert http.get(f"/threads/{thread}/messages-history").json()["messages"][0] == {"role": "user", "text": said}
    http.post(f"/threads/{thread}/stop")


def test_the_longest_message_may_be_written_with_escapes(http: httpx.Client, thread):
    """Python's json and many others write an emoji as twelve bytes."""
    said = "🪨" * 256_000
    content = json.dumps({"content": said, "threadId": thread}).encode()
    assert len(content) > 12 * 256_000
    assert http.post("/chat", content=content).status_code == 200
    assert http.get(f"/threads/{thread}/messages-history").json()["messages"][0]["text"] == said
    http.post(f"/threads/{thread}/stop")


@pytest.mark.parametrize("text", TEXTS.keys() - {"the longest"})
def test_any_name_comes_back_as_it_went(http: httpx.Client, thread, text):
    http.post("/threads/history", json={"threadId": thread, "name": TEXTS[text]}).raise_for_status()
    [row] = [row for row in http.get("/threads/history").json()["threads"] if row["threadId"] == thread]
    assert row["name"] == TEXTS[text]
