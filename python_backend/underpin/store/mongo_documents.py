"""Objects as plain MongoDB documents: `_id` is the id, every other field stands under its own name.

What a client sent is free-form JSON, and servers refuse some of it: keys such as `$set`, `a.b` and the empty one, numbers beyond
64 bits, deep nesting; compatible servers also lists in lists, and they lose the sign of -0.0. All this is written with a `~`, so
that ordinary JSON stays as people wrote it, and is read back to the letter.
"""

import json
import math
from collections.abc import Mapping
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from ..errors import UnderpinError
from ..objects.stored import Stored
from .fields import change_as_json, noun, object_as_json

T = TypeVar("T", bound=Stored)

MOST_LEVELS = 90
"""MongoDB nests a hundred levels, an object or a list each; what lies deeper is kept as text."""
_INT64 = 2**63

# A key of a client never looks like one of these: its `~` is doubled.
_INT = "~int"
"""`{"~int": "123…"}`: a number that BSON cannot hold."""
_FLOAT = "~float"
_LIST = "~list"
"""`{"~list": […]}`: a list in a list."""
_JSON = "~json"
"""`{"~json": "…"}`: what is nested too deeply."""

_ESCAPED = {"~": "~~", ".": "~p", "\0": "~0"}
_PLAIN = {"~~": "~", "~p": ".", "~0": "\0", "~d": "$", "~_": "_"}
_EMPTY = "~e"


def document_of(obj: Stored) -> dict[str, JsonValue]:
    """The document of an object. Raises BadInput when it cannot be written as JSON."""
    fields = json.loads(object_as_json(obj))
    return {"_id": fields.pop("id"), **{name: encoded(value) for name, value in fields.items()}}


def object_of(kind: type[T], document: Mapping[str, JsonValue]) -> T:
    """The object again. Raises UnderpinError when the document does not fit the kind, without a word of what it holds."""
    fields = {name: decoded(value) for name, value in document.items() if name != "_id"}
    try:
        return kind.model_validate({"id": document["_id"], **fields})
    except ValidationError as error:
        raise UnderpinError(f"A stored {noun(kind)} cannot be read: {error.error_count()} of its fields do not fit.") from None


def change_of(kind: type[Stored], field: str, value: object) -> JsonValue:
    """A new value as it stands in the document."""
    return encoded(json.loads(change_as_json(kind, field, value)))


def encoded(value: JsonValue, levels: int = MOST_LEVELS, *, in_list: bool = False) -> JsonValue:
    """A JSON value in a form that every server keeps, at most `levels` deep."""
    match value:
        case str() | None | bool():
            return value
        case int():
            return value if -_INT64 <= value < _INT64 else {_INT: str(value)}
        case float():
            return {_FLOAT: "-0.0"} if value == 0 and math.copysign(1, value) < 0 else value
        case list() | dict() if levels < 2:
            return {_JSON: json.dumps(value)}
        case dict():
            return {escaped(key): encoded(inner, levels - 1) for key, inner in value.items()}
        case list() if in_list:
            return {_LIST: [encoded(inner, levels - 2, in_list=True) for inner in value]}
        case list():
            return [encoded(inner, levels - 1, in_list=True) for inner in value]


def decoded(value: JsonValue) -> JsonValue:
    """What `encoded` was given."""
    match value:
        case str() | None | bool() | float():
            return value
        case int():
            return int(value)  # 64-bit numbers come as a type of the driver's
        case list():
            return [decoded(inner) for inner in value]
        case dict() if len(value) == 1 and "~" in next(iter(value)):
            return _decoded_mark(*next(iter(value.items())))
        case dict():
            return {plain(key): decoded(inner) for key, inner in value.items()}
        case _:
            return value


def escaped(key: str) -> str:
    """A key that every server takes, and nowhere moves to the front."""
    text = "".join(_ESCAPED.get(char, char) for char in key) or _EMPTY
    if text.startswith("$"):
        return "~d" + text[1:]
    return "~_id" if text == "_id" else text


def plain(key: str) -> str:
    """The key that `escaped` was given."""
    if "~" not in key:
        return key
    if key == _EMPTY:
        return ""
    parts: list[str] = []
    at = 0
    while at < len(key):
        pair = key[at : at + 2]
        parts.append(_PLAIN.get(pair, key[at]))
        at += 2 if pair in _PLAIN else 1
    return "".join(parts)


def _decoded_mark(key: str, value: JsonValue) -> JsonValue:
    match key, value:
        case "~int", str():
            return int(value)
        case "~float", str():
            return float(value)
        case "~json", str():
            found: JsonValue = json.loads(value)
            return found
        case "~list", list():
            return [decoded(inner) for inner in value]
        case _:
            return {plain(key): decoded(value)}
