"""The filters and updates of the verbs. Every one is a plain document: no pipelines, so that compatible servers understand it.

Each begins with the fields of an index, so that no collection is ever walked from end to end.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from ..objects.stored import Stored
from .base import EVERYONE, Below, Changes, Conditions, In, Inc, IsSet, Scope
from .fields import check_changes, check_conditions
from .mongo_documents import change_of, encoded
from .sqlite_query import Stretch

Filter = dict[str, Any]
Change = dict[str, dict[str, Any]]

BIGGEST = 2**63 - 1
"""BSON's largest integer; a `seq` beyond it is as good as it."""


@dataclass(frozen=True)
class Update:
    """One object's conditional update."""

    where: Filter
    change: Change
    """Empty when nothing changes: then `where` is only looked for."""
    defaults: Mapping[str, object]
    """Of fields that are counted from another number than 0: an object of an older version may lack them, and gets them first."""


def update(kind: type[Stored], id: str, changes: Changes, only_if: Conditions, scope: Scope) -> Update:
    """Raises ValueError or TypeError for what the kind cannot hold or be asked for."""
    check_changes(kind, changes)
    counted = {field: value.by for field, value in changes.items() if isinstance(value, Inc)}
    new = {field: change_of(kind, field, value) for field, value in changes.items() if not isinstance(value, Inc)}
    defaults = {field: default for field in counted if (default := kind.model_fields[field].get_default())}
    there = [{field: {"$ne": None}} for field in defaults]
    change = {operator: fields for operator, fields in (("$set", new), ("$inc", counted)) if fields}
    return Update(_with({"_id": id, **in_scope(kind, scope)}, [*conditions(kind, only_if), *there]), change, defaults)


def one(kind: type[Stored], id: str, scope: Scope) -> Filter:
    return {"_id": id, **in_scope(kind, scope)}


def clear(kind: type[Stored], parent: str, scope: Scope, up_to_seq: int | None) -> Filter:
    # What has no place in the order is not before anything: it goes only when everything does.
    part = {} if up_to_seq is None else {"seq": {"$gte": 1, "$lte": _bounded(up_to_seq)}}
    return _in_parent(kind, parent, part, scope, [])


def everywhere(kind: type[Stored], where: Conditions, scope: Scope) -> Filter:
    """Objects of all parents."""
    return _with(in_scope(kind, scope), conditions(kind, where))


def of_parent(kind: type[Stored], parent: str, where: Conditions, scope: Scope, part: Stretch) -> Filter:
    places = {"$gt": max(0, _bounded(part.above or 0))}
    if part.below is not None:
        places["$lt"] = _bounded(part.below)
    return _in_parent(kind, parent, {"seq": places}, scope, conditions(kind, where))


def in_scope(kind: type[Stored], scope: Scope) -> Filter:
    """Whose objects: part of every filter."""
    if scope.owner == EVERYONE.owner:
        return {}
    if scope.shared and "shared" in kind.model_fields:
        return {"$or": [{"owner": scope.owner}, {"shared": True}]}
    return {"owner": scope.owner}


def conditions(kind: type[Stored], wanted: Conditions) -> list[Filter]:
    """MongoDB compares as the seam does: true is not 1, "1" is not 1, 1 is 1.0, and less than a number is a number. A field that
    an object of an older version lacks is null."""
    check_conditions(kind, wanted)
    return [{_name(field): _condition(value)} for field, value in wanted.items()]


def failing(wanted: Conditions, document: Mapping[str, JsonValue]) -> str | None:
    """The first condition that a document does not meet; None when it meets all."""
    return next((field for field, value in wanted.items() if not _meets(document.get(_name(field)), value)), None)


def _in_parent(kind: type[Stored], parent: str, part: Filter, scope: Scope, more: list[Filter]) -> Filter:
    return _with({kind.parent or "owner": parent, **part}, [in_scope(kind, scope), *more])


def _with(where: Filter, more: list[Filter]) -> Filter:
    """Both; what is asked of a field a second time stands apart, since a key cannot stand twice."""
    apart = []
    for part in more:
        if part.keys() & where.keys():
            apart.append(part)
        else:
            where = {**where, **part}
    return {**where, "$and": apart} if apart else where


def _name(field: str) -> str:
    return "_id" if field == "id" else field


def _condition(wanted: object) -> Filter:
    match wanted:
        case IsSet():
            return {"$ne": None}
        case Below(value=limit):
            return {"$lt": limit if isinstance(limit, float) or abs(limit) <= BIGGEST else (math.inf if limit > 0 else -math.inf)}
        case In(values=values):
            return {"$in": [_scalar(value) for value in values]}
        case _:
            return {"$eq": _scalar(wanted)}


def _scalar(value: object) -> JsonValue:
    assert value is None or isinstance(value, str | int | float)
    return encoded(value)


def _meets(value: JsonValue, wanted: object) -> bool:
    match wanted:
        case IsSet():
            return value is not None
        case Below(value=limit):
            return isinstance(value, int | float) and not isinstance(value, bool) and value < limit
        case In(values=values):
            return any(_equal(value, one) for one in values)
        case _:
            return _equal(value, wanted)


def _equal(value: JsonValue, wanted: object) -> bool:
    return isinstance(value, bool) == isinstance(wanted, bool) and value == _scalar(wanted)


def _bounded(seq: int) -> int:
    return max(-BIGGEST, min(BIGGEST, seq))
