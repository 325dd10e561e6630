"""Cases for every operation of the server's own OpenAPI document, some of them wrong on purpose, most of them about things that
are there: an id that nobody knows is refused before anything happens.

fuzz(operation("POST", "/v1/threads"), base_url)   # AssertionError or schemathesis' FailureGroup for what must not be
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from underpin.api.described import LINE
from underpin.api.framing import NDJSON
from underpin.api.server import build_routes

CASES = 100
SILENCE_S = 10
"""Less than the time of a keep-alive, so that an answer that hangs is seen."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MOST_URL_BYTES = 65_000
"""The parser of HTTP takes no more, and says so before the server hears of it."""
ENDLESS = "/events"
"""A thread's own events: the stream ends with the thread."""

DOCUMENT = build_routes().openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
# A NUL anywhere is refused at once, and a fuzz that likes them finds nothing else; other tests send them.
SCHEMA.config.generation.allow_x00 = False
Operation = APIOperation[Any, Any, Any, Any]


def operations() -> list[tuple[str, str]]:
    """Method and path of each."""
    return [(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods]


def operation(method: str, path: str) -> Operation:
    found: Operation = SCHEMA[path][method]
    return found


def fuzz(operation: Operation, base_url: str, cases: int = CASES) -> None:
    """Ask many things of one operation. Raises for a 5xx, and for an answer that the document does not have."""
    right, wrong = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    # What cannot be wrong, an operation without parameters, has no wrong cases.
    case = some.one_of(right, right, wrong) if _can_be_wrong(operation) else right
    phases = [phase for phase in Phase if phase is not Phase.explain]
    with requests.Session() as session, httpx.Client(base_url=base_url, timeout=SILENCE_S) as http:
        there = There(http, operation.path)

        @settings(max_examples=cases, deadline=None, suppress_health_check=list(HealthCheck), phases=phases)
        @given(case=case, at=some.sampled_from([0, 0, 0, 1, 1, 2, 2, 3, 3, 4, None, None]))
        def ask(case: Case, at: int | None) -> None:
            if at is not None:
                there.name(case, at)
            answer = _answer(case, session, base_url)
            if len(answer.request.url or "") < MOST_URL_BYTES:
                case.validate_response(answer, checks=CHECKS)

        ask()


def _can_be_wrong(operation: Operation) -> bool:
    return bool(operation.body or operation.path_parameters or operation.query or operation.headers)


def _answer(case: Case, session: requests.Session, base_url: str) -> requests.Response:
    """The answer, read to its end: a stream must have one."""
    answer = session.request(**case.as_transport_kwargs(base_url), stream=True, timeout=SILENCE_S)
    if answer.status_code == 200 and case.path.endswith(ENDLESS):
        answer._content = b""  # as if it had been read
        answer.close()
    if answer.headers["content-type"].startswith(NDJSON):
        for line in answer.content.splitlines():
            jsonschema.validate(json.loads(line), LINE)
    return answer


class There:
    """What is on the server: of the kinds that a path speaks of some are made anew, and all are found by listing."""

    def __init__(self, http: httpx.Client, path: str) -> None:
        self._http = http
        self._store, self._batch = "", ""
        self._uploads: list[str] = []
        self._parts: list[str] = []
        file = self._made("/v1/files", files={"file": ("a.txt", b"Clay.")}, data={"purpose": "assistants"})
        self._assistant = self._made("/v1/assistants", json={"model": "m", "tools": FUNCTIONS})
        if "/vector_stores" in path:
            self._store = self._made("/v1/vector_stores", json={"file_ids": [file]})
            self._batch = self._made(f"/v1/vector_stores/{self._store}/file_batches", json={"file_ids": [file]})
        if "/uploads" in path:
            upload = {"filename": "a.txt", "purpose": "assistants", "bytes": 5, "mime_type": "text/plain"}
            self._uploads = [self._made("/v1/uploads", json=upload) for _ in range(2)]
            self._parts = [self._made(f"/v1/uploads/{upload}/parts", files={"data": b"Clay."}) for upload in self._uploads]
        if "/threads" in path or "/chat" in path:
            for script in (*[CALLS] * 3, 'say "Done."'):
                self._run(script)

    def _run(self, script: str) -> None:
        thread = self._made("/v1/threads", json={"messages": [{"role": "user", "content": script}]})
        self._asked("/threads/history", json={"threadId": thread})
        run = {"assistant_id": self._assistant, "stream": True}
        assert b"[DONE]" in self._asked(f"/v1/threads/{thread}/runs", json=run).content

    def name(self, case: Case, at: int) -> None:
        """Put ids of things into a case, wherever it names one: the `at`-th, counted from the newest."""
        ids = {"vector_store_id": self._store} if "{batch_id}" in case.path else {}
        for name in _parameters(case.path):
            found = [ids[name]] if name in ids else self._ids(name, case.path, at, ids)
            if found:
                case.path_parameters[name] = ids[name] = found[at % len(found)]
        case.body = self._named(case.body, at, ids)

    def _named(self, value: Any, at: int, ids: dict[str, str]) -> Any:
        if isinstance(value, list):
            return [self._named(one, at, ids) for one in value]
        if not isinstance(value, dict):
            return value
        named: dict[str, Any] = {}
        for key, inner in value.items():
            if key in OUTPUTS and inner and (calls := self._awaited(ids)):
                given = inner[0] if isinstance(inner, list) and isinstance(inner[0], dict) else {}
                named[key] = [{**given, "tool_call_id": call} for call in calls]
                continue
            name = NAMES.get(key, key.removesuffix("s"))
            found = self._ids(name, "", at, ids) if name.endswith("_id") and inner else []
            one = found[at % len(found)] if found else self._named(inner, at, ids)
            named[key] = [one] if found and isinstance(inner, list) else one
            if found:
                ids.setdefault(name, one)
        return named

    def _ids(self, name: str, path: str, at: int, ids: dict[str, str]) -> list[str]:
        """Those that a parameter or a field may have. `path`: whose parameter it is; most lists are what stands before it."""
        match name:
            case "upload_id":
                return self._uploads
            case "part_id":
                return self._parts
            case "batch_id":
                return [self._batch]
        before = path.partition(f"/{{{name}}}")[0] if path.startswith("/v1/") else ""
        listed = before or ("/api/assistants/files" if path.startswith("/api/files/") else LISTS.get(name, ""))
        known = dict(ids)
        for outer in _parameters(listed):
            known.setdefault(outer, next(iter(self._ids(outer, "", at, ids)[at:]), "none"))
        answer = self._http.get(listed.format(**known), params={"limit": 6}) if listed else None
        if answer is None or answer.status_code != 200:
            return []
        found = answer.json()
        return [one.get("id") or one["file_id"] for one in (found["data"] if isinstance(found, dict) else found)]

    def _awaited(self, ids: dict[str, str]) -> list[str]:
        """The calls whose outputs a run waits for."""
        runs = self._http.get(f"/v1/threads/{ids.get('thread_id', 'thread_')}/runs", params={"limit": 1}).json().get("data", [])
        actions = [run["required_action"] for run in runs if run["required_action"]]
        return [call["id"] for action in actions for call in action["submit_tool_outputs"]["tool_calls"]]

    def _asked(self, path: str, **request: Any) -> httpx.Response:
        return self._http.post(path, **request).raise_for_status()

    def _made(self, path: str, **request: Any) -> str:
        return str(self._asked(path, **request).json()["id"])


CALLS = "\n".join(["call f {}", 'say "It is $1."'] * 30)
"""The script of a run that waits for outputs again and again."""
FUNCTIONS = [{"type": "function", "function": {"name": "f"}}]
OUTPUTS = ("tool_outputs", "toolCallOutputs")
NAMES = {"threadId": "thread_id", "runId": "run_id", "assistantId": "assistant_id"}
LISTS = {
    "thread_id": "/v1/threads",
    "run_id": "/v1/threads/{thread_id}/runs",
    "assistant_id": "/v1/assistants",
    "file_id": "/v1/files",
    "vector_store_id": "/v1/vector_stores",
}
"""Where the ids of fields are found, and of parameters whose path does not tell."""


def _parameters(path: str) -> Iterator[str]:
    return (part[1:-1] for part in path.split("/") if part.startswith("{"))
