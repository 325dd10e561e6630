"""Which files a search may look at, by the attributes that their owner gave them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Value = str | float | bool
Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]


@dataclass(frozen=True)
class Comparison:
    """`value` is a list for `in` and `nin`, one value for the others."""

    operator: Operator
    key: str
    value: Value | tuple[Value, ...]


@dataclass(frozen=True)
class Compound:
    operator: Literal["and", "or"]
    filters: tuple["Filter", ...]


Filter = Comparison | Compound


def admits(asked: Filter, attributes: Mapping[str, Value]) -> bool:
    """Whether a file with these attributes is searched. An attribute that it has not equals nothing, and is neither above nor
    below anything; a number is not compared with a text."""
    if isinstance(asked, Compound):
        held = (admits(each, attributes) for each in asked.filters)
        return all(held) if asked.operator == "and" else any(held)
    has = attributes.get(asked.key)
    if isinstance(asked.value, tuple):
        return _is_one_of(has, asked.value) == (asked.operator == "in")
    if asked.operator in ("eq", "ne"):
        return _is_one_of(has, (asked.value,)) == (asked.operator == "eq")
    return _compares(asked.operator, has, asked.value)


def _is_one_of(has: Value | None, values: Sequence[Value]) -> bool:
    # True is 1 in Python, and not in a filter.
    return any(has == value and isinstance(has, bool) == isinstance(value, bool) for value in values)


def _compares(operator: Operator, has: Value | None, value: Value) -> bool:
    if has is None or isinstance(has, bool) or isinstance(value, bool):
        return False
    if isinstance(has, str) != isinstance(value, str):
        return False
    order = (has > value) - (has < value)  # type: ignore[operator]
    return {"gt": order > 0, "gte": order >= 0, "lt": order < 0, "lte": order <= 0}[operator]
