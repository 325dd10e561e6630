"""`filters` of a search: OpenAI's comparisons and compounds, checked, with the place of what is wrong."""

from typing import get_args

from pydantic import JsonValue

from ...knowledge.filters import Comparison, Compound, Filter, Operator, Value
from .envelope import InvalidRequest
from .store_shapes import MOST_KEY, as_number

MOST_LEVELS = 8
MOST_COMPARISONS = 100
MOST_VALUES = 1000
"""In a list of `in` or `nin`."""

OPERATORS: dict[str, Operator] = {name: name for name in get_args(Operator)}
KINDS = (*OPERATORS, "and", "or")


def parse_filter(given: JsonValue, place: str = "filters") -> Filter:
    """The filter. Raises InvalidRequest with the first mistake in it."""
    found = _filter(given, place, MOST_LEVELS)
    if _count(found) > MOST_COMPARISONS:
        raise InvalidRequest(
            f"Invalid '{place}': more than {MOST_COMPARISONS} comparisons. Ask for less at once.",
            param=place,
            code="array_above_max_length",
        )
    return found


def _filter(given: JsonValue, place: str, levels: int) -> Filter:
    if not isinstance(given, dict):
        raise _wrong_type(place, "an object")
    if not levels:
        raise InvalidRequest(
            f"Invalid '{place}': filters are nested more than {MOST_LEVELS} deep.", param=place, code="invalid_value"
        )
    kind = _needed(given, "type", place)
    match kind:
        case "and" | "or":
            filters = _needed(given, "filters", place)
            if not isinstance(filters, list):
                raise _wrong_type(f"{place}.filters", "an array of objects")
            if not filters:
                raise _invalid(f"{place}.filters", "empty array. Expected at least one filter.", "empty_array")
            inner = (_filter(each, f"{place}.filters[{at}]", levels - 1) for at, each in enumerate(filters))
            return Compound("and" if kind == "and" else "or", tuple(inner))
        case str() if kind in OPERATORS:
            key = _needed(given, "key", place)
            if not isinstance(key, str):
                raise _wrong_type(f"{place}.key", "a string")
            if not 1 <= len(key) <= MOST_KEY:
                raise _invalid(f"{place}.key", f"expected a string of 1 to {MOST_KEY} characters.", "invalid_value")
            return Comparison(OPERATORS[kind], key, _value(kind, _needed(given, "value", place), f"{place}.value"))
    text = f"Invalid value: '{str(kind)[:40]}'. Supported values are: {', '.join(repr(name) for name in KINDS)}."
    raise InvalidRequest(text, param=f"{place}.type", code="invalid_value")


def _value(operator: str, given: JsonValue, place: str) -> Value | tuple[Value, ...]:
    if operator not in ("in", "nin"):
        return _one(given, place)
    if not isinstance(given, list):
        raise _wrong_type(place, f"an array, since the operator is '{operator}'")
    if len(given) > MOST_VALUES:
        raise _invalid(place, f"array too long. Expected at most {MOST_VALUES} values.", "array_above_max_length")
    return tuple(_one(each, f"{place}[{at}]") for at, each in enumerate(given))


def _one(given: JsonValue, place: str) -> Value:
    match given:
        case bool() | str():
            return given
        case int() | float() if (number := as_number(given)) is not None:
            return number
    raise _wrong_type(place, "a string, a number or a boolean")


def _needed(given: dict[str, JsonValue], name: str, place: str) -> JsonValue:
    if name not in given:
        text = f"Missing required parameter: '{place}.{name}'."
        raise InvalidRequest(text, param=f"{place}.{name}", code="missing_required_parameter")
    return given[name]


def _wrong_type(place: str, expected: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid type for '{place}': expected {expected}.", param=place, code="invalid_type")


def _invalid(place: str, why: str, code: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{place}': {why}", param=place, code=code)


def _count(found: Filter) -> int:
    return sum(map(_count, found.filters)) if isinstance(found, Compound) else 1
