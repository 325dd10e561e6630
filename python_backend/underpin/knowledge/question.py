"""What a question asks: its terms with their weights, and the kind of thing that an answer must hold.

Only general English is known here; what a term is worth comes from how rare it is in the documents.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from .thesaurus import LIKE
from .words import CARRIERS, STOP, stem, tokens

CARRIER_WEIGHT = 0.2
MODIFIER_WEIGHT = 0.5
"""For a word that no document has, and that an answer can do without: by its ending it is a verb's or adjective's form, which
questions put in words of their own far more often than they do nouns; or it names what kind of thing is asked for, and the
answer names the thing (`how deep`: 4 m)."""
FEW_PASSAGES = 30
"""In fewer, which words are there is chance: that one stands in most of them does not make it common, and that one is missing
says little of what they are about."""

_KIND_FOLLOWS = frozenset({"how"})
# `Which soil` is answered by silty sand; but where many documents never say `company`, they do not name one.
_KIND_FOLLOWS_IN_FEW = frozenset({"which"})
_MODIFIER = re.compile(r"(ed|ing|er|est|ly|able|ful|ous)$")

_LENGTH = r"(?:[mck]m|m|metres?|meters?|feet|ft|in|inches)"
_TIME = r"(?:s|sec\w*|min\w*|h|hours?|d|days?|weeks?|months?|years?)"
_MASS = r"(?:m?g|kg|t|tonnes?|tons?|lbs?|[kM]?N)"
_STRESS = r"(?:[kMG]?Pa|[kM]?N|bar|psi)"
_RATE = rf"(?:\w+/{_TIME}|{_TIME})"

# What `how …` asks for: in which words an answer speaks of it, and in which unit (None: any number will do).
_MEASURES: dict[str, tuple[str, str | None]] = {
    "big": ("size diameter area dimension", None),
    "cold": ("temperature degree", "°C?"),
    "deep": ("depth", _LENGTH),
    "dense": ("density", None),
    "expensive": ("cost price", None),
    "far": ("distance length", _LENGTH),
    "fast": ("rate speed velocity", _RATE),
    "heavy": ("mass weight weigh", _MASS),
    "high": ("height level", None),
    "hot": ("temperature degree", "°C?"),
    "large": ("size diameter area dimension", None),
    "long": ("length time duration", rf"(?:{_TIME}|{_LENGTH})"),
    "many": ("", None),
    "much": ("", None),
    "often": ("every frequency interval times", None),
    "old": ("age", _TIME),
    "quick": ("rate speed velocity time", _RATE),
    "quickly": ("rate speed velocity time", _RATE),
    "small": ("size diameter", None),
    "soon": ("time after within", _TIME),
    "steep": ("angle slope inclination", None),
    "strong": ("strength", _STRESS),
    "tall": ("height", _LENGTH),
    "thick": ("thickness", _LENGTH),
    "warm": ("temperature degree", "°C?"),
    "wide": ("width diameter breadth", _LENGTH),
}

_YEAR = re.compile(r"\b(what|which) year\b|\bwhen (was|were|did)\b", re.IGNORECASE)
_PERSON = re.compile(r"\bwho(se|m)?\b", re.IGNORECASE)
_HOW = re.compile(rf"\bhow ({'|'.join(_MEASURES)})\b", re.IGNORECASE)
_AMOUNT = re.compile(r"\b(what|which) (percentage|fraction|number|amount|temperature)\b", re.IGNORECASE)
_FORMULA = re.compile(r"\b(formula|equation|calculat|comput|estimat|defin|relation|relate)\w*", re.IGNORECASE)

_A_YEAR = re.compile(r"\b(1[5-9]|20)\d\d\b")
_A_NAME = re.compile(r"(?<=[a-z,;:)] )[A-Z][a-z]+|\b[A-Z][a-z]+(?: and [A-Z][a-z]+)? \((1[5-9]|20)\d\d")
_A_NUMBER = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy"
    r"|eighty|ninety|hundred|thousand|million|dozen)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Term:
    """One thing that an answer should speak of. Stems: `forms` are what was said, `likes` other words for it."""

    said: str
    forms: frozenset[str]
    likes: frozenset[str]
    weight: float
    is_carrier: bool = False

    @property
    def any(self) -> frozenset[str]:
        return self.forms | self.likes


@dataclass(frozen=True)
class Question:
    terms: tuple[Term, ...]
    context: tuple[Term, ...]
    kind_of_answer: re.Pattern[str] | None
    """What every answer holds, where the question's form says so: a year, a name, a number in some unit."""
    wants_formula: bool


def rarity(holders: int, passages: int) -> float:
    """Inverse document frequency of a stem that so many of the passages have: from 0 (in every passage) to 1 (in none). A few
    passages are taken for part of FEW_PASSAGES."""
    size = max(passages, FEW_PASSAGES) + 1
    return math.log(size / (holders + 0.5)) / math.log(size / 0.5)


def read(text: str, context: str, rarity: Callable[[str], float], *, passages: int = FEW_PASSAGES) -> Question:
    """The question's terms, each once. `rarity` is 0 to 1 for a stem; `context` is what was said before; `passages` is how many
    there are."""
    kind_follows = _KIND_FOLLOWS | _KIND_FOLLOWS_IN_FEW if passages < FEW_PASSAGES else _KIND_FOLLOWS
    terms = _terms(text, rarity, kind_follows)
    known = frozenset(form for term in terms for form in term.any)
    earlier = (term for term in _terms(context, rarity, kind_follows) if not term.forms & known)
    return Question(tuple(terms), tuple(earlier), _kind_of_answer(text), _FORMULA.search(text) is not None)


def _terms(text: str, rarity: Callable[[str], float], kind_follows: frozenset[str]) -> list[Term]:
    found: dict[str, Term] = {}
    words = tokens(text)
    for before, word in zip(["", *words], words, strict=False):
        key = stem(word)
        if word in STOP or key in found:
            continue
        forms = frozenset({key})
        if before == "how" and word in _MEASURES:
            forms |= frozenset(map(stem, _MEASURES[word][0].split()))
        weight = max(rarity(key), 0.1)
        if key in CARRIERS:
            weight *= CARRIER_WEIGHT
        elif rarity(key) == 1.0 and (before in kind_follows or _MODIFIER.search(word)):
            weight *= MODIFIER_WEIGHT
        found[key] = Term(word, forms, LIKE.get(key, frozenset()) - forms, weight, key in CARRIERS)
    return list(found.values())


def _kind_of_answer(text: str) -> re.Pattern[str] | None:
    if _YEAR.search(text):
        return _A_YEAR
    if _PERSON.search(text):
        return _A_NAME
    if how := _HOW.search(text):
        unit = _MEASURES[how[1].lower()][1]
        # In a sentence the unit follows its number; a table names it once, in brackets.
        return re.compile(rf"\d\s?{unit}(?!\w)|\({unit}\)") if unit else _A_NUMBER
    return _A_NUMBER if _AMOUNT.search(text) else None
