"""Where sentences begin and end in plain text."""

import re

# A full stop after these does not end a sentence. To the letter: "approx." but not the speed "Vs."
_NOT_ENDS = """
al approx cf ed eds eq eqs est etc e.g fig figs i.e incl max min p pp ref refs resp sec sect tab vol vs
Ch Dr Eq Eqs Fig Figs Mr Mrs Ms No Nos Prof Ref Refs Sec Sect St Tab Vol
"""
_ABBREVIATIONS = frozenset(_NOT_ENDS.split())
_STOP = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]*[^\W_a-z]|\s*$)|[。！？]")
_LAST_WORD = re.compile(r"([^\W\d_][\w.]*)$")
_INITIALS = re.compile(r"(?:^|\b[A-Z]\w*\.? |\()[A-Z]$")


def spans(text: str) -> list[tuple[int, int]]:
    """Start and end (code points) of each sentence, without the white space between them; all of the text's words are in one."""
    found: list[tuple[int, int]] = []
    start = 0
    for stop in _STOP.finditer(text):
        if text[stop.start()] == "." and _is_abbreviation(text[start : stop.start()]):
            continue
        _append(found, text, start, stop.end())
        start = stop.end()
    _append(found, text, start, len(text))
    return found


def _is_abbreviation(before: str) -> bool:
    word = _LAST_WORD.search(before)
    if word is None:
        return before.strip().isdigit()  # the number of a list item: "2. Next"
    return word[1] in _ABBREVIATIONS or _INITIALS.search(before.lstrip()) is not None


def _append(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    if piece.strip():
        found.append((start + left, start + len(piece.rstrip())))
