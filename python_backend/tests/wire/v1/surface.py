"""OpenAI's own document as the judge: every answer and every event that a test sees is held against it.

surface = Surface()
surface.check_answer("GET", "/v1/threads/thread_a", 200, {...})   # AssertionError that names what does not fit
surface.check_stream(b"event: thread.run.created\\n...")
"""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).parent / "openapi" / "assistants-surface.json"
ADDRESS = "urn:openai"

LAST_OF_A_RUN = {
    f"thread.run.{status}" for status in ("completed", "requires_action", "failed", "cancelled", "expired", "incomplete")
}
OUR_OWN = {("get", "/threads"): "ListThreadsResponse"}
"""Operations that OpenAI's document does not have."""


class Surface:
    def __init__(self, document: Path = DOCUMENT) -> None:
        surface = _as_json_schema(json.loads(document.read_text("utf-8")))
        self._schemas = surface["components"]["schemas"]
        self._schemas["ListThreadsResponse"] = _list_of(self._schemas["ListAssistantsResponse"], "ThreadObject")
        for name, schema in self._schemas.items():
            if name.startswith("List") and "first_id" in schema.get("properties", {}):
                # An empty list has no first: the document says string, and OpenAI's own answer was null.
                for key in ("first_id", "last_id"):
                    schema["properties"][key] = {"type": ["string", "null"]}
        self._paths = surface["paths"]
        registry = Registry().with_resource(ADDRESS, Resource(surface, DRAFT202012))
        self._registry = registry
        self._events = self._event_schemas()
        self.seen: set[str] = set()
        """`METHOD /path` of the operations that answered with 200, and the names of the events, for whoever counts."""

    def check_answer(self, method: str, path: str, status: int, body: Any) -> None:
        """Raises AssertionError where the answer is not what the document says of this operation."""
        template, operation = self._operation(method, path)
        if status != 200:
            self._check({"$ref": f"{ADDRESS}#/components/schemas/ErrorResponse"}, body, f"{status} of {method} {path}")
            assert set(body["error"]) == {"message", "type", "param", "code"}, body
            return
        assert operation is not None, f"{method} {path} answers, and is not in the document"
        self.seen.add(f"{method} {template}")
        self._check(operation, body, f"{method} {template}")

    def check_stream(self, stream: bytes, *, whole: bool = True) -> None:
        """Raises AssertionError for an event that the document does not know, or one out of order. `whole`: the client read to
        the end, so the last events must be there."""
        events = sse_events(stream)
        for name, data, _ in events:
            if name != "done":
                assert name in self._events, f"the document knows no event {name}"
                self._check(self._events[name], data, f"event {name}")
                self.seen.add(name)
        check_order(events, whole=whole)

    def _check(self, schema: dict[str, Any], value: Any, what: str) -> None:
        validator: Validator = jsonschema.Draft202012Validator(schema, registry=self._registry)
        errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
        assert not errors, f"{what} does not fit the document: {errors[:3]}\n{json.dumps(value)[:2000]}"

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, Any] | None]:
        plain = path.removeprefix("/v1")
        own = OUR_OWN.get((method.lower(), plain))
        if own is not None:
            return plain, {"$ref": f"{ADDRESS}#/components/schemas/{own}"}
        for template in sorted(self._paths, key=lambda one: one.count("{")):
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
            operation = self._paths[template].get(method.lower())
            if operation is not None and re.fullmatch(pattern, plain):
                content = operation["responses"]["200"].get("content", {})
                if "application/json" in content:
                    return template, _absolute(content["application/json"]["schema"])
        return plain, None

    def _event_schemas(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        open_ends = [self._schemas["AssistantStreamEvent"]]
        while open_ends:
            schema = open_ends.pop()
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
            open_ends += schema.get("oneOf", [])
            event = schema.get("properties", {}).get("event")
            if event is not None:
                found[event["enum"][0]] = _absolute(schema["properties"]["data"])
        return found


def sse_events(stream: bytes) -> list[tuple[str, Any, int | None]]:
    """Name, data (None for `[DONE]`) and number of each whole event."""
    events: list[tuple[str, Any, int | None]] = []
    for block in stream.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            assert set(fields) <= {"event", "id", "data"}, fields
            data = fields["data"]
            number = int(fields["id"]) if "id" in fields else None
            events.append((fields["event"], None if data == "[DONE]" else json.loads(data), number))
    return events


def check_order(events: list[tuple[str, Any, int | None]], *, whole: bool) -> None:
    """What holds for every stream: numbers grow, messages never overlap, and the last two are a run's last event and `done`."""
    numbers = [number for _, _, number in events if number is not None]
    assert numbers == sorted(set(numbers)), f"numbers do not grow: {numbers}"
    assert all(number is not None for name, _, number in events if name not in ("done", "error"))
    message: str | None = None
    for name, data, _ in events:
        if name == "thread.message.created":
            assert message is None, f"a message begins inside another: {data}"
            assert data["content"] == []
            message = data["id"]
        elif name == "thread.message.delta":
            assert data["id"] == message, f"a delta for no open message: {data}"
        elif name in ("thread.message.completed", "thread.message.incomplete"):
            assert data["id"] == message
            message = None
    if whole:
        names = [name for name, _, _ in events]
        assert names[-1] == "done", names
        assert names[-2] in LAST_OF_A_RUN, names
        assert message is None, "the last message never ended"
        assert sum(name in LAST_OF_A_RUN for name in names) == 1, names


def _list_of(schema: dict[str, Any], item: str) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(schema))
    copy["properties"]["data"]["items"] = {"$ref": f"#/components/schemas/{item}"}
    return copy


def _absolute(schema: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(schema).replace('"#/components', f'"{ADDRESS}#/components')
    absolute: dict[str, Any] = json.loads(text)
    return absolute


def _as_json_schema(value: Any) -> Any:
    """OpenAPI 3.0's `nullable`, which the document still uses in places, in the words of 3.1."""
    if isinstance(value, list):
        return [_as_json_schema(one) for one in value]
    if not isinstance(value, dict):
        return value
    schema = {key: _as_json_schema(one) for key, one in value.items() if key != "nullable"}
    nullable = value.get("nullable") is True
    if {"nullable": True} in value.get("allOf", []):
        schema["allOf"] = [_as_json_schema(one) for one in value["allOf"] if one != {"nullable": True}]
        nullable = True
    return {"anyOf": [schema, {"type": "null"}]} if nullable else schema
