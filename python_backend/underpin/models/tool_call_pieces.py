"""Puts the pieces of tool calls in order: servers leave out ids, indexes or names, or give every call the index 0."""

import json
from typing import cast

import msgspec
from pydantic import JsonValue

from ..errors import ModelBroken
from ..ids import new_id
from .base import ToolCallDelta

MOST_CALLS = 128
"""In one answer: as many as OpenAI takes functions. More is a model, or a server, that repeats itself."""

MOST_HELD_CHARACTERS = 100_000
NAMELESS = "The model called a function without naming it. Try again, or another model."


class FunctionPiece(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, object] | list[object] | None = None


class ToolCallPiece(msgspec.Struct, gc=False):
    """What one chunk says about one call."""

    index: int | None = None
    id: str | int | None = None
    function: FunctionPiece | None = None
    extra_content: dict[str, object] | None = None


class _Call:
    def __init__(self, index: int, upstream_id: str | None) -> None:
        self.index = index
        self.upstream_id = upstream_id
        self.name: str | None = None
        self.held = ""
        """Arguments that came before the name."""
        self.extra: dict[str, JsonValue] | None = None
        """The same of what goes back with the call."""
        self.whole: str | None = None
        """Its arguments, when they all came with its name; None once more came."""


class ToolCallPieces:
    """The calls of one answer, counted from 0 in the order in which they appeared."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at_index: dict[int, _Call] = {}
        self._ids: set[str] = set()
        self._held = 0

    def __len__(self) -> int:
        return len(self._calls)

    def deltas(self, pieces: list[ToolCallPiece]) -> list[ToolCallDelta]:
        """The facts for pieces, in their order. Raises ModelBroken when there are too many calls."""
        return [delta for piece in pieces if (delta := self._delta(piece)) is not None]

    def check_named(self) -> None:
        """Raises ModelBroken when a call ended without ever saying which function it calls."""
        if any(call.name is None for call in self._calls):
            raise ModelBroken(NAMELESS)

    def _delta(self, piece: ToolCallPiece) -> ToolCallDelta | None:
        call = self._call(piece)
        function = piece.function or FunctionPiece()
        arguments, extra = _text(function.arguments), cast(dict[str, JsonValue], piece.extra_content) or None
        if call.name is not None:
            call.whole = None if arguments else call.whole
            return ToolCallDelta(call.index, None, None, arguments, extra) if arguments or extra else None
        if not function.name:
            call.held += arguments
            self._held += len(arguments)
            if self._held > MOST_HELD_CHARACTERS:
                raise ModelBroken(NAMELESS)
            call.extra = extra or call.extra
            return None
        call.name, call.whole = function.name, call.held + arguments
        return ToolCallDelta(call.index, self._own_id(call), call.name, call.whole, extra or call.extra)

    def _own_id(self, call: _Call) -> str:
        """The server's, unless it gives none, or gave it to another call: outputs find their call by it."""
        theirs = call.upstream_id
        own = new_id("call_") if theirs is None or theirs in self._ids else theirs
        self._ids.add(own)
        return own

    def _call(self, piece: ToolCallPiece) -> _Call:
        known = self._known(piece)
        if known is None:
            if len(self._calls) == MOST_CALLS:
                raise ModelBroken(f"The model called more than {MOST_CALLS} functions at once. Try again, or another model.")
            known = _Call(len(self._calls), None if piece.id in (None, "") else str(piece.id))
            self._calls.append(known)
        if piece.index is not None:
            self._at_index[piece.index] = known
        return known

    def _known(self, piece: ToolCallPiece) -> _Call | None:
        """The call that a piece goes on with, or None when it begins one."""
        latest = self._calls[-1] if self._calls else None
        call = latest if piece.index is None else self._at_index.get(piece.index)
        says_name = piece.function is not None and bool(piece.function.name)
        if call is None or call.name is None or not says_name:
            # Without a name it goes on, whatever its id: some servers make up another id for every piece.
            return call
        if piece.id in (None, ""):
            # The name again. A server without indexes means the next call, and so does one that gives all calls the index 0
            # and sends each in one piece; any other repeats itself.
            return None if piece.index is None or _is_whole(call.whole) else call
        if call.upstream_id in (str(piece.id), None):
            return call
        # Another id at a known index is another call: some servers number every call 0.
        return next((other for other in self._calls if other.upstream_id == str(piece.id)), None)


def _is_whole(arguments: str | None) -> bool:
    if not arguments:
        return False
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return True


def _text(arguments: str | dict[str, object] | list[object] | None) -> str:
    """Arguments as JSON text: some servers send the object itself."""
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return msgspec.json.encode(arguments).decode()
