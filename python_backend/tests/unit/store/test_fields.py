"""What may be said of a kind's fields, before any database is asked."""

import pytest

from underpin.errors import BadInput
from underpin.objects.message import Message
from underpin.objects.run import Run, Usage
from underpin.objects.run_step import RunStep
from underpin.objects.thread import Thread
from underpin.store.base import Below, In, Inc, IsSet
from underpin.store.fields import (
    change_as_json,
    check_changes,
    check_conditions,
    noun,
    object_as_json,
    object_from_json,
    parent_of,
)


def a_run(**fields: object) -> Run:
    given = {"id": "run_r", "owner": "ann", "created_at": 1, "thread_id": "thread_t", "assistant_id": "a", "model": "m"}
    return Run.model_validate({**given, **fields})


def test_a_kind_is_called_as_people_call_it() -> None:
    assert [noun(kind) for kind in (Run, RunStep, Thread)] == ["run", "run step", "thread"]


def test_the_parent_is_the_field_that_the_kind_names_or_the_owner() -> None:
    assert parent_of(a_run()) == "thread_t"
    assert parent_of(Thread(id="thread_t", owner="ann", created_at=1)) == "ann"


def test_a_change_is_written_as_the_whole_object_would_write_it() -> None:
    assert change_as_json(Run, "lease_until", 5) == "5.0"
    assert change_as_json(Run, "settled", True) == "true"
    assert change_as_json(Run, "claim", None) == "null"
    assert change_as_json(Run, "usage", Usage(total_tokens=2)) == '{"prompt_tokens":0,"completion_tokens":0,"total_tokens":2}'
    assert change_as_json(Run, "metadata", {"a.b": '"$'}) == '{"a.b":"\\"$"}'


@pytest.mark.parametrize(
    "changes",
    [{"nothing": 1}, {"id": "x"}, {"owner": "x"}, {"thread_id": "x"}, {"claim": Inc()}, {"lease_until": Inc()}, {"kind": "x"}],
)
def test_changes_that_a_kind_cannot_have(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        check_changes(Run, changes)


def test_changes_that_a_kind_can_have() -> None:
    check_changes(Run, {"seq": Inc(), "claim_no": Inc(2), "journal_last": 0, "usage": None})
    check_changes(Thread, {"last_seq": Inc(), "active_run": None})


@pytest.mark.parametrize("wanted", [{"a": 1}, ["a"], ("a",), b"a", Inc(), In(("a", ["b"])), Below("a"), Below(True)])  # type: ignore[arg-type]
def test_conditions_compare_scalars(wanted: object) -> None:
    with pytest.raises(TypeError, match="claim"):
        check_conditions(Run, {"claim": wanted})


@pytest.mark.parametrize("wanted", [None, "a", 1, 1.5, True, In(("a", None, 1)), Below(5), Below(5.5), IsSet()])
def test_conditions_that_can_be_asked(wanted: object) -> None:
    check_conditions(Run, {"claim": wanted})


def test_a_condition_on_half_a_text_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        check_conditions(Run, {"claim": "a\0b"})
    with pytest.raises(ValueError, match="NUL"):
        check_conditions(Run, {"claim": In(("a\0b",))})


def test_what_no_json_can_hold_is_bad_input() -> None:
    with pytest.raises(BadInput) as refused:
        change_as_json(Run, "instructions", "\ud800")
    assert refused.value.param == "instructions"
    with pytest.raises(BadInput):
        object_as_json(a_run(instructions="x").changed(instructions="\ud800"))


@pytest.mark.parametrize("depth", [5, 195, 201, 240])
def test_json_that_could_be_written_can_be_read(depth: int) -> None:
    deep: object = {"a": 1.0}
    for _ in range(depth):
        deep = [deep]
    sent = a_run(tools=[{"deep": deep}])
    assert object_from_json(Run, object_as_json(sent)) == sent


def test_names_of_attributes_that_are_no_fields_are_refused() -> None:
    for name in ("model_fields", "ended", "wire", "__class__", "bookkeeping"):
        with pytest.raises(ValueError, match=name):
            check_conditions(Run, {name: None})
        with pytest.raises(ValueError, match=name):
            check_changes(Message, {name: None})
