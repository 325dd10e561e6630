"""Workbooks: a sheet is a heading and its rows a table, with values as people see them; row by row, whatever the size."""

import re
from xml.etree.ElementTree import Element

from . import markdown
from .base import Parsed
from .container import Container
from .limits import Limits
from .output import Output
from .xlsx_numbers import Numbers, X

EMPTY = "This workbook holds no text and no numbers."
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_COLUMN = re.compile(r"^[A-Z]{1,3}")
_LAST_COLUMN = 16_384


def parse_xlsx(container: Container, main: str, limits: Limits) -> Parsed:
    """`main` is the name of the part that lists the sheets."""
    workbook = container.tree(main)
    parts = container.relations(main)
    by_kind = dict(parts.values())
    numbers = Numbers(container.tree(by_kind.get("styles", "")), workbook)
    shared: list[str] = []
    container.stream(by_kind.get("sharedStrings", ""), frozenset({X + "si"}), lambda item: shared.append(_text(item)))
    output = Output(limits)
    for entry in workbook.findall(f"{X}sheets/{X}sheet") if workbook is not None else ():
        _, part = parts.get(entry.get(_ID, ""), ("", ""))
        sheet = _Sheet(entry.get("name", ""), shared, numbers, output)
        container.stream(part, frozenset({X + "row"}), sheet.take)
    return output.parsed(empty=EMPTY)


class _Sheet:
    """Takes the rows of one sheet. Rows that are blank part one table from the next."""

    def __init__(self, name: str, shared: list[str], numbers: Numbers, output: Output) -> None:
        self._name: str | None = name
        self._shared = shared
        self._numbers = numbers
        self._output = output
        self._header: dict[int, str] | None = None
        self._columns: list[int] = []
        self._row = 0

    def take(self, row: Element) -> None:
        """Rows may be left out of a file; what is between them is blank."""
        said = row.get("r", "")
        number = int(said) if said.isdecimal() and len(said) < 9 else self._row + 1
        cells = self._cells(row)
        if number > self._row + 1 or not cells:
            self._end_table()
        self._row = number
        if not cells:
            return
        if self._header is None or not cells.keys() <= set(self._columns):
            self._end_table()
            self._begin_table(cells)
        else:
            self._output.add(markdown.row(cells.get(column, "") for column in self._columns), between="\n")

    def _begin_table(self, cells: dict[int, str]) -> None:
        if self._name is not None:
            self._output.add(markdown.heading(2, self._name))
            self._name = None
        self._header = cells
        self._columns = list(range(min(cells), max(cells) + 1))
        if len(self._columns) > len(cells) * 4:  # far apart: the columns between hold nothing
            self._columns = sorted(cells)
        header = markdown.row(cells.get(column, "") for column in self._columns)
        self._output.add(header + "\n" + markdown.rule(len(self._columns)))

    def _end_table(self) -> None:
        self._header = None

    def _cells(self, row: Element) -> dict[int, str]:
        """The values of a row that has any, by their columns."""
        cells: dict[int, str] = {}
        column = -1
        for cell in row:
            place = _COLUMN.match(cell.get("r", ""))
            column = _number_of(place[0]) if place else column + 1
            text = self._value(cell).strip()
            if text and column < _LAST_COLUMN:
                cells[column] = text
        return cells

    def _value(self, cell: Element) -> str:
        value = cell.find(X + "v")
        text = (value.text or "") if value is not None else ""
        match cell.get("t", "n"):
            case "s":
                return self._shared[int(text)] if text.isdecimal() and int(text) < len(self._shared) else ""
            case "inlineStr":
                inline = cell.find(X + "is")
                return _text(inline) if inline is not None else ""
            case "b":
                return {"1": "TRUE", "0": "FALSE"}.get(text, text)
            case "n":
                return self._numbers.shown(text, cell.get("s", ""))
            case _:
                return text


def _text(item: Element) -> str:
    """A string with or without runs of its own form; how its characters are spoken is left out."""
    pieces = [
        part.text or "" if part.tag == X + "t" else (part.findtext(X + "t") or "") for part in item if part.tag != X + "rPh"
    ]
    return "".join(pieces)


def _number_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
