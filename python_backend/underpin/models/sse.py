"""Server-sent events as model servers send them: bytes in, the payloads of the `data:` lines out.

Every `data:` line is taken as one payload. The standard joins neighbouring lines, but no chat completion is split over two,
and some servers leave out the empty line between events.
"""

from ..errors import ModelBroken

MAX_LINE_BYTES = 10_000_000
"""Far above any real chunk: a tool call's arguments in one piece are some hundred kB. It bounds what a lying server can cost."""


class DataLines:
    """Splits a stream that is cut anywhere, also inside a UTF-8 character. One for each stream."""

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are whole after this read. Raises ModelBroken when a line is longer than the limit."""
        if self._tail:
            self._tail += data
            if b"\n" not in data:
                self._bound_tail()
                return []
            data = bytes(self._tail)
            self._tail.clear()
        lines = data.split(b"\n")
        if rest := lines.pop():
            self._tail += rest
            self._bound_tail()
        return _payloads(lines)

    def end(self) -> list[bytes]:
        """The payload of a last line that has no line end: whole, or cut; only its decoder can tell."""
        line = bytes(self._tail)
        self._tail.clear()
        return _payloads([line])

    def _bound_tail(self) -> None:
        if len(self._tail) > self._max_line_bytes:
            self._tail.clear()
            megabytes = self._max_line_bytes / 1_000_000
            raise ModelBroken(f"The model's server sent a line of more than {megabytes:g} MB, which is no model's answer.")


def _payloads(lines: list[bytes]) -> list[bytes]:
    found = []
    for line in lines:
        if line.startswith(b"data:"):
            # The JSON decoder skips the blank before the value and the \r behind it.
            found.append(line[5:])
        elif line.startswith(b"error:"):
            # Not in the standard: llama.cpp's server reports a failure in the middle of an answer this way.
            found.append(b'{"error":' + line[6:] + b"}")
    return found
