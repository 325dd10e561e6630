"""PDF: pages in order, each as headings, paragraphs, lists and tables; the sizes of letters tell what is a heading."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import markdown
from .base import Parsed
from .limits import Limits, too_many_pages
from .output import Output
from .pdf_fractions import join_fractions
from .pdf_layout import BULLET, ordered
from .pdf_rows import Line
from .pdf_running import Running
from .pdf_tables import Table, take_tables
from .pdfium import Page, opened, read_page

SCAN = (
    "This PDF holds pictures of pages only and no text, as a scanner makes them. Let a program for text recognition (OCR) add "
    "the text and upload the result."
)
EMPTY = "This PDF holds no text."

_SAMPLE = 24
"""About so many pages tell the usual size of letters and what runs along all of them; twice as many at most."""
_HEADING = 1.12
"""A heading's letters are larger than the text's by at least this much."""
_LONGEST_HEADING = 160
_BULLET = re.compile(rf"^{BULLET.pattern}\s*(?=\S)")
_ENUMERATED = re.compile(r"^(\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_NO_HEADING_ENDS = (".", ":", ",", ";")
# The dots of a table of contents, whose lines are no headings.
_LEADERS = re.compile(r"\s?(?:\.\s?){5,}")
_BROKEN_WORD = re.compile(r"(\u00ad|(?<=[a-zà-ÿ])-)$")


def parse_pdf(path: Path, limits: Limits) -> Parsed:
    output = Output(limits)
    pictures = False
    with opened(path) as document:
        count = len(document)
        if count > limits.pages:
            raise too_many_pages(count, limits)
        sample = {number: read_page(document, number) for number in range(0, count, max(1, count // _SAMPLE))}
        levels, running = _Sizes(sample.values()), Running()
        # Tables first: the last row of one that goes on over many pages is no footer.
        drawn = {number: take_tables(page) for number, page in sample.items()}
        for number, page in sample.items():
            running.learn(page, number)
        for number in range(count):
            page = sample.pop(number) if number in sample else read_page(document, number)
            tables = drawn.pop(number) if number in drawn else take_tables(page)
            pictures = pictures or (page.has_pictures and not page.words and not tables)
            output.begin_page()
            running.take_out(page, number)
            for block in _blocks(page, tables, levels):
                output.add(_LEADERS.sub(" … ", block))
    return output.parsed(empty=SCAN if pictures else EMPTY)


class _Sizes:
    """Which size the text has, and which are those of headings, largest first."""

    def __init__(self, pages: Iterable[Page]) -> None:
        letters: Counter[float] = Counter()
        for page in pages:
            for word in page.words:
                letters[word.size] += len(word.text)
        self.text = max(letters, key=lambda size: letters[size], default=0.0)
        self._larger = sorted((size for size in letters if size > self.text * _HEADING), reverse=True)

    def level(self, line: Line) -> int:
        """1 and up for a heading, 0 for text. Sizes that nearly agree are one level."""
        size = line.size
        if size > self.text * _HEADING:
            kinds: list[float] = []
            for larger in self._larger:
                if not kinds or larger < kinds[-1] * 0.95:
                    kinds.append(larger)
            return min(sum(size < kind * 0.95 for kind in kinds) + 1, 4)
        return 0


def _blocks(page: Page, tables: list[Table], sizes: _Sizes) -> Iterator[str]:
    join_fractions(page)
    group: list[Line] = []
    for line in ordered(page.words, tables):
        if group and not _goes_on(group, line, sizes):
            yield _block(group, sizes)
            group = []
        group.append(line)
    if group:
        yield _block(group, sizes)


def _goes_on(group: list[Line], line: Line, sizes: _Sizes) -> bool:
    """Whether a line belongs to the paragraph, the heading or the list's item above it."""
    last = group[-1]
    if line.table or last.table or _begins_item(line):
        return False
    if sizes.level(last) != sizes.level(line) or last.bold != line.bold:
        return False
    gap = last.bottom - line.top
    # Above the last line: a new column.
    return -last.height < gap < 0.45 * min(last.height, line.height) + 1


def _begins_item(line: Line) -> bool:
    text = line.text
    return bool(_BULLET.match(text) or _ENUMERATED.match(text))


def _block(group: list[Line], sizes: _Sizes) -> str:
    if group[0].table:
        return group[0].table
    text = _joined(group)
    if _BULLET.match(text):
        return markdown.item(_BULLET.sub("", text))
    if _LEADERS.search(text):
        return text
    level = sizes.level(group[0])
    if level and len(text) <= _LONGEST_HEADING and _LETTERS.search(text):
        return markdown.heading(level, text)
    if group[0].bold and len(text) <= _LONGEST_HEADING // 2 and _LETTERS.search(text) and not text.endswith(_NO_HEADING_ENDS):
        return markdown.heading(4, text)
    return text


def _joined(group: list[Line]) -> str:
    """Lines as one; a word that was broken at a line's end is whole again."""
    text = ""
    for line in group:
        words = line.text
        if text and _BROKEN_WORD.search(text) and words[:1].islower():
            text = _BROKEN_WORD.sub("", text) + words
        else:
            text = f"{text} {words}" if text else words
    return text.replace("\u00ad", "-")
