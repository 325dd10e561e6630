"""The SQL of the verbs. A field's name stands in the text only after it was found among the kind's fields; values are bound.

JSON's types are compared as they are: true is not 1, "1" is not 1, but 1 is 1.0; null is only what `None` asks for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..objects.stored import Stored
from .base import EVERYONE, Below, Changes, Conditions, In, Inc, IsSet, Order, Scope
from .fields import change_as_json, check_changes, check_conditions
from .migrations import expression

SqlValue = str | int | float | None

BIGGEST = 2**63 - 1
"""SQLite's largest integer; a `seq` beyond it is as good as it."""


@dataclass(frozen=True)
class Sql:
    text: str
    values: tuple[SqlValue, ...] = ()


@dataclass(frozen=True)
class Update:
    """One object's conditional update, and the query that tells why it did nothing."""

    change: Sql
    why_not: Sql
    """A row of the document and, for each of `fields`, whether its condition holds; no row when there is no such object."""
    fields: tuple[str, ...]


def update(kind: type[Stored], id: str, changes: Changes, conditions: Conditions, scope: Scope) -> Update:
    """Raises ValueError or TypeError for what the kind cannot hold or be asked for."""
    check_changes(kind, changes)
    check_conditions(kind, conditions)
    found = _all([Sql("id = ?", (id,)), *_in_scope(kind, scope)])
    each = [_condition(field, wanted) for field, wanted in conditions.items()]
    new = _new_values(kind, changes)
    where = _all([found, *each])
    asked = ", ".join(["doc", *(condition.text for condition in each)])
    values = tuple(value for condition in each for value in condition.values)
    return Update(
        Sql(f"UPDATE {kind.kind} SET {new.text} WHERE {where.text} RETURNING doc", new.values + where.values),
        Sql(f"SELECT {asked} FROM {kind.kind} WHERE {found.text}", values + found.values),
        tuple(conditions),
    )


def get(kind: type[Stored], id: str, scope: Scope) -> Sql:
    where = _all([Sql("id = ?", (id,)), *_in_scope(kind, scope)])
    return Sql(f"SELECT doc FROM {kind.kind} WHERE {where.text}", where.values)


def delete(kind: type[Stored], id: str, scope: Scope) -> Sql:
    where = _all([Sql("id = ?", (id,)), *_in_scope(kind, scope)])
    return Sql(f"DELETE FROM {kind.kind} WHERE {where.text}", where.values)


def clear(kind: type[Stored], parent: str, scope: Scope, up_to_seq: int | None) -> Sql:
    parts = [Sql("parent = ?", (parent,)), *_in_scope(kind, scope)]
    if up_to_seq is not None:
        # What has no place in the order is not before anything: it goes only when everything does.
        parts.append(Sql("seq BETWEEN 1 AND ?", (_bounded(up_to_seq),)))
    where = _all(parts)
    return Sql(f"DELETE FROM {kind.kind} WHERE {where.text}", where.values)


def everywhere(kind: type[Stored], conditions: Conditions, scope: Scope, rows: int) -> Sql:
    """Objects of all parents, in whatever order the index has them."""
    check_conditions(kind, conditions)
    where = _all([*(_condition(field, wanted) for field, wanted in conditions.items()), *_in_scope(kind, scope)])
    return Sql(f"SELECT doc FROM {kind.kind} WHERE {where.text} LIMIT ?", (*where.values, rows))


@dataclass(frozen=True)
class Stretch:
    """A part of a parent's order: seq numbers in between, both exclusive, and the end from which `rows` are taken."""

    above: int | None
    below: int | None
    falling: bool
    rows: int


def stretch(after: int | None, before: int | None, order: Order, rows: int) -> Stretch:
    """What `page`'s arguments mean in seq numbers. With `before` alone the rows nearest to it are wanted, so they are taken
    from that end, and come in reverse."""
    above, below = (before, after) if order == "desc" else (after, before)
    backwards = before is not None and after is None
    return Stretch(above, below, falling=(order == "desc") != backwards, rows=rows)


