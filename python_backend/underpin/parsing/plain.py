"""Files that are text: Markdown, plain text, JSON and source code stay as they are, comma-separated values become a table."""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import markdown
from .base import Parsed, Unparsable
from .limits import Limits, too_much_text
from .output import Output, clean
from .sniff import HEAD, is_utf16

EMPTY = "This file holds no text."
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
# Longest first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = ",;\t|"
_LINES_LOOKED_AT = 20


def parse_text(path: Path, limits: Limits) -> Parsed:
    output = Output(limits)
    output.add(decoded(path, limits))
    return output.parsed(empty=EMPTY)


def parse_table(path: Path, limits: Limits) -> Parsed:
    text = clean(decoded(path, limits))
    csv.field_size_limit(limits.text_bytes)
    output = Output(limits)
    try:
        # As an iterator of lines, so that quoted cells may hold line ends.
        rows = csv.reader(iter(text.splitlines(keepends=True)), delimiter=delimiter_of(text), skipinitialspace=True)
        _write(rows, output)
    except csv.Error as error:
        raise Unparsable("invalid_file", f"This file is no table of comma-separated values: {error}.") from error
    return output.parsed(empty=EMPTY)


def delimiter_of(text: str) -> str:
    """The mark that is in most lines; of two, the one that the first line has more of. A comma where there is none."""
    lines = [line for line in text[:HEAD].split("\n")[:_LINES_LOOKED_AT] if line.strip()]
    counts = {mark: sorted(line.count(mark) for line in lines) for mark in _DELIMITERS}
    # Three quarters of the lines have at least this many: a line of words above the table does not change it. Commas in
    # numbers (1,5;8) are as many as the delimiters, but not in the header.
    return max(_DELIMITERS, key=lambda mark: (counts[mark][len(lines) // 4], lines[0].count(mark)) if lines else (0, 0))


def decoded(path: Path, limits: Limits, *, web: bool = False) -> str:
    """The file's text by its byte order mark, else as UTF-8, else as Windows-1252. Raises Unparsable beyond the limits.

    A web page's own word on its encoding counts before the last guess.
    """
    if path.stat().st_size > 4 * limits.text_bytes:  # UTF-32 takes four bytes a letter: this can be no less text
        raise too_much_text(limits)
    data = path.read_bytes()
    for encoding in _encodings(data, web=web):
        try:
            return data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return data.decode("cp1252", "replace")


def _encodings(data: bytes, *, web: bool) -> Iterator[str]:
    yield from (encoding for mark, encoding in _MARKS if data.startswith(mark))
    if unmarked := is_utf16(data[:HEAD]):
        yield unmarked
    yield "utf-8"
    if web and (said := _CHARSET.search(data[:4096])):
        yield said[1].decode("ascii")


def _write(rows: Iterable[list[str]], output: Output) -> None:
    """Row by row, so that the bound on text holds before the whole table is in memory."""
    width = 0
    for cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if width:
            output.add(markdown.row([*cells, *[""] * (width - len(cells))]), between="\n")
        else:
            width = len(cells)
            output.add(markdown.row(cells) + "\n" + markdown.rule(width))
