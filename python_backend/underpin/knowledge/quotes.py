"""Passages → the sentences, list items and table rows that answer a question best.

A quote is measured by the question's terms that stand in it or in what it belongs to. Whether
that is enough is for the caller to say.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .abbreviations import Expansions, expand
from .base import Evidence, Found, Passage, Quote
from .extract import Block, blocks
from .question import Question, Term
from .sentences import spans
from .words import content, stems

# How much a term counts that stands not in the quote itself but around it.
_IN_COLUMN_NAME = 0.9
_IN_LEAD = 0.8
_IN_HEADING = 0.85
_IN_TITLE = 0.75
_IN_SENTENCE_BEFORE = 0.5
_IN_PASSAGE = 0.3
_AS_LIKE = 0.8

# What is added to the share of the question's terms that a quote covers.
_FOR_CONTEXT = 0.3
_FOR_PASSAGE = 0.1
_FOR_SUBJECT = 0.1
_FOR_FORMULA = 0.1
# Only to what has about all that is asked for: side by side, the words mean what the question means.
_FOR_NEIGHBOURS = 0.1
_ABOUT_ALL = 1.0
_WRONG_KIND = 0.25

_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|means?|gives?|uses?|can|may|must|should|does|do)\b|=")
# A sentence that begins so is not understood without the one before it.
_LEANS = re.compile(r"(?:It|Its|This|That|These|Those|They|Their|Such|He|She|Both|Otherwise|However|Therefore)\b")
_DIGIT = re.compile(r"\d")
_RANGE = re.compile(r"(\d+(?:\.\d+)?) (?:to|-|–) (\d+(?:\.\d+)?)")
_ABOVE = re.compile(r"(?:over|above|more than|greater than|at least|from|[>≥]) ?(\d+(?:\.\d+)?)")
_BELOW = re.compile(r"(?:under|below|less than|up to|at most|[<≤]) ?(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class _Unit:
    passage: Passage
    text: str
    levels: dict[str, float]
    """Stem → how much it counts here."""
    cells: tuple[tuple[str, str], ...] = ()
    before: str = ""
    after: str = ""
    """The sentences around it in its paragraph."""


def best(
    question: Question,
    found: Sequence[Found],
    *,
    expansions: Expansions,
    knows: Callable[[str], bool],
    limit: int,
) -> Evidence:
    """The quotes that cover the question best, each once."""
    quotes: dict[str, Quote] = {}
    for hit in found:
        for unit in _units(hit.passage, expansions):
            quote = _quote(question, unit, hit.score)
            if quote.text not in quotes or quotes[quote.text].score < quote.score:
                quotes[quote.text] = quote
    ranked = sorted(quotes.values(), key=lambda quote: -quote.score)
    unknown = tuple(term.said for term in question.terms if not term.is_carrier and not any(map(knows, term.any)))
    return Evidence(tuple(ranked[:limit]), unknown)


def _units(passage: Passage, expansions: Expansions) -> Iterator[_Unit]:
    read = blocks(passage.text, whole=False)

    def levels(text: str) -> list[str]:
        return expand(stems(text), expansions)

    around = dict.fromkeys(levels(passage.text), _IN_PASSAGE)
    for depth, heading in enumerate(passage.heading):
        value = _IN_HEADING if depth and depth == len(passage.heading) - 1 else _IN_TITLE
        _raise(around, levels(heading), value)
    for block in read:
        yield from _units_of(block, passage, around, levels)


def _units_of(block: Block, passage: Passage, around: dict[str, float], read: Callable[[str], list[str]]) -> Iterator[_Unit]:
    base = dict(around)
    for heading in block.heading[:-1]:
        _raise(base, read(heading), _IN_TITLE)
    for heading in block.heading[-1:]:
        _raise(base, read(heading), _IN_HEADING)
    _raise(base, read(block.lead), _IN_LEAD)
    if block.kind == "row":
        _raise(base, [word for name, _ in block.cells for word in read(name)], _IN_COLUMN_NAME)
        _raise(base, [word for _, value in block.cells for word in read(value)], 1.0)
        yield _Unit(passage, block.text, base, block.cells)
        return
    sentences = [block.text[start:end] for start, end in spans(block.text)]
    for before, sentence, after in zip(["", *sentences], sentences, [*sentences[1:], ""], strict=False):
        mine = dict(base)
        _raise(mine, read(before), _IN_SENTENCE_BEFORE)
        _raise(mine, read(sentence), 1.0)
        yield _Unit(passage, sentence, mine, before=before, after=after)


def _raise(levels: dict[str, float], words: Sequence[str], value: float) -> None:
    for word in words:
        if levels.get(word, 0.0) < value:
            levels[word] = value


def _quote(question: Question, unit: _Unit, passage_score: float) -> Quote:
    coverage = _coverage(question.terms, unit, question)
    nearness = _coverage(question.context, unit, question)
    fits = question.kind_of_answer is None or question.kind_of_answer.search(unit.text) is not None
    score = coverage + _FOR_CONTEXT * nearness + _FOR_PASSAGE * passage_score + _FOR_SUBJECT * _subject_is_asked(question, unit)
    if question.wants_formula and "=" in unit.text:
        score += _FOR_FORMULA
    if not fits:
        score -= _WRONG_KIND
    if score >= _ABOUT_ALL:
        score += _FOR_NEIGHBOURS * _neighbours_kept(question.terms, unit)
    text = f"{unit.before} {unit.text}" if unit.before and _LEANS.match(unit.text) else unit.text
    return Quote(unit.passage, text, score, fits, bool(unit.cells), unit.after)


def _coverage(terms: Sequence[Term], unit: _Unit, question: Question) -> float:
    total = sum(term.weight for term in terms)
    return sum(term.weight * _level(term, unit, question) for term in terms) / total if total else 0.0


def _subject_is_asked(question: Question, unit: _Unit) -> float:
    """Which share of the words in a row's first cell, or before a sentence's verb, the question has: `dense sand` is not
    answered by `medium dense sand`."""
    if unit.cells:
        subject = unit.cells[0][1]
    else:
        verb = _VERB.search(unit.text)
        subject = unit.text[: verb.start()] if verb else ""
    words = content(subject)
    asked = {form for term in question.terms for form in term.any}
    return sum(word in asked for word in words) / len(words) if words else 0.0


def _neighbours_kept(terms: Sequence[Term], unit: _Unit) -> float:
    """Which share of the question's neighbouring terms stand side by side in the quote: `soil types` do not in `soil behaviour
    type`."""
    pairs = list(pairwise(terms))
    said = list(pairwise(stems(unit.text)))
    kept = sum(any(one in a.forms and other in b.forms for one, other in said) for a, b in pairs)
    return kept / len(pairs) if pairs else 0.0


def _level(term: Term, unit: _Unit, question: Question) -> float:
    level = max(unit.levels.get(form, 0.0) for form in term.forms)
    if level < _AS_LIKE and term.likes:
        level = max(level, _AS_LIKE * max(unit.levels.get(form, 0.0) for form in term.likes))
    if level < 0.9 and unit.cells and _DIGIT.match(term.said) and _in_range(term.said, unit, question):
        return 0.9
    return level


def _in_range(number: str, unit: _Unit, question: Question) -> bool:
    """Whether a number of the question lies in a cell's range, and the cell's column, or a cell before it, is spoken of too."""
    try:
        value = float(number.replace(",", ""))
    except ValueError:
        return False
    others = {form for term in question.terms if term.said != number and not term.is_carrier for form in term.forms}
    before: set[str] = set()
    for name, cell in unit.cells:
        if _holds(cell, value) and others & (before | set(stems(name))):
            return True
        before |= set(stems(cell))
    return False


def _holds(cell: str, value: float) -> bool:
    if between := _RANGE.search(cell):
        return float(between[1]) <= value <= float(between[2])
    if above := _ABOVE.search(cell):
        return value > float(above[1])
    below = _BELOW.search(cell)
    return below is not None and value < float(below[1])
