"""The words' side of a search: the FTS5 table, how text goes into it, and the expression that a question becomes.

BM25 over Porter stems, with a passage's headings as a column of their own that counts twice.
"""

import re
from itertools import pairwise

from .words import STOP, UNSPACED

COLUMNS = ("heading", "text")
TOKENIZER = "porter unicode61 remove_diacritics 2"
WEIGHTS = (2.0, 1.0)
"""Of COLUMNS: a heading names what its passage is about, in few words."""
MOST_TERMS = 64
"""Of a question: what somebody pastes may be a page long, and each term is a walk through an index."""
_PHRASE_STEPS = 3
"""Two words are one phrase with at most two stop words between: `angle of attack`."""

# FTS5 would take a whole sentence of these for one word.
_LETTER = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+(?:[-.,/_'’′:][^\W_{UNSPACED}]+)*")
_JOINT = re.compile(r"[-.,/_'’′:]")


def table(name: str, options: str = "") -> str:
    """The statement that makes the FTS5 table `name`; `options` such as `content=''` are put behind the columns."""
    more = f", {options}" if options else ""
    return f"CREATE VIRTUAL TABLE {name} USING fts5({', '.join(COLUMNS)}, tokenize = '{TOKENIZER}'{more})"


def bm25(name: str) -> str:
    """The expression by which rows of the table are ordered, ascending; its negative is the score that `rank` takes."""
    return f"bm25({name}, {', '.join(map(str, WEIGHTS))})"


def indexed(text: str) -> str:
    """A text as it goes into a column: characters of scripts without spaces stand apart, so that each is a token."""
    return _LETTER.sub(lambda found: f" {found[0]} ", text)


def match(question: str) -> str:
    """The FTS5 expression of a question: any of its words, stop words aside, and any two neighbours of them as a phrase, which
    lifts passages that say it as the question does. Empty when it has no word: then do not ask.

    Safe for any text. Of a compound (`well-graded`) the parts are looked for, or where they are no words (`A-7-6`) the phrase
    that they are; of a script without spaces each two neighbours.
    """
    terms = [term for word in _WORD.findall(question.lower()) for term in _terms(word)]
    places = [at for at, term in enumerate(terms) if not STOP.issuperset(_JOINT.split(term))] or list(range(len(terms)))
    words = [terms[at] for at in places[:MOST_TERMS]]
    phrases = [
        " ".join(terms[first : last + 1]) for first, last in pairwise(places[:MOST_TERMS]) if last - first <= _PHRASE_STEPS
    ]
    spaced = [phrase for phrase in phrases if not _LETTER.search(phrase)]
    # Quoted, FTS5 reads a term with the table's own tokenizer: `A-7-6` becomes the phrase of its parts.
    return " OR ".join(f'"{term}"' for term in dict.fromkeys([*words, *spaced]))


def _terms(word: str) -> list[str]:
    if _LETTER.match(word):
        return [f"{first} {second}" for first, second in pairwise(word)] or [word]
    parts = _JOINT.split(word)
    return [word] if any(len(part) < 3 for part in parts) else parts
