"""Fractions of formulas: what stands above and below a short line in the midst of a line of text becomes `a/b` in that line."""

from .pdfium import Page, Stroke, Word

_LONGEST = 150.0
"""Points: bars of fractions are short."""
_MOST_BARS = 200
"""A page with more of them is a drawing."""
_NEAR = 0.7
"""What belongs to a bar is no farther from it than this share of its letters' size."""
_BESIDE = 1.5
"""Text that goes on beside a bar is no farther from its ends than this, in sizes of letters. Rules of tables have none there."""
_ON_AXIS = 0.35
"""Text beside a bar stands in its midst, but for this share of its size."""


def join_fractions(page: Page) -> None:
    """Replaces numerators and denominators by one word each time."""
    bars = [bar for bar in page.horizontal if bar.end - bar.start <= _LONGEST]
    for bar in bars if len(bars) <= _MOST_BARS else ():
        _join(page, bar)


def _join(page: Page, bar: Stroke) -> None:
    above = [word for word in page.words if _within(word, bar) and -1 < word.bottom + _depth(word) - bar.at < _NEAR * word.size]
    below = [word for word in page.words if _within(word, bar) and -1 < bar.at - word.top + _depth(word) < _NEAR * word.size]
    beside = [word for word in page.words if _is_beside(word, bar)]
    if not above or not below or not any(abs(word.middle - bar.at) < _ON_AXIS * word.size for word in beside):
        return
    if any(_level(word, above[0]) or _level(word, below[0]) for word in beside):
        return  # what is above or below goes on beside the bar: a line of text, and the bar is a rule
    size = max(word.size for word in (*above, *below))
    joined = Word(
        f"{_said(above)}/{_said(below)}", bar.start, bar.at - size * 0.4, bar.end, bar.at + size * 0.6, size, above[0].bold
    )
    parts = {id(word) for word in (*above, *below)}
    at = next(index for index, word in enumerate(page.words) if id(word) in parts)
    words = [word for word in page.words if id(word) not in parts]
    words.insert(at, joined)
    page.words = words


def _depth(word: Word) -> float:
    """Boxes of letters are as high as their font, which leaves about this much free above and below most of them."""
    return 0.2 * (word.top - word.bottom)


def _within(word: Word, bar: Stroke) -> bool:
    return bar.start - 3 <= word.left and word.right <= bar.end + 3


def _is_beside(word: Word, bar: Stroke) -> bool:
    if not word.bottom - word.size < bar.at < word.top + word.size:
        return False
    reach = _BESIDE * word.size
    return -1 < bar.start - word.right < reach or -1 < word.left - bar.end < reach


def _level(word: Word, other: Word) -> bool:
    return abs(word.middle - other.middle) < 0.2 * other.size


def _said(words: list[Word]) -> str:
    text = " ".join(word.text for word in sorted(words, key=lambda word: word.left))
    return f"({text})" if len(words) > 1 else text
