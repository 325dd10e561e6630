"""Short forms that documents introduce themselves: `standard penetration test (SPT)`, `the liquid limit LL`.

Text that has one form of a pair is read as having the other too, so that questions may use either. Nothing is known
beforehand but the names of Greek letters.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .words import STOP, stem, stems, tokens

Expansions = Mapping[str, tuple[str, ...]]
"""Short form (as one stem) → its long form (stems)."""

_IN_BRACKETS = re.compile(r"((?:[\w’'-]+ ){1,8})\(([A-Za-z][\w-]{1,7})[,;)]")
_BRACKETS_AFTER = re.compile(r"\b([A-Z][A-Za-z]{1,6}) \(((?:[a-z’'-]+ ?){1,8})\)")
_MAY_DEFINE = re.compile(r"\(|[A-Z]{2}")
_BESIDE = re.compile(r"((?:[\w’'-]+ ){2,6}?)(?:is )?([A-Z]{2,6})\b")


def learn(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The short forms that the texts define. One that stands for several things in them is left out."""
    return agreed(pairs(texts))


def pairs(texts: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each short form with each long form, as often as the texts say it."""
    for text in texts:
        for long, short in _pairs(text) if _MAY_DEFINE.search(text) else ():
            yield stem(tokens(short)[0]), tuple(stems(long))


def agreed(found: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """Of the pairs, the short forms that stand for one thing only."""
    meanings: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for short, long in found:
        meanings[short].add(long)
    return {short: next(iter(longs)) for short, longs in meanings.items() if len(longs) == 1 and (short,) not in longs}


def expand(words: Sequence[str], expansions: Expansions) -> list[str]:
    """The stems, and behind them those of the other form of each pair that occurs."""
    present = set(words)
    added: list[str] = []
    for short, long in expansions.items():
        if short in present:
            added += long
        elif set(long) <= present and _has_run(words, long):
            added.append(short)
    added += [name for word in present if (name := _letter_name(word))]
    return [*words, *added]


def _letter_name(word: str) -> str:
    """`phi` for φ and φ′."""
    name = unicodedata.name(word[0], "") if len(word.rstrip("′")) == 1 else ""
    return name.removeprefix("GREEK SMALL LETTER ").lower() if name.startswith("GREEK SMALL LETTER ") else ""


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    for match in _IN_BRACKETS.finditer(text):
        if long := _spelled_by(match[1].split(), match[2]):
            yield long, match[2]
    for match in _BRACKETS_AFTER.finditer(text):
        if _spelled_by(match[2].split(), match[1]) == match[2].strip():
            yield match[2], match[1]
    for match in _BESIDE.finditer(text):
        # Without brackets to say so, only the plain case counts: two words or more.
        long = _spelled_by(match[1].split(), match[2])
        if " " in long:
            yield long, match[2]


def _spelled_by(before: list[str], short: str) -> str:
    """The last of the words before a short form that spell it: each begins with a letter of it, in order, or holds the next
    letters inside (overconsolidation ratio: OCR); empty when they do not."""
    letters = [letter for letter in short.lower() if letter.isalpha()]
    for first in range(len(before) - 1, -1, -1):
        words = [part for word in before[first:] for part in re.split(r"[-’']", word.lower()) if part]
        if words and len(words) <= len(letters) and words[0] not in STOP and _spells(words, letters):
            return " ".join(before[first:])
    return ""


def _spells(words: list[str], letters: list[str]) -> bool:
    if not words:
        return not letters
    if not letters or words[0][0] != letters[0]:
        return False
    # Each word gives its first letter, and any further ones in order.
    at, used = 0, 0
    while used < len(letters):
        at = words[0].find(letters[used], at)
        if at < 0:
            return False
        used += 1
        at += 1
        if _spells(words[1:], letters[used:]):
            return True
    return False


def _has_run(words: Sequence[str], run: Sequence[str]) -> bool:
    size = len(run)
    return any(tuple(words[at : at + size]) == tuple(run) for at in range(len(words) - size + 1))
