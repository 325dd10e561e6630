"""HTML as people see it: headings, paragraphs, lists, tables and code; scripts and styles are left out."""

from pathlib import Path

from . import markdown
from .base import Parsed
from .limits import Limits
from .output import Output
from .plain import decoded
from .webpage_tags import tokens

EMPTY = "This web page holds no text. A page that is made by a script in the browser has to be saved as PDF."
_SILENT = frozenset(
    {"script", "style", "noscript", "template", "svg", "head", "iframe", "object", "select", "textarea", "canvas"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl", "dt", "fieldset",
        "figcaption", "figure", "footer", "form", "header", "hr", "html", "legend", "main", "nav", "p", "section", "summary",
    }
)  # fmt: skip


def parse_html(path: Path, limits: Limits) -> Parsed:
    output = Output(limits)
    reader = _Reader(output)
    for kind, said in tokens(decoded(path, limits, web=True)):
        if kind == "text":
            reader.take_text(said)
        elif kind == "open":
            reader.open_tag(said)
        else:
            reader.close_tag(said)
    reader.end()
    return output.parsed(empty=EMPTY)


class _Reader:
    """One walk without recursion: text is gathered until a block ends. A table in a table's cell is part of that cell's text."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._pieces: list[str] = []
        self._heading = 0
        self._silent: list[str] = []
        self._lists: list[int | None] = []
        self._item: tuple[int, int | None] | None = None
        self._had_item = False
        self._pre = 0
        self._tables = 0
        self._rows: list[list[list[str]]] = []

    def open_tag(self, tag: str) -> None:
        if self._silent:
            if tag in self._silent:
                self._silent.append(tag)
        elif tag in _SILENT:
            self._silent.append(tag)
        elif tag == "table":
            self._begin_table()
        elif self._tables:
            self._in_table(tag)
        elif tag in _HEADINGS:
            self.end_block()
            self._heading = _HEADINGS[tag]
        elif tag in ("ul", "ol"):
            self.end_block()
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._begin_item()
        elif tag == "pre":
            self.end_block()
            self._pre += 1
        elif tag == "br":
            self._pieces.append("\n" if self._pre else " ")
        elif tag in _BLOCKS and not (self._item and not "".join(self._pieces).strip()):
            self.end_block()

    def close_tag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
        elif tag == "table" and self._tables:
            self._end_table()
        elif self._tables:
            if tag in _BLOCKS or tag in _HEADINGS:
                self._in_cell(" ")
        elif tag in ("ul", "ol"):
            self.end_block()
            if self._lists:
                self._lists.pop()
        elif tag in _HEADINGS or tag in _BLOCKS or tag == "li":
            self.end_block()
        elif tag == "pre":
            self.end_block()
            self._pre = max(0, self._pre - 1)

    def take_text(self, data: str) -> None:
        if self._silent:
            return
        if self._tables:
            self._in_cell(data)
        else:
            self._pieces.append(data)

    def end(self) -> None:
        """The page is over: a table or a block that was not closed ends here."""
        if self._tables:
            self._tables = 1
            self._end_table()
        self.end_block()

    def end_block(self) -> None:
        """What was gathered becomes a heading, an item, code or a paragraph."""
        text = "".join(self._pieces)
        self._pieces = []
        if not text.strip():
            return
        if self._pre:
            self._output.add(f"```\n{text.strip(chr(10))}\n```")
        elif self._heading:
            self._output.add(markdown.heading(self._heading, text))
        elif self._item:
            self._output.add(markdown.item(text, *self._item), between="\n" if self._had_item else "\n\n")
        else:
            self._output.add(markdown.one_line(text))
        self._had_item = bool(self._item or self._lists)
        self._item = None
        self._heading = 0

    def _begin_item(self) -> None:
        self.end_block()
        if self._lists and self._lists[-1] is not None:
            self._lists[-1] += 1
        self._item = (max(0, len(self._lists) - 1), self._lists[-1] if self._lists else None)

    def _begin_table(self) -> None:
        if not self._tables:
            self.end_block()
        self._tables += 1

    def _end_table(self) -> None:
        self._tables -= 1
        if not self._tables:
            self._output.add(markdown.table([["".join(cell) for cell in row] for row in self._rows]))
            self._rows = []

    def _in_table(self, tag: str) -> None:
        if self._tables > 1:
            self._in_cell(" ")
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            if not self._rows:
                self._rows.append([])
            self._rows[-1].append([])
        elif tag == "br" or tag in _BLOCKS or tag == "li":
            self._in_cell(" ")

    def _in_cell(self, data: str) -> None:
        """Text outside of any cell, such as a table's caption, is a row of its own."""
        if not data.strip() and not (self._rows and self._rows[-1]):
            return
        if not self._rows or not self._rows[-1]:
            self._rows.append([[]])
        self._rows[-1][-1].append(data)
