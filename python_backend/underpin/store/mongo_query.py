"""The filters and updates of the verbs. Every one is a plain document: no pipelines, so that compatible servers understand it."""

from collections.abc import Mapping

from ..objects.stored import Stored
from .base import EVERYONE, Below, Changes, Conditions, In, Inc, IsSet, Scope
from .fields import check_changes, check_conditions
from .mongo_documents import change_of

Filter = dict[str, object]

BIGGEST = 2**63 - 1


def in_scope(kind: type[Stored], scope: Scope) -> Filter:
    """Whose objects: part of every query."""
    if scope.owner == EVERYONE.owner:
        return {}
    if scope.shared and "shared" in kind.model_fields:
        return {"$or": [{"owner": scope.owner}, {"shared": True}]}
    return {"owner": scope.owner}


def conditions(kind: type[Stored], wanted: Conditions) -> Filter:
    """Conditions as a filter. MongoDB compares as the seam does: true is not 1, "1" is not 1, `$lt` a number means numbers."""
    check_conditions(kind, wanted)
    return {("_id" if field == "id" else field): _condition(value) for field, value in wanted.items()}


def change(kind: type[Stored], changes: Changes) -> dict[str, Mapping[str, object]]:
    """Changes as an update; empty when nothing changes."""
    check_changes(kind, changes)
    counted = {field: value.by for field, value in changes.items() if isinstance(value, Inc)}
    new = {field: change_of(kind, field, value) for field, value in changes.items() if not isinstance(value, Inc)}
    return {name: fields for name, fields in (("$set", new), ("$inc", counted)) if fields}


def one(kind: type[Stored], id: str, scope: Scope) -> Filter:
    return {"_id": id, **in_scope(kind, scope)}


def between(above: int | None, below: int | None) -> Filter:
    """Places in a parent's order, both ends exclusive; 0 is no place."""
    bounds: dict[str, int] = {"$gt": max(0, _bounded(above or 0))}
    if below is not None:
        bounds["$lt"] = _bounded(below)
    return {"seq": bounds}


def up_to(seq: int | None) -> Filter:
    """What has no place goes only when everything does."""
    return {} if seq is None else {"seq": {"$gte": 1, "$lte": _bounded(seq)}}


def failing(wanted: Conditions, obj: Stored) -> str | None:
    """The first condition that the object does not meet."""
    return next((field for field, value in wanted.items() if not _meets(getattr(obj, field), value)), None)


def _condition(wanted: object) -> object:
    match wanted:
        case IsSet():
            return {"$ne": None}
        case Below(value=limit):
            return {"$lt": limit}
        case In(values=values):
            return {"$in": list(values)}
        case _:
            return {"$eq": wanted}


def _meets(value: object, wanted: object) -> bool:
    match wanted:
        case IsSet():
            return value is not None
        case Below(value=limit):
            return isinstance(value, int | float) and not isinstance(value, bool) and value < limit
        case In(values=values):
            return any(_equal(value, one) for one in values)
        case _:
            return _equal(value, wanted)


def _equal(value: object, wanted: object) -> bool:
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _bounded(seq: int) -> int:
    return max(-BIGGEST, min(BIGGEST, seq))
