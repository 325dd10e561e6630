"""A document's text → blocks: paragraphs, list items, table rows, each with its headings and where it stands.

Offsets are code points of the text that was given. A row keeps its table's header, an item and a row keep the sentence that
introduces them. Only Markdown and plain text are read; nothing here fails on any text.
"""

import html
import re
from dataclasses import dataclass, field
from typing import Literal

from .sentences import spans

Kind = Literal["paragraph", "item", "row", "code"]


@dataclass(frozen=True)
class Block:
    kind: Kind
    text: str
    """Without markup, on one line (code keeps its lines)."""
    heading: tuple[str, ...]
    start: int
    end: int
    lead: str = ""
    """What introduces the list or table: the last sentence of the paragraph before it, or the item above."""
    header: str = ""
    """A row's: the header of its table, as it is written; the first row's own span holds it already."""
    cells: tuple[tuple[str, str], ...] = ()
    """A row's: column name and value."""


@dataclass(frozen=True)
class _Line:
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def blank(self) -> bool:
        return not self.text.strip()


_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_ITEM = re.compile(r"^([ \t]*)(?:[-*+•]|\d{1,3}[.)])[ \t]+(?=\S)")
_RULE = re.compile(r"^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_DELIMITER = re.compile(r"^ {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_QUOTED = re.compile(r"^ {0,3}>[ \t]?")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TITLE = re.compile(r"^[^\W\d_#>|*\-][^\n]{2,78}(?<![.:;,!?|])$")
_CAPITALS = re.compile(r"^(?=.*[A-Z]{3})[^a-z|]{3,80}(?<![.:;,!?|])$")
_COLUMN_GAP = re.compile(r"\t+| {2,}")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_INLINE = (
    (re.compile(r"!?\[([^\]]*)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^<>]*>"), ""),
    (re.compile(r"(`+)(.+?)\1"), r"\2"),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])([*_])(?=[^\s*_])(.+?)(?<=[^\s*_])\1(?![\w*])"), r"\2"),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
)


def plain(markdown: str) -> str:
    """Inline Markdown as a reader sees it: no emphasis, links as their words, white space as one space."""
    for pattern, replacement in _INLINE:
        markdown = pattern.sub(replacement, markdown)
    return " ".join(html.unescape(markdown).split())


def blocks(text: str, *, whole: bool = True) -> list[Block]:
    """The blocks of a text, in its order. `whole`: it is a document, whose first line may be its title."""
    reader = _Reader(_lines(text))
    reader.read(whole)
    return reader.blocks


def _lines(text: str) -> list[_Line]:
    # Comments are blanked out at the same length, so that offsets stay those of the text.
    text = _COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text)
    lines, start = [], 0
    for line in text.split("\n"):
        lines.append(_Line(line.removesuffix("\r"), start))
        start += len(line) + 1
    return lines


