"""Markers of citations in what a model wrote: found in the forms that real models give them, and cut out of a stream of text.

The canonical form is `【0:3†report.pdf】`: the search's number in the run, the passage's rank, the file. Models also write
`【0:3】`, `[0:3†x]`, `【0:3†a.pdf; 0:4†b.pdf】`, `【3†source】`, fullwidth digits and colons.
"""

import re
from dataclasses import dataclass

LONGEST = 240
"""Characters between the brackets: a file's name of 80, twice, and room. What is longer is no marker."""

OPEN, CLOSE = "【［[", "】］]"
_OPENS = re.compile("[【［[]")
_ENDS = re.compile("[】］\\]【［[\n]")
_DAGGER = "†‡"
_FIRST = re.compile(rf"[\d\s:：,;，、；]*(?:[{_DAGGER}].*)?", re.DOTALL)
"""What a marker may begin with: numbers, up to the dagger."""
_NUMBERS = r"\s*(\d{1,4})\s*[:：]\s*(\d{1,4})\s*"
_ONE = re.compile(rf"{_NUMBERS}(?:[{_DAGGER}](.*))?")
_SEVERAL = re.compile(rf"{_NUMBERS}(?:[{_DAGGER}]([^,;，、；]*))?(?:[,;，、；]|$)")
_OLD = re.compile(rf"\s*(\d{{1,4}})\s*[{_DAGGER}](.*)")


@dataclass(frozen=True)
class Named:
    """What a marker names. `search` is None in the old form, which had the passage alone."""

    search: int | None
    rank: int
    source: str = ""


@dataclass(frozen=True)
class Marker:
    """`named` may be empty: it looks like a marker and names nothing. `sure`: nothing else looks so, so it goes when what it
    names is not there; `[1:2]` may be anything."""

    named: tuple[Named, ...]
    sure: bool


def may_begin(text: str) -> bool:
    """Whether a marker may begin in a text."""
    return "【" in text or "[" in text or "［" in text


def next_open(text: str, at: int) -> int:
    """Where the next bracket opens; -1 when none does."""
    found = _OPENS.search(text, at)
    return found.start() if found else -1


def end_of(text: str, at: int) -> int | None:
    """The place behind the bracket that closes the one at `at`; 0 when that is no marker's, None while it may become one."""
    found = _ENDS.search(text, at + 1)
    inside = text[at + 1 : found.start() if found else None]
    if len(inside) > LONGEST or not _FIRST.fullmatch(inside) or (text[at] == "[" and inside[:1] == " "):
        return 0
    if found is None:
        return None
    return found.end() if found[0] in CLOSE else 0


def read(text: str, before: str) -> Marker | None:
    """The marker that a text from its opening to its closing bracket is; None when it is none. `before`: the character before."""
    inside = text[1:-1]
    full = text[0] == "【"
    dagger = any(sign in inside for sign in _DAGGER)
    if not dagger and not full and before.isalnum():
        return None  # a[1:2]
    named = _named(inside)
    if named:
        return Marker(named, sure=full or dagger)
    return Marker((), sure=True) if dagger else None


def _named(inside: str) -> tuple[Named, ...]:
    several = list(_SEVERAL.finditer(inside))
    if len(several) > 1 and sum(len(one[0]) for one in several) == len(inside):
        return tuple(Named(int(one[1]), int(one[2]), (one[3] or "").strip()) for one in several)
    if one := _ONE.fullmatch(inside):
        return (Named(int(one[1]), int(one[2]), (one[3] or "").strip()),)
    if old := _OLD.fullmatch(inside):
        return (Named(None, int(old[1]), old[2].strip()),)
    return ()
