"""A passage's text → windows that an embedder reads whole. Cut at the ends of sentences, as even in length as these allow.

An embedder loses the end of a text that is too long; a passage counts as its best window.
"""

from collections.abc import Iterator

from .sentences import spans

_UNEVEN_CHARS = 20
_LONGEST_TITLE = 150


def windows(text: str, window_chars: int, *, heading: str = "") -> list[str]:
    """The windows of a text, in order, each at most `window_chars` long with what stands before it: the heading, or for want of
    one the title with which the text itself begins.

    Together they hold all of the text but white space at the cuts. A heading takes at most a third of a window. At least one
    window, so that every passage has a vector.
    """
    head = " ".join(heading.split())[: window_chars // 3]
    title = "" if head else _title(text)[: window_chars // 3]
    said = f"{head or title}\n" if head or title else ""
    found = [text[start:end] for start, end in cuts(text, window_chars - len(said))]
    # The first begins with the title as it is.
    return [window if title and not at else said + window for at, window in enumerate(found)]


def _title(text: str) -> str:
    """A short first line that stands alone."""
    first, _, rest = text.lstrip().partition("\n")
    return first.strip() if len(first) <= _LONGEST_TITLE and rest[:1] in ("\n", "\r") else ""


def cuts(text: str, most_chars: int) -> list[tuple[int, int]]:
    """Where the windows stand in the text, in code points."""
    pieces = [piece for start, end in spans(text) for piece in _bounded(text, start, end, most_chars)]
    found = _filled(pieces, most_chars)
    # As many windows, but even: a last one of a few words would be a poor passage with a loud voice.
    low, high = most_chars // 2, most_chars
    while high - low > _UNEVEN_CHARS:
        middle = (low + high) // 2
        tried = _filled(pieces, middle)
        if len(tried) > len(found):
            low = middle
        else:
            high, found = middle, tried
    return found or [(0, 0)]


def _filled(pieces: list[tuple[int, int]], most_chars: int) -> list[tuple[int, int]]:
    """Each window takes what still fits."""
    found: list[tuple[int, int]] = []
    for start, end in pieces:
        if found and end - found[-1][0] <= most_chars:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _bounded(text: str, start: int, end: int, most_chars: int) -> Iterator[tuple[int, int]]:
    """A sentence that is too long (a table, a list of names) is cut after its last line, or its last word, or where it must."""
    while end - start > most_chars:
        half, full = start + most_chars // 2, start + most_chars
        stop = text.rfind("\n", half, full) + 1 or text.rfind(" ", half, full) + 1 or full
        yield start, stop
        start = stop
    if start < end:
        yield start, end