@dataclass
class _Reader:
    lines: list[_Line]
    at: int = 0
    blocks: list[Block] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    items: list[tuple[int, str]] = field(default_factory=list)
    """The open items of a nested list: indent and text."""
    lead: str = ""

    def read(self, whole: bool) -> None:
        if whole:
            self._skip_front_matter()
            self._title()
        while self.at < len(self.lines):
            self._block()

    def _skip_front_matter(self) -> None:
        if self.lines[0].text.strip() != "---":
            return
        for number, line in enumerate(self.lines[1:], 1):
            if line.text.strip() in ("---", "..."):
                self.at = number + 1
                return

    def _title(self) -> None:
        """Plain text has no heading marks: a short first line that stands alone and does not end a sentence is its title."""
        while self.at < len(self.lines) and self.lines[self.at].blank:
            self.at += 1
        stands_alone = not self._text(self.at + 1).strip() and any(not line.blank for line in self.lines[self.at + 1 :])
        if stands_alone and _TITLE.match(self._text(self.at)):
            self._heading(1, self._text(self.at), lines=1)

    def _text(self, at: int) -> str:
        return self.lines[at].text if at < len(self.lines) else ""

    def _block(self) -> None:
        line = self.lines[self.at]
        following = self._text(self.at + 1)
        if line.blank:
            self.at += 1
        elif heading := _HEADING.match(line.text):
            self._heading(len(heading[1]), heading[2], lines=1)
        elif fence := _FENCE.match(line.text):
            self._code(fence[1])
        elif "|" in line.text and "|" in following and _DELIMITER.match(following):
            self._table()
        elif self._aligned():
            self._aligned_table()
        elif _CAPITALS.match(line.text) and not following.strip():
            self._heading(2, line.text, lines=1)
        elif _RULE.match(line.text):
            self.at += 1
        elif _ITEM.match(line.text):
            self._item()
        elif (under := _UNDERLINE.match(following)) and not _QUOTED.match(line.text):
            self._heading(1 if under[1][0] == "=" else 2, line.text, lines=2)
        else:
            self._paragraph()

    def _heading(self, level: int, text: str, *, lines: int) -> None:
        self.headings = [(above, title) for above, title in self.headings if above < level]
        if plain(text):
            self.headings.append((level, plain(text)))
        self.at += lines
        self.lead = ""
        self.items = []

    def _code(self, fence: str) -> None:
        first = self.at + 1
        last = first
        while last < len(self.lines) and not self.lines[last].text.strip().startswith(fence):
            last += 1
        if first < last:
            text = "\n".join(line.text for line in self.lines[first:last])
            self._add("code", text, first - 1, min(last + 1, len(self.lines)), lead=self.lead)
        self.at = last + 1

    def _table(self) -> None:
        names = [plain(cell) for cell in _cells(self.lines[self.at].text)]
        header = f"{self.lines[self.at].text.strip()}\n{self.lines[self.at + 1].text.strip()}"
        top = self.at
        self.at += 2
        while "|" in self._text(self.at):
            values = [plain(cell) for cell in _cells(self._text(self.at))]
            cells = tuple((name, value) for name, value in zip(names, values, strict=False) if value)
            self._row(cells, top, header)
        self.lead, self.items = "", []

    def _row(self, cells: tuple[tuple[str, str], ...], top: int, header: str) -> None:
        """The first row of a table takes the header's lines with it."""
        is_first = self.at == top + header.count("\n") + 1
        first = top if is_first else self.at
        self._add("row", _row_text(cells), first, self.at + 1, lead=self.lead, header="" if is_first else header, cells=cells)
        self.at += 1

    def _aligned(self) -> bool:
        """Whether a plain text table begins here: lines with equally many wide gaps between their words."""
        columns = len(_COLUMN_GAP.split(self._text(self.at).strip()))
        last = self.at
        while columns > 1 and self._text(last).strip():
            if len(_COLUMN_GAP.split(self._text(last).strip())) != columns:
                return False
            last += 1
        return last - self.at > 1

    def _aligned_table(self) -> None:
        header = self._text(self.at).strip()
        names = _COLUMN_GAP.split(header)
        top = self.at
        self.at += 1
        while self._text(self.at).strip():
            values = _COLUMN_GAP.split(self._text(self.at).strip())
            self._row(tuple(zip(names, values, strict=True)), top, header)
        self.lead, self.items = "", []

    def _item(self) -> None:
        first = self.at
        match = _ITEM.match(self.lines[first].text)
        assert match is not None
        indent = len(match[1].expandtabs(4))
        self.at += 1
        while self.at < len(self.lines) and self._goes_on():
            self.at += 1
        raw = self.lines[first].text[match.end() :] + "\n" + "\n".join(line.text for line in self.lines[first + 1 : self.at])
        self.items = [(above, text) for above, text in self.items if above < indent]
        lead = self.items[-1][1] if self.items else self.lead
        self._add("item", plain(raw), first, self.at, lead=lead)
        self.items.append((indent, plain(raw)))

    def _paragraph(self) -> None:
        first = self.at
        self.at += 1
        while self.at < len(self.lines) and self._goes_on():
            self.at += 1
        text = plain("\n".join(_QUOTED.sub("", line.text) for line in self.lines[first : self.at]))
        self._add("paragraph", text, first, self.at)
        self.lead = text[spans(text)[-1][0] :] if text else ""
        self.items = []

    def _goes_on(self) -> bool:
        """Whether the line belongs to the paragraph or item before it."""
        line = self.lines[self.at].text
        following = self._text(self.at + 1)
        starts = any(pattern.match(line) for pattern in (_HEADING, _FENCE, _ITEM, _RULE))
        return not (starts or not line.strip() or ("|" in line and "|" in following and _DELIMITER.match(following)))

    def _add(
        self,
        kind: Kind,
        text: str,
        first: int,
        last: int,
        *,
        lead: str = "",
        header: str = "",
        cells: tuple[tuple[str, str], ...] = (),
    ) -> None:
        if not text:
            return
        start, end = self.lines[first].start, self.lines[last - 1].end
        heading = tuple(title for _, title in self.headings)
        self.blocks.append(Block(kind, text, heading, start, end, lead, header, cells))


def _cells(row: str) -> list[str]:
    inner = row.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return _CELL_BORDER.split(inner)


def _row_text(cells: tuple[tuple[str, str], ...]) -> str:
    return "; ".join(f"{name}: {value}" if name else value for name, value in cells)
