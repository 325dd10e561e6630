"""What runs along: headers, footers and page numbers, which stand on most pages at one place and are no part of the text.

They are kept on the first page that has them and left out of all others: else every passage would hold them, and sentences that
go on over a page's end would be broken by them.
"""

import re
from collections import Counter

from .pdf_layout import lines_of
from .pdf_rows import Line
from .pdfium import Page

_LEAST_PAGES = 3
_MOST = 0.4
"""Share of the pages looked at, on which a line has to stand: some are on every other page."""
_DIGITS = re.compile(r"\d+")
_ALONE = re.compile(r"^[\W_]*(\d{1,5})[\W_]*(?:\d{1,5}[\W_]*)?$")
_PAGE = re.compile(r"\b(page|seite|página|pagina|sida|side|strona|p\.)\s*\d", re.IGNORECASE)

Mark = tuple[str, int]


class Running:
    """Learns from some pages, then takes such lines out of every page."""

    def __init__(self) -> None:
        self._seen: Counter[Mark] = Counter()
        self._pages = 0
        self._kept: set[Mark] = set()

    def learn(self, page: Page, number: int) -> None:
        self._pages += 1
        self._seen.update({_mark(line, number) for line in _outermost(page)})

    def take_out(self, page: Page, number: int) -> None:
        """Pages have to come in order, for the first that has a line keeps it."""
        gone: set[int] = set()
        for line in _outermost(page):
            mark = _mark(line, number)
            if self._seen[mark] < max(_LEAST_PAGES, _MOST * self._pages):
                continue
            if mark in self._kept:
                gone.update(map(id, line.words))
            self._kept.add(mark)
        if gone:
            page.words = [word for word in page.words if id(word) not in gone]


def _outermost(page: Page) -> list[Line]:
    """What stands on the highest and on the lowest level: left, in the middle, and right."""
    lines = lines_of(page.words)
    if not lines:
        return []
    lowest, highest = min(line.middle for line in lines), max(line.middle for line in lines)
    return [line for line in lines if line.bottom < lowest < line.top or line.bottom < highest < line.top]


def _mark(line: Line, number: int) -> Mark:
    """A line's words and about its height on the page.

    Numbers may differ only where they are the page's: a title such as "Boring 3" above every page is another on each. A number
    alone is a page's where it grows with the pages.
    """
    text, height = line.text, round(line.middle / 8)
    if alone := _ALONE.match(text):
        return f"page {int(alone[1]) - number}", height
    return _DIGITS.sub("#", text) if _PAGE.search(text) else text, height
