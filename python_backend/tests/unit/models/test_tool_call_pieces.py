from collections.abc import Iterable

import pytest

from underpin.errors import ModelBroken
from underpin.models.base import ToolCallDelta
from underpin.models.tool_call_pieces import MOST_CALLS, FunctionPiece, ToolCallPiece, ToolCallPieces


def piece(index: int | None = None, name: str | None = None, arguments: object = None, id: str | None = None) -> ToolCallPiece:
    return ToolCallPiece(index, id, FunctionPiece(name, arguments))  # type: ignore[arg-type]


def assembled(pieces: Iterable[ToolCallPiece]) -> list[tuple[str, str]]:
    """Name and arguments of each call, after checks that hold for every sequence of facts."""
    calls: list[list[str]] = []
    for fact in ToolCallPieces().deltas(list(pieces)):
        if fact.index == len(calls):
            assert fact.id, "the first piece of a call carries its id"
            assert fact.name, "the first piece of a call carries its name"
            calls.append([fact.name, ""])
        else:
            assert (fact.id, fact.name) == (None, None)
        calls[fact.index][1] += fact.arguments
    return [(name, arguments) for name, arguments in calls]


TWO = [("f", '{"a":1}'), ("g", "{}")]
SEQUENCES = {
    "as OpenAI sends them": [
        piece(0, "f", "", "c1"),
        piece(0, arguments='{"a"'),
        piece(0, arguments=":1}"),
        piece(1, "g", "{}", "c2"),
    ],
    "interleaved": [piece(0, "f", '{"a"', "c1"), piece(1, "g", "{", "c2"), piece(0, arguments=":1}"), piece(1, arguments="}")],
    "in one piece without index": [piece(None, "f", '{"a":1}', "c1"), piece(None, "g", "{}", "c2")],
    "without index or id": [
        piece(None, "f", '{"a"'),
        piece(None, arguments=":1}"),
        piece(None, "g"),
        piece(None, arguments="{}"),
    ],
    "every call numbered 0": [piece(0, "f", '{"a":1}', "c1"), piece(0, "g", "{", "c2"), piece(0, arguments="}")],
    "another id in every piece": [piece(0, "f", '{"a"', "x1"), piece(0, None, ":1}", "x2"), piece(1, "g", "{}", "x3")],
    "the name again in every piece": [piece(0, "f", '{"a"', "c1"), piece(0, "f", ":1}", "c1"), piece(1, "g", "{}", "c2")],
    "numbered from 1": [piece(1, "f", '{"a":1}', "c1"), piece(2, "g", "{}", "c2")],
    "the id before the name": [piece(0, None, '{"a"', "c1"), piece(0, "f", ":1}"), piece(1, "g", "{}")],
    "arguments as an object": [piece(0, "f", {"a": 1}, "c1"), piece(1, "g", {}, "c2")],
    "every call numbered 0, whole and without an id": [piece(0, "f", '{"a":1}'), piece(0, "g", "{}")],
    "whole and without an id, an empty piece between": [
        piece(0, "f", '{"a":1}', ""),
        piece(0, arguments=""),
        piece(0, "g", "{}"),
    ],
    "empty ids": [piece(0, "f", '{"a"', ""), piece(0, "", ":1}", ""), piece(1, "g", "{}", "")],
}


@pytest.mark.parametrize("pieces", SEQUENCES.values(), ids=SEQUENCES)
def test_the_same_two_calls_come_out_however_a_server_sends_them(pieces):
    assert assembled(pieces) == TWO


def test_the_upstreams_id_is_kept_and_a_missing_one_is_made_up():
    first, second = ToolCallPieces().deltas([piece(0, "f", "{}", "call_theirs"), piece(1, "g", "{}")])
    assert first.id == "call_theirs"
    assert second.id is not None
    assert second.id.startswith("call_")
    assert len(second.id) == len("call_") + 24


def test_a_call_without_arguments_is_said_with_empty_ones():
    assert assembled([piece(0, "f", None, "c1")]) == [("f", "")]


def test_a_call_that_never_gets_a_name_is_a_broken_answer():
    pieces = ToolCallPieces()
    assert pieces.deltas([piece(0, None, "{}", "c1")]) == []
    with pytest.raises(ModelBroken, match="without naming it"):
        pieces.check_named()


def test_ids_given_twice_are_made_different():
    first, second = ToolCallPieces().deltas([piece(0, "f", "{}", "same"), piece(1, "f", "{}", "same")])
    assert first.id == "same"
    assert second.id not in ("same", None)


def test_what_the_server_wants_back_comes_with_the_call_or_after_it():
    signed = {"google": {"thought_signature": "abc"}}
    pieces = ToolCallPieces()
    [whole] = pieces.deltas([ToolCallPiece(None, "c1", FunctionPiece("f", "{}"), signed)])
    assert whole.extra == signed
    assert pieces.deltas([ToolCallPiece(None, None, None, {"google": {}})]) == [ToolCallDelta(0, None, None, "", {"google": {}})]
    early = ToolCallPieces()
    assert early.deltas([ToolCallPiece(0, "c1", None, signed)]) == []
    assert early.deltas([piece(0, "f", "{}")]) == [ToolCallDelta(0, "c1", "f", "{}", signed)]


def test_calls_without_end_are_a_broken_answer():
    pieces = ToolCallPieces()
    with pytest.raises(ModelBroken, match="more than 128"):
        pieces.deltas([piece(at, "f", "{}", f"c{at}") for at in range(MOST_CALLS + 1)])


def test_arguments_without_end_for_a_call_without_a_name_are_a_broken_answer():
    with pytest.raises(ModelBroken, match="without naming it"):
        ToolCallPieces().deltas([piece(0, None, "x" * 60_000)] * 2)
