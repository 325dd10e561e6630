"""Lines of words, and those among them that stand like a table: cells below each other, without any line drawn."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from . import markdown
from .pdfium import Word

_LEAST_GAP = 0.5
"""Between cells of a row that joins a table, in sizes of letters: words of a sentence stand closer."""


@dataclass(slots=True)
class Line:
    """Words on one line, closely together; or a drawn table, which is placed like one."""

    left: float
    bottom: float
    right: float
    top: float
    words: list[Word] = field(default_factory=list)
    table: str = ""

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def middle(self) -> float:
        return (self.bottom + self.top) / 2

    @property
    def size(self) -> float:
        """The size of most of its letters."""
        sizes: dict[float, int] = {}
        for word in self.words:
            sizes[word.size] = sizes.get(word.size, 0) + len(word.text)
        return max(sizes, key=lambda size: sizes[size], default=0.0)

    @property
    def bold(self) -> bool:
        return bool(self.words) and all(word.bold for word in self.words)

    def add(self, word: Word) -> None:
        self.words.append(word)
        self.left, self.right = min(self.left, word.left), max(self.right, word.right)
        self.bottom, self.top = min(self.bottom, word.bottom), max(self.top, word.top)


Row = list[Line]


def joined_rows(block: list[Line]) -> Iterator[Line]:
    """Lines on one level become one; rows below each other whose cells stand in the same columns become a table."""
    rows = _rows(block)
    at = 0
    for start, end in _runs(rows):
        columns = _columns(rows[start:end])
        while start > at and _fits(rows[start - 1], rows[start], columns):
            start -= 1
        while end < len(rows) and _fits(rows[end], rows[end - 1], columns):
            end += 1
        if start < at:
            continue
        yield from map(_as_line, rows[at:start])
        yield _as_table(rows[start:end], columns)
        at = end
    yield from map(_as_line, rows[at:])


def _rows(block: list[Line]) -> list[Row]:
    rows: list[Row] = []
    for line in block:
        last = rows[-1] if rows else None
        if last and not line.table and not last[0].table and _level(last[0], line):
            last.append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.left) for row in rows]


def _level(one: Line, other: Line) -> bool:
    return min(one.top, other.top) - max(one.bottom, other.bottom) > 0.5 * min(one.height, other.height)


def _runs(rows: list[Row]) -> Iterator[tuple[int, int]]:
    """Where rows of as many cells below each other begin and end: three of them, or two that have more than two cells."""
    at = 0
    while at < len(rows):
        end = at + 1
        while end < len(rows) and _same_columns(rows[at], rows[end]):
            end += 1
        if end - at >= 3 or (end - at == 2 and len(rows[at]) > 2):
            yield at, end
        at = end


def _same_columns(one: Row, other: Row) -> bool:
    """At least two cells each, as many in both, each below the other's."""
    if len(one) < 2 or len(one) != len(other):
        return False
    return all(min(a.right, b.right) - max(a.left, b.left) > 0 for a, b in zip(one, other, strict=True))


def _columns(rows: list[Row]) -> list[float]:
    """Where each column ends and the next begins: in the middle between them. The last has no end."""
    ends = [max(cell.right for cell in cells) for cells in zip(*rows, strict=True)]
    starts = [min(cell.left for cell in cells) for cells in zip(*rows, strict=True)]
    return [(end + start) / 2 for end, start in zip(ends, starts[1:], strict=False)]


def _fits(row: Row, neighbour: Row, columns: list[float]) -> bool:
    """Whether a row above or below a table is one of it, such as its header: in at least two columns, with gaps between them."""
    if row[0].table or max(neighbour[0].bottom - row[0].top, row[0].bottom - neighbour[0].top) > 1.5 * row[0].size:
        return False
    cells = [cell for cell in _cells(row, columns) if cell]
    return len(cells) > 1 and all(_parted(left[-1], right[0]) for left, right in pairwise(cells))


def _cells(row: Row, columns: list[float]) -> list[list[Word]]:
    """The words of a row by the columns in which they stand; piece by piece where it has as many pieces as there are columns."""
    pieces = _pieces([word for line in row for word in line.words])
    if len(pieces) == len(columns) + 1:
        return pieces
    cells: list[list[Word]] = [[] for _ in range(len(columns) + 1)]
    for line in row:
        for word in line.words:
            middle = (word.left + word.right) / 2
            cells[sum(middle > end for end in columns)].append(word)
    return cells


def _pieces(words: list[Word]) -> list[list[Word]]:
    pieces: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.left):
        if pieces and not _parted(pieces[-1][-1], word):
            pieces[-1].append(word)
        else:
            pieces.append([word])
    return pieces


def _parted(left: Word, right: Word) -> bool:
    return right.left - left.right > _LEAST_GAP * left.size


def _as_table(rows: list[Row], columns: list[float]) -> Line:
    lines = [line for row in rows for line in row]
    text = markdown.table([[" ".join(word.text for word in cell) for cell in _cells(row, columns)] for row in rows])
    left, bottom = min(line.left for line in lines), min(line.bottom for line in lines)
    return Line(left, bottom, max(line.right for line in lines), max(line.top for line in lines), table=text)


def _as_line(row: Row) -> Line:
    first = row[0]
    for other in row[1:]:
        for word in other.words:
            first.add(word)
    if len(row) > 1:
        first.words.sort(key=lambda word: word.left)
    return first
