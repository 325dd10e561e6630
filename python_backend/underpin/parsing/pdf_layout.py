"""The words of a page in the order in which people read them: lines, columns, and rows that stand like a table."""

import re
from collections.abc import Iterator

from .pdf_rows import Line, joined_rows
from .pdf_tables import Table
from .pdfium import Word

# Fonts of signs have their bullets where Unicode has no letters.
BULLET = re.compile(r"[•◦▪▫●○■□‣⁃·∙–*➢✓\ue000-\uf8ff]")
_APART = 1.0
"""A gap in a line, in heights of its letters, beyond which it is another column or cell: justified text stays below it."""
_BULLET_APART = 5.0
"""The same for the gap after a bullet: what follows is its text and no cell."""
_LEAST_LINES = 4
"""Lines on each side of a gap before it can part columns of prose."""
_LEAST_WORDS = 3.5
"""Words of an average line of prose in a column: cells of a table have fewer."""
_MOST_PLACES = 200
"""Places tried for a gap: plans and maps have thousands of labels, and no columns."""


def ordered(words: list[Word], tables: list[Table]) -> list[Line]:
    """Lines and tables from the first that is read to the last; lines that make a table without lines are one table."""
    placed = [Line(table.left, table.bottom, table.right, table.top, table=table.text) for table in tables]
    return [line for block in _columns([*lines_of(words), *placed]) for line in joined_rows(block)]


def lines_of(words: list[Word]) -> list[Line]:
    """Neighbours on one level, in PDFium's order, which keeps what is raised or lowered with its word."""
    lines: list[Line] = []
    for word in words:
        last = lines[-1] if lines else None
        if last and _follows(last, word):
            last.add(word)
        else:
            lines.append(Line(word.left, word.bottom, word.right, word.top, [word]))
    return lines


def _follows(line: Line, word: Word) -> bool:
    height = max(min(line.height, word.top - word.bottom), 1.0)
    level = min(line.top, word.top) - max(line.bottom, word.bottom)
    apart = _BULLET_APART if len(line.words) == 1 and BULLET.fullmatch(line.words[0].text) else _APART
    return level > 0.4 * height and -height < word.left - line.right < apart * max(line.words[-1].size, height * 0.8)


def _columns(lines: list[Line], depth: int = 0) -> Iterator[list[Line]]:
    """Blocks to be read one after the other: what spans the columns parts them from above and below."""
    gutter = _gutter(lines) if depth < 4 else None
    if gutter is None:
        yield sorted(lines, key=lambda line: (-line.top, line.left))
        return
    band: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.top):
        if line.left < gutter < line.right:
            yield from _sides(band, gutter, depth)
            band = []
            yield [line]
        else:
            band.append(line)
    yield from _sides(band, gutter, depth)


def _sides(band: list[Line], gutter: float, depth: int) -> Iterator[list[Line]]:
    for side in ([line for line in band if line.right <= gutter], [line for line in band if line.right > gutter]):
        if side:
            yield from _columns(side, depth + 1)


def _gutter(lines: list[Line]) -> float | None:
    """A place that parts lines of prose into two columns: few lines cross it, and both sides read like prose."""
    if len(lines) < 2 * _LEAST_LINES:
        return None
    best: tuple[int, float] | None = None
    places = sorted({line.right + 2.0 for line in lines})
    for place in places[:: len(places) // _MOST_PLACES + 1]:
        left = [line for line in lines if line.right <= place]
        right = [line for line in lines if line.left >= place]
        crossing = len(lines) - len(left) - len(right)
        if crossing > 0.3 * len(lines) or not (_is_prose(left) and _is_prose(right)):
            continue
        if not _side_by_side(left, right):
            continue
        if best is None or crossing < best[0]:
            best = crossing, place
    return best[1] if best else None


def _is_prose(lines: list[Line]) -> bool:
    said = [line for line in lines if line.words]
    return len(said) >= _LEAST_LINES and sum(len(line.words) for line in said) >= _LEAST_WORDS * len(said)


def _side_by_side(left: list[Line], right: list[Line]) -> bool:
    """Whether they stand beside each other for the most of the shorter one, and not below each other."""
    (low, high), (other_low, other_high) = _extent(left), _extent(right)
    common = min(high, other_high) - max(low, other_low)
    return common > 0.5 * min(high - low, other_high - other_low)


def _extent(lines: list[Line]) -> tuple[float, float]:
    return min(line.bottom for line in lines), max(line.top for line in lines)
