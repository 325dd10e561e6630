"""Documents of MongoDB: ordinary JSON as it is, everything else in a form that every server keeps, and back to the letter."""

import json
from collections.abc import Iterator
from typing import Any

import bson
import pytest
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from underpin.errors import BadInput, UnderpinError
from underpin.objects.assistant import Assistant
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.store.kinds import KINDS
from underpin.store.mongo_documents import MOST_LEVELS, change_of, decoded, document_of, encoded, escaped, object_of, plain

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TRICKY = [
    "",
    "~",
    "~~",
    "~p",
    "~e",
    "~int",
    "~list",
    "~json",
    "~float",
    "$",
    "$ref",
    "a$",
    ".",
    "a.b",
    "_id",
    "~_id",
    "id",
    "\0",
    "~d",
]
KEYS = TEXT | st.sampled_from(TRICKY) | st.text("~pd0e_$.", max_size=6)
NUMBERS = st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 2**63])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def through_bson(value: Any) -> Any:
    return bson.decode(bson.encode({"value": value}))["value"]


def parts(value: Any, in_list: bool = False) -> Iterator[tuple[str | None, Any, bool]]:
    """Every key and value of a document, and whether the value stands in a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner, False
            yield from parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield None, inner, True
            yield from parts(inner, in_list=True)


def depth(value: Any) -> int:
    if isinstance(value, dict | list):
        return 1 + max((depth(inner) for inner in (value.values() if isinstance(value, dict) else value)), default=0)
    return 0


@given(JSON)
def test_json_is_read_back_to_the_letter(value: Any) -> None:
    assert json.dumps(decoded(through_bson(encoded(value)))) == json.dumps(value)


@given(JSON)
def test_nothing_stays_that_a_server_refuses_or_changes(value: Any) -> None:
    for key, inner, in_list in parts(encoded([value])):
        assert key is None or not (key == "" or key == "_id" or key.startswith("$") or "." in key or "\0" in key)
        assert not (in_list and isinstance(inner, list))
        assert not isinstance(inner, float) or json.dumps(inner) != "-0.0"


@given(KEYS)
def test_a_key_comes_back(key: str) -> None:
    assert plain(escaped(key)) == key


@given(KEYS, KEYS)
def test_two_keys_stay_two(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)


@pytest.mark.parametrize(
    "value",
    [
        {"type": "object", "properties": {"depth_m": {"type": "number", "minimum": 0.5}}, "required": ["depth_m"]},
        {"% fines": "12", "Größe": "3", "a$b": "c", "id": "x"},
        [1, 2.5, "x", None, True, {"a": [1]}],
        {"n": -(2**63), "m": 2**63 - 1},
    ],
)
def test_ordinary_json_is_kept_as_it_is(value: Any) -> None:
    assert encoded(value) == value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"$ref": "#/a"}, {"~dref": "#/a"}),
        ({"a.b": 1}, {"a~pb": 1}),
        ({"": 1}, {"~e": 1}),
        ({"_id": 1}, {"~_id": 1}),
        ({"~int": 1}, {"~~int": 1}),
        (2**63, {"~int": "9223372036854775808"}),
        (-0.0, {"~float": "-0.0"}),
        ([[1], [[2]]], [{"~list": [1]}, {"~list": [{"~list": [2]}]}]),
    ],
)
def test_the_rest_is_still_readable(value: Any, kept: Any) -> None:
    assert encoded(value) == kept


@pytest.mark.parametrize("levels", [1, MOST_LEVELS - 2, MOST_LEVELS, MOST_LEVELS + 1, 250])
@pytest.mark.parametrize("kind", ["lists", "objects"])
def test_deep_json_is_kept_within_the_levels_of_a_server(levels: int, kind: str) -> None:
    deep: Any = 1.0
    for _ in range(levels):
        deep = [deep] if kind == "lists" else {"a": deep}
    kept = encoded(deep)
    assert depth(kept) <= MOST_LEVELS + 1
    assert json.dumps(decoded(through_bson(kept))) == json.dumps(deep)


def test_a_schema_with_a_reference_does_not_become_one_of_the_drivers() -> None:
    """The driver reads `$ref` beside `$id` as a reference into another collection."""
    schema: Any = {"$ref": "threads", "$id": "thread_t", "$db": "x"}
    assert decoded(through_bson(encoded(schema))) == schema


def test_numbers_come_back_as_plain_ones() -> None:
    found = decoded(through_bson({"a": [2**40, 5], "b": {"c": 2**40}}))
    assert isinstance(through_bson(2**40), Int64)
    assert [type(one) for one in (*found["a"], found["b"]["c"])] == [int, int, int]  # type: ignore[index, call-overload]


def test_a_document_is_the_object_by_its_own_names() -> None:
    thread = Thread(id="thread_t", owner="ann", seq=3, created_at=1, metadata={"site": "Löß"}, active_until=5)
    assert document_of(thread) == {
        "_id": "thread_t",
        "owner": "ann",
        "seq": 3,
        "object": "thread",
        "created_at": 1,
        "tool_resources": {},
        "metadata": {"site": "Löß"},
        "shared": False,
        "last_seq": 0,
        "active_run": None,
        "active_worker": None,
        "resources_key": None,
        "active_until": 5.0,
    }
    assert object_of(Thread, document_of(thread)) == thread


def test_a_change_stands_as_the_whole_object_would_have_it() -> None:
    assert json.dumps(change_of(Run, "lease_until", 5)) == "5.0"
    assert change_of(Assistant, "tools", [{"$a": [[1]]}]) == [{"~da": [{"~list": [1]}]}]


def test_fields_of_a_newer_version_are_passed_over_and_missing_ones_have_their_defaults() -> None:
    assert object_of(Thread, {"_id": "t", "created_at": 1, "of_tomorrow": {"a": 1}}) == Thread(id="t", created_at=1)


def test_a_document_that_does_not_fit_is_an_error_that_shows_nothing_of_it() -> None:
    with pytest.raises(UnderpinError) as broken:
        object_of(Thread, {"_id": "t", "created_at": "a secret", "shared": "another"})
    assert broken.value.message == "A stored thread cannot be read: 2 of its fields do not fit."
    assert broken.value.__suppress_context__


def test_what_no_json_can_hold_is_bad_input() -> None:
    with pytest.raises(BadInput):
        document_of(Thread(id="t", created_at=1, metadata={"a": "\ud800"}))


def test_no_kind_has_a_field_that_a_document_could_not_have() -> None:
    for kind in KINDS:
        assert not {name for name in kind.model_fields if name != plain(name) or name != escaped(name)}
