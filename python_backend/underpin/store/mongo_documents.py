"""Objects as plain MongoDB documents: `_id` is the id, every other field stands under its own name.

Free-form JSON may have keys that a server refuses (`$set`, `a.b`, an empty one) and numbers beyond 64 bits. They are written with
a `~`, so that ordinary keys stay as people wrote them, and read back exactly.
"""

import json
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from ..errors import UnderpinError
from ..objects.stored import Stored
from .fields import change_as_json, noun, object_as_json

T = TypeVar("T", bound=Stored)

_INT64 = 2**63
_BIG = "~int"
"""`{"~int": "123…"}`: a number that BSON cannot hold. No key of a person's can be this: its `~` would be doubled."""
_ESCAPED = {"~": "~~", "$": "~d", ".": "~p", "\0": "~0"}
_PLAIN = {escape: plain for plain, escape in _ESCAPED.items()}
_EMPTY = "~e"


def document_of(obj: Stored) -> dict[str, JsonValue]:
    """The document of an object. Raises BadInput when it cannot be written as JSON."""
    fields = json.loads(object_as_json(obj))
    return {"_id": fields.pop("id"), **{name: encoded(value) for name, value in fields.items()}}


def object_of(kind: type[T], document: dict[str, JsonValue]) -> T:
    """The object again. Raises UnderpinError when the document does not fit the kind, without a word of what it holds."""
    fields = {name: decoded(value) for name, value in document.items() if name != "_id"}
    try:
        return kind.model_validate({"id": document["_id"], **fields})
    except ValidationError as error:
        raise UnderpinError(f"A stored {noun(kind)} cannot be read: {error.error_count()} of its fields do not fit.") from None


def change_of(kind: type[Stored], field: str, value: object) -> JsonValue:
    """A new value as it stands in the document."""
    return encoded(json.loads(change_as_json(kind, field, value)))


def encoded(value: JsonValue) -> JsonValue:
    """A JSON value in a form that every server keeps."""
    match value:
        case bool():
            return value
        case int() if not -_INT64 <= value < _INT64:
            return {_BIG: str(value)}
        case dict():
            return {_escape(key): encoded(inner) for key, inner in value.items()}
        case list():
            return [encoded(inner) for inner in value]
        case _:
            return value


def decoded(value: JsonValue) -> JsonValue:
    """What `encoded` was given."""
    match value:
        case dict() if value.keys() == {_BIG}:
            return int(str(value[_BIG]))
        case dict():
            return {_unescape(key): decoded(inner) for key, inner in value.items()}
        case list():
            return [decoded(inner) for inner in value]
        case _:
            return value


def _escape(key: str) -> str:
    return "".join(_ESCAPED.get(char, char) for char in key) or _EMPTY


def _unescape(key: str) -> str:
    if "~" not in key:
        return key
    if key == _EMPTY:
        return ""
    plain: list[str] = []
    at = 0
    while at < len(key):
        pair = key[at : at + 2]
        plain.append(_PLAIN.get(pair, key[at]))
        at += 2 if pair in _PLAIN else 1
    return "".join(plain)
