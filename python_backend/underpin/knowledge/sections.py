"""A file's text → pieces with their headings: paragraphs, rows of tables, blocks of code, none longer than asked for.

Uploads are hostile and any size, so everything here takes time in proportion to the text: lines are looked at one by one, and no
pattern is tried on a long one. Nothing fails on any text. Offsets are code points of the text that was given.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..tokens import BYTES_A_TOKEN, tokens

LONGEST_HEADING = 200
LONGEST_RULE = 4000
"""A line under a table's header is no longer."""
LONGEST_HEADER_TOKENS = 200
"""A longer header of a table is not repeated: it would crowd out what it stands above."""

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_CAPITALS = re.compile(r"[^a-z|]*[A-Z]{3}[^a-z|]*")
_RULE_CHARS = frozenset("|:- \t")
_STOPS = ("\n", "。", ". ", "! ", "? ", "; ", " ")
"""Where a piece that is too long is cut, the best place first."""


@dataclass(frozen=True)
class Piece:
    start: int
    end: int
    heading: tuple[str, ...]
    header: str = ""
    """A row's: its table's header as it is written; empty for the first row, before which it stands."""


def pieces(text: str, most_tokens: int) -> Iterator[Piece]:
    """The pieces of a text, in its order. Between two of them stand blanks, and headings of at most a quarter of a piece's size;
    behind the last one blanks."""
    ended = 0
    for piece in _Reader(text).read():
        if tokens(text[ended : piece.start].strip()) > most_tokens // 4:
            yield from _fitting(text, Piece(ended, piece.start, piece.heading), most_tokens)
        yield from _fitting(text, piece, most_tokens)
        ended = piece.end
    if text[ended:].strip():  # headings with nothing below them
        yield from _fitting(text, Piece(ended, len(text), ()), most_tokens)


def _fitting(text: str, piece: Piece, most_tokens: int) -> Iterator[Piece]:
    if _tokens(text, piece.start, piece.end) <= most_tokens:
        yield piece
        return
    for start, end in _cut(text, piece.start, piece.end, most_tokens):
        yield replace(piece, start=start, end=end)


def _tokens(text: str, start: int, end: int) -> int:
    return -(-size(text, start, end) // BYTES_A_TOKEN)


def size(text: str, start: int, end: int) -> int:
    """Bytes of a stretch of text."""
    return len(text[start:end].encode("utf-8", "replace"))


def _cut(text: str, start: int, end: int, most_tokens: int) -> Iterator[tuple[int, int]]:
    """Pieces of what is too long, each as full as a good place to stop allows."""
    most = most_tokens * BYTES_A_TOKEN
    while start < end:
        stop = min(end, start + most)
        while (bytes_there := size(text, start, stop)) > most:
            stop = start + max(1, (stop - start) * most // bytes_there)
        if stop < end:
            stop = _good_stop(text, start, stop)
        if text[start:stop].strip():
            yield start, stop
        start = stop


def _good_stop(text: str, start: int, stop: int) -> int:
    for mark in _STOPS:
        at = text.rfind(mark, start + (stop - start) // 2, stop)
        if at >= 0:
            return at + len(mark)
    return stop


class _Reader:
    """Goes through the lines once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._headings: list[tuple[int, str]] = []
        self._begun: int | None = None
        """Where the open paragraph began."""
        self._ended = 0
        self._lines = 0
        """Of the open paragraph."""
        self._last = 0
        """The end of the last line that was taken."""

    def read(self) -> Iterator[Piece]:
        at = 0
        while at < len(self._text):
            start, end = self._line(at)
            yield from self._take(start, end)
            at = self._last + 1
        yield from self._close()

    def _take(self, start: int, end: int) -> Iterator[Piece]:
        self._last = end
        line = self._text[start : min(end, start + LONGEST_RULE)]
        match self._kind(line, end, whole=end - start <= LONGEST_RULE):
            case "text":
                self._begun = start if self._begun is None else self._begun
                self._ended, self._lines = end, self._lines + 1
            case "underline":
                assert self._begun is not None
                self._head(1 if "=" in line else 2, self._text[self._begun : self._ended])
                self._begun, self._lines = None, 0
            case "blank":
                yield from self._close()
            case "heading":
                yield from self._close()
                self._head_of(line)
            case "fence":
                yield from self._close()
                self._last = self._end_of_code(line, end)
                yield self._piece(start, self._last)
            case "table":
                yield from self._close()
                yield from self._rows(start, end)

    def _close(self) -> Iterator[Piece]:
        if self._begun is not None:
            yield self._piece(self._begun, self._ended)
        self._begun, self._lines = None, 0

    def _kind(self, line: str, end: int, *, whole: bool) -> str:
        bare = line.strip()
        if not bare:
            return "blank" if whole else "text"
        if whole and len(line) <= LONGEST_HEADING and (kind := self._heading_kind(line, bare, end)):
            return kind
        if _FENCE.match(line):
            return "fence"
        return "table" if "|" in line and _is_rule(self._next(end)) else "text"

    def _heading_kind(self, line: str, bare: str, end: int) -> str | None:
        if _HEADING.fullmatch(line):
            return "heading"
        if self._lines == 1 and len(bare) > 1 and (set(bare) == {"="} or set(bare) == {"-"}):
            return "underline"
        stands_alone = not self._lines and 4 <= len(bare) <= 80
        return "heading" if stands_alone and _CAPITALS.fullmatch(bare) and not self._next(end).strip() else None

    def _line(self, at: int) -> tuple[int, int]:
        end = self._text.find("\n", at)
        return at, len(self._text) if end < 0 else end

    def _next(self, end: int) -> str:
        """The line after the one that ends there, or as much of it as matters."""
        start, stop = self._line(end + 1) if end < len(self._text) else (end, end)
        return self._text[start : min(stop, start + LONGEST_RULE)]

    def _head_of(self, line: str) -> None:
        if found := _HEADING.fullmatch(line):
            self._head(len(found[1]), found[2].rstrip(" \t#"))
        else:
            self._head(2, line)

    def _head(self, level: int, text: str) -> None:
        self._headings = [(above, title) for above, title in self._headings if above < level]
        if text.strip():
            self._headings.append((level, " ".join(text.split())[:LONGEST_HEADING]))

    def _end_of_code(self, fence_line: str, end: int) -> int:
        found = _FENCE.match(fence_line)
        assert found is not None
        while end < len(self._text):
            start, end = self._line(end + 1)
            if self._text[start : start + LONGEST_HEADING].strip().startswith(found[1]):
                break
        return min(end, len(self._text))

    def _rows(self, start: int, end: int) -> Iterator[Piece]:
        """Each row of a table; the first takes the header's lines with it."""
        self._last = rule_end = self._line(end + 1)[1]
        repeated = self._text[start:rule_end] if _tokens(self._text, start, rule_end) <= LONGEST_HEADER_TOKENS else ""
        begun, header = start, ""
        while self._last < len(self._text):
            row_start, row_end = self._line(self._last + 1)
            if self._text.find("|", row_start, row_end) < 0:
                break
            yield replace(self._piece(min(begun, row_start), row_end), header=header)
            begun, header, self._last = len(self._text), repeated, row_end
        if begun == start:
            yield self._piece(start, rule_end)

    def _piece(self, start: int, end: int) -> Piece:
        return Piece(start, end, tuple(title for _, title in self._headings))


def _is_rule(line: str) -> bool:
    return "-" in line and "|" in line and set(line) <= _RULE_CHARS