def of_parent(kind: type[Stored], parent: str, conditions: Conditions, scope: Scope, part: Stretch) -> Sql:
    check_conditions(kind, conditions)
    parts = [Sql("parent = ?", (parent,)), Sql("seq > ?", (max(0, _bounded(part.above or 0)),))]
    if part.below is not None:
        parts.append(Sql("seq < ?", (_bounded(part.below),)))
    parts += _in_scope(kind, scope)
    parts += (_condition(field, wanted) for field, wanted in conditions.items())
    where = _all(parts)
    direction = "DESC" if part.falling else "ASC"
    return Sql(f"SELECT doc FROM {kind.kind} WHERE {where.text} ORDER BY seq {direction} LIMIT ?", (*where.values, part.rows))


def _new_values(kind: type[Stored], changes: Changes) -> Sql:
    """The SET clause: one new document; `seq` in its column as well."""
    parts: list[Sql] = []
    columns: list[Sql] = []
    for field, value in changes.items():
        if isinstance(value, Inc):
            # An object of an older version may lack the field: it has the default then, as when it is read.
            default = kind.model_fields[field].get_default() or 0
            parts.append(Sql(f"'$.{field}', coalesce({expression(field)}, {default}) + ?", (value.by,)))
        else:
            parts.append(Sql(f"'$.{field}', json(?)", (change_as_json(kind, field, value),)))
        if field == "seq":
            columns.append(Sql("seq = " + ("seq + ?" if isinstance(value, Inc) else "CAST(? AS INTEGER)"), parts[-1].values))
    if not parts:
        return Sql("doc = doc")
    document = Sql(f"doc = json_set(doc, {', '.join(part.text for part in parts)})", _values(parts))
    return Sql(", ".join(part.text for part in [document, *columns]), _values([document, *columns]))


def _in_scope(kind: type[Stored], scope: Scope) -> list[Sql]:
    if scope.owner == EVERYONE.owner:
        return []
    if scope.shared and "shared" in kind.model_fields:
        return [Sql(f"(owner = ? OR {expression('shared')} = 1)", (scope.owner,))]
    return [Sql("owner = ?", (scope.owner,))]


def _condition(field: str, wanted: object) -> Sql:
    match wanted:
        case IsSet():
            return Sql(f"{expression(field)} IS NOT NULL")
        case Below(value=value):
            return Sql(f"({expression(field)} < ? AND {_type(field)} IN ('integer', 'real'))", (value,))
        case In(values=values):
            each = [_equals(field, value) for value in values]
            return Sql(f"({' OR '.join(one.text for one in each) or '0'})", _values(each))
        case _:
            return _equals(field, wanted)


def _equals(field: str, value: object) -> Sql:
    match value:
        case None:
            return Sql(f"{expression(field)} IS NULL")
        case bool():
            return Sql(f"({expression(field)} = {int(value)} AND {_type(field)} = '{str(value).lower()}')")
        case int() | float():
            return Sql(f"({expression(field)} = ? AND {_type(field)} IN ('integer', 'real'))", (value,))
        case str():
            return Sql(f"({expression(field)} = ? AND {_type(field)} = 'text')", (value,))
        case _:
            raise TypeError(f"A condition compares scalars, and {field} was given a {type(value).__name__}.")


def _type(field: str) -> str:
    return f"json_type(doc, '$.{field}')"


def _all(parts: Iterable[Sql]) -> Sql:
    parts = list(parts)
    return Sql(" AND ".join(part.text for part in parts) or "1", _values(parts))


def _values(parts: Iterable[Sql]) -> tuple[SqlValue, ...]:
    return tuple(value for part in parts for value in part.values)


def _bounded(seq: int) -> int:
    return max(-BIGGEST, min(BIGGEST, seq))
