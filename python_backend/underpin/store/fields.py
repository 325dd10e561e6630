"""What a change and a condition may say about a kind. Every backend asks here first.

A misspelt field is an error at once, never a condition that silently matches nothing; a value that the kind cannot hold is
refused before it is written, because afterwards nobody could read the object.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from ..errors import BadInput, UnderpinError
from ..objects.stored import Stored
from .base import Below, Changes, Conditions, In, Inc, IsSet

T = TypeVar("T", bound=Stored)

MOST_AT_ONCE = 100
"""Objects in one batch of `add_many`: vectors of a batch are a few MB, and FerretDB 1 takes no more."""
UNSTORABLE = "The input cannot be stored: it holds half of a surrogate pair, or JSON that is nested too deeply."


def noun(kind: type[Stored]) -> str:
    """What people call one: `run step` for RunStep."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()


def parent_of(obj: Stored) -> str:
    """The id of an object's parent; its owner where the kind has no parent."""
    value = getattr(obj, type(obj).parent or "owner")
    if not isinstance(value, str):
        raise TypeError(f"The parent of a {noun(type(obj))} must be an id, not {value!r}.")
    return value


def check_changes(kind: type[Stored], changes: Changes) -> None:
    """Raises ValueError for a field that the kind does not have, that never changes (id, owner, the parent), or that `Inc`
    cannot count (it may be null)."""
    for field, value in changes.items():
        _declared(kind, field)
        if field in ("id", "owner", kind.parent):
            raise ValueError(f"{field} of a {noun(kind)} never changes.")
        if isinstance(value, Inc) and kind.model_fields[field].annotation not in (int, float):
            raise ValueError(f"Inc needs a number that is never null, and {field} of a {noun(kind)} is none.")


def check_conditions(kind: type[Stored], conditions: Conditions) -> None:
    """Raises ValueError for a field that the kind does not have, TypeError for a value that is not a scalar."""
    for field, wanted in conditions.items():
        _declared(kind, field)
        match wanted:
            case IsSet():
                pass
            case Below(value=limit):
                if isinstance(limit, bool) or not isinstance(limit, int | float):
                    raise TypeError(f"Below needs a number, and {field} was given {limit!r}.")
            case In(values=values):
                for value in values:
                    _scalar(field, value)
            case _:
                _scalar(field, wanted)


def change_as_json(kind: type[Stored], field: str, value: object) -> str:
    """A new value in the JSON that the whole object would have there.

    Raises ValueError (pydantic's) when the field cannot hold it, BadInput when it cannot be written as JSON.
    """
    adapter = _adapter(kind, field)
    try:
        return adapter.dump_json(adapter.validate_python(value)).decode()
    except PydanticSerializationError as error:
        raise BadInput(UNSTORABLE, param=field) from error


def object_as_json(obj: Stored) -> str:
    """The whole object, bookkeeping included. Raises BadInput when it cannot be written as JSON."""
    try:
        return obj.model_dump_json()
    except PydanticSerializationError as error:
        raise BadInput(UNSTORABLE) from error


def object_from_json(kind: type[T], text: str) -> T:
    """The object again. Raises UnderpinError when what is stored does not fit the kind, without a word of what it is."""
    try:
        return kind.model_validate_json(text)
    except ValidationError:
        pass
    try:  # pydantic writes deeper JSON than its parser reads; json reads it
        return kind.model_validate(json.loads(text))
    except ValidationError as error:
        raise UnderpinError(f"A stored {noun(kind)} cannot be read: {error.error_count()} of its fields do not fit.") from None


def batches(objs: Sequence[Stored]) -> Iterator[Sequence[Stored]]:
    """As many at once as keep no other write waiting for long."""
    for start in range(0, len(objs), MOST_AT_ONCE):
        yield objs[start : start + MOST_AT_ONCE]


def _declared(kind: type[Stored], field: str) -> None:
    if field not in kind.model_fields:
        raise ValueError(f"A {noun(kind)} has no field {field!r}.")


def _scalar(field: str, value: object) -> None:
    if value is not None and not isinstance(value, str | int | float):
        raise TypeError(f"A condition compares scalars, and {field} was given a {type(value).__name__}.")
    if isinstance(value, str) and "\0" in value:
        raise ValueError(f"A condition on {field} holds a NUL character.")


@cache
def _adapter(kind: type[Stored], field: str) -> TypeAdapter[object]:
    info = kind.model_fields[field]
    return TypeAdapter(cast("type[object]", Annotated[info.annotation, info]))
