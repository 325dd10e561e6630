"""Puts the pieces of tool calls in order: servers leave out ids, indexes or names, or give every call the index 0."""

import msgspec

from ..errors import ModelBroken
from ..ids import new_id
from .base import ToolCallDelta


class FunctionPiece(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, object] | list[object] | None = None


class ToolCallPiece(msgspec.Struct, gc=False):
    """What one chunk says about one call."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece | None = None


class _Call:
    def __init__(self, index: int, upstream_id: str | None) -> None:
        self.index = index
        self.upstream_id = upstream_id
        self.name: str | None = None
        self.held = ""
        """Arguments that came before the name."""


class ToolCallPieces:
    """The calls of one answer, counted from 0 in the order in which they appeared."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at_index: dict[int, _Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def deltas(self, pieces: list[ToolCallPiece]) -> list[ToolCallDelta]:
        """The facts for pieces, in their order."""
        return [delta for piece in pieces if (delta := self._delta(piece)) is not None]

    def check_named(self) -> None:
        """Raises ModelBroken when a call ended without ever saying which function it calls."""
        if any(call.name is None for call in self._calls):
            raise ModelBroken("The model called a function without naming it.")

    def _delta(self, piece: ToolCallPiece) -> ToolCallDelta | None:
        call = self._call(piece)
        function = piece.function or FunctionPiece()
        arguments = _text(function.arguments)
        if call.name is not None:
            return ToolCallDelta(call.index, None, None, arguments) if arguments else None
        if not function.name:
            call.held += arguments
            return None
        call.name = function.name
        return ToolCallDelta(call.index, call.upstream_id or new_id("call_"), call.name, call.held + arguments)

    def _call(self, piece: ToolCallPiece) -> _Call:
        known = self._known(piece)
        if known is None:
            known = _Call(len(self._calls), piece.id or None)
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
        if not piece.id:
            # The name again: a server with indexes repeats itself, one without them means the next call.
            return None if piece.index is None else call
        if call.upstream_id in (piece.id, None):
            return call
        # Another id at a known index is another call: some servers number every call 0.
        return next((other for other in self._calls if other.upstream_id == piece.id), None)


def _text(arguments: str | dict[str, object] | list[object] | None) -> str:
    """Arguments as JSON text: some servers send the object itself."""
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return msgspec.json.encode(arguments).decode()
