"""Tables that are drawn with lines: the grid that the lines make, and the words in its cells."""

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass

from . import markdown
from .pdfium import Page, Stroke, Word

_NEAR = 3.0
"""Points: lines that are meant to meet or to be one are no farther apart."""
_LEAST_FILLED = 0.3
"""Share of cells with text, below which a grid is a chart or a form and no table."""


@dataclass
class Grid:
    """`columns` and `rows` are where its lines are, ascending; so there is one cell less than lines, each way."""

    columns: list[float]
    rows: list[float]
    horizontal: list[Stroke]
    vertical: list[Stroke]

    def cell_of(self, word: Word) -> tuple[int, int] | None:
        """Row from the top and column of a word; None for a word outside."""
        column = bisect_right(self.columns, (word.left + word.right) / 2) - 1
        row = bisect_right(self.rows, word.middle) - 1
        if not (0 <= column < len(self.columns) - 1 and 0 <= row < len(self.rows) - 1):
            return None
        return len(self.rows) - 2 - row, column

    def owner(self, row: int, column: int) -> tuple[int, int]:
        """The first cell of the merged ones that this cell is one of: no line is between them."""
        while column and not _drawn(self.vertical, self.columns[column], self._height(row)):
            column -= 1
        while row and not _drawn(self.horizontal, self.rows[len(self.rows) - 1 - row], self._width(column)):
            row -= 1
        return row, column

    def _height(self, row: int) -> float:
        at = len(self.rows) - 1 - row
        return (self.rows[at] + self.rows[at - 1]) / 2

    def _width(self, column: int) -> float:
        return (self.columns[column] + self.columns[column + 1]) / 2


@dataclass
class Table:
    text: str
    left: float
    bottom: float
    right: float
    top: float


def take_tables(page: Page) -> list[Table]:
    """The drawn tables of a page. Their words are taken out of the page."""
    tables = []
    for grid in _grids(page):
        rows, columns = len(grid.rows) - 1, len(grid.columns) - 1
        inside = {index: cell for index, word in enumerate(page.words) if (cell := grid.cell_of(word))}
        if not _is_filled(set(inside.values()), rows * columns):
            continue
        owners = {cell: grid.owner(*cell) for cell in set(inside.values())}
        cells: dict[tuple[int, int], list[Word]] = {}
        for index, cell in inside.items():
            cells.setdefault(owners[cell], []).append(page.words[index])
        if not _is_filled(cells.keys(), rows * columns):
            continue
        text = markdown.table([[_said(cells.get((row, column), [])) for column in range(columns)] for row in range(rows)])
        tables.append(Table(text, grid.columns[0], grid.rows[0], grid.columns[-1], grid.rows[-1]))
        page.words = [word for index, word in enumerate(page.words) if index not in inside]
    return tables


def _is_filled(cells: Collection[tuple[int, int]], count: int) -> bool:
    """Whether enough of so many cells hold words, and in more than one column."""
    return len(cells) >= max(2, _LEAST_FILLED * count) and len({column for _, column in cells}) > 1


def _said(words: list[Word]) -> str:
    """The words of a cell in the order in which they are read: by lines, from the left."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: -word.middle):
        if lines and lines[-1][0].middle - word.middle < 0.5 * (lines[-1][0].top - lines[-1][0].bottom):
            lines[-1].append(word)
        else:
            lines.append([word])
    return " ".join(word.text for line in lines for word in sorted(line, key=lambda word: word.left)).replace("\u00ad ", "")


def _grids(page: Page) -> list[Grid]:
    """Groups of lines that meet, where they make at least two cells."""
    horizontal, vertical = _merged(page.horizontal), _merged(page.vertical)
    if len(horizontal) * len(vertical) > 1_000_000:
        return []
    group = list(range(len(horizontal) + len(vertical)))

    def top(index: int) -> int:
        while group[index] != index:
            group[index] = group[group[index]]
            index = group[index]
        return index

    for h, across in enumerate(horizontal):
        for v, down in enumerate(vertical):
            if _meet(across, down):
                group[top(len(horizontal) + v)] = top(h)
    groups: dict[int, tuple[list[Stroke], list[Stroke]]] = {}
    for index, stroke in enumerate([*horizontal, *vertical]):
        groups.setdefault(top(index), ([], []))[index >= len(horizontal)].append(stroke)
    return [grid for across, down in groups.values() if (grid := _grid(across, down))]


def _grid(across: list[Stroke], down: list[Stroke]) -> Grid | None:
    columns, rows = _places(down), _places(across)
    if len(columns) < 2 or len(rows) < 2 or (len(columns) - 1) * (len(rows) - 1) < 2:
        return None
    return Grid(columns, rows, across, down)


def _places(strokes: list[Stroke]) -> list[float]:
    places: list[float] = []
    for at in sorted(stroke.at for stroke in strokes):
        if not places or at - places[-1] > _NEAR:
            places.append(at)
    return places


def _merged(strokes: list[Stroke]) -> list[Stroke]:
    """Pieces of one line as one: those on one place that overlap or touch."""
    merged: list[Stroke] = []
    for stroke in sorted(strokes, key=lambda stroke: (round(stroke.at / _NEAR), stroke.start)):
        last = merged[-1] if merged else None
        if last and abs(last.at - stroke.at) <= _NEAR and stroke.start <= last.end + _NEAR:
            merged[-1] = Stroke(last.at, last.start, max(last.end, stroke.end))
        else:
            merged.append(stroke)
    return merged


def _meet(across: Stroke, down: Stroke) -> bool:
    return across.start - _NEAR <= down.at <= across.end + _NEAR and down.start - _NEAR <= across.at <= down.end + _NEAR


def _drawn(strokes: list[Stroke], at: float, along: float) -> bool:
    return any(abs(stroke.at - at) <= _NEAR and stroke.start <= along <= stroke.end for stroke in strokes)
