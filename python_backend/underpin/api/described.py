"""Words of OpenAPI for what routes read and send by themselves, so that /docs tells it. No request looks at them."""

from typing import Any

from pydantic import BaseModel

Described = dict[str, Any]
"""A parameter of a route."""
Responses = dict[int | str, dict[str, Any]]

TEXT: dict[str, Any] = {"type": "string"}


def query(name: str, schema: dict[str, Any] = TEXT) -> Described:
    """A part of the query that may be left out."""
    return {"name": name, "in": "query", "required": False, "schema": schema}


def header(name: str, schema: dict[str, Any] = TEXT) -> Described:
    """A header that may be left out."""
    return {"name": name, "in": "header", "required": False, "schema": schema}


def body_doc(kind: type[BaseModel]) -> dict[str, object]:
    """A body's schema, whole in itself. It must come where a field of it must; else an empty one counts as `{}`."""
    schema = kind.model_json_schema()
    definitions = schema.pop("$defs", {})
    content = {"application/json": {"schema": _whole(schema, definitions)}}
    return {"requestBody": {"required": bool(schema.get("required")), "content": content}}


LINE = {
    "type": "object",
    "properties": {"event": TEXT, "data": {"type": "object"}, "id": {"type": "integer"}},
    "required": ["event", "data"],
}
"""A line of JSON; in the guide's SSE the same stands in `data`, without the id."""
STREAMS: dict[str, dict[str, Any]] = {
    "application/x-ndjson": {"itemSchema": LINE},
    "text/event-stream": {
        "itemSchema": {
            "type": "object",
            "properties": {
                "id": TEXT,
                "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": LINE},
            },
            "required": ["id", "data"],
        }
    },
}
"""The streams of the chat, by media type."""


def sends_stream(*media_types: str) -> Responses:
    """The `responses` of a route that answers with a stream in one of these forms. Its `response_class` is Response."""
    return {200: {"content": {media_type: STREAMS[media_type] for media_type in media_types}}}


def sends_file(*media_types: str) -> Responses:
    """The `responses` of a route that answers with a file. Its `response_class` is Response."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"content": dict.fromkeys(media_types or ("application/octet-stream",), schema)}}


def _whole(schema: object, definitions: dict[str, object]) -> object:
    if isinstance(schema, list):
        return [_whole(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _whole(definitions[reference.rpartition("/")[2]], definitions)
    return {key: _whole(part, definitions) for key, part in schema.items() if key != "discriminator"}
