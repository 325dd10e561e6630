"""The words' side of an index: which rows have a question's words, and what the documents know of words at all."""

import re
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .abbreviations import Expansions, agreed, pairs
from .base import Passage
from .extract import plain
from .question import rarity
from .ranking_words import bm25
from .words import stems

WORDS_SQL = f"SELECT rowid, -{bm25('words')} AS score FROM words WHERE words MATCH ? {{}} ORDER BY score DESC LIMIT ?"
_ADMITTED = "AND (SELECT last FROM temp.admitted WHERE first <= words.rowid ORDER BY first DESC LIMIT 1) >= words.rowid"


MOST_ROWS_WALKED = 50_000
"""Rows that hold a question's words, all words together: about 25 ms. In stores large enough to have more, the most common words
are not looked for, since they tell the least; which they are is told by the passages whose stems were counted."""
_QUOTED = re.compile(r'"([^"]*)"')


def affordable(connection: sqlite3.Connection, match: str, rows: int) -> str:
    """The expression without the words that too many of the rows have; with its rarest at least."""
    terms = _QUOTED.findall(match)
    if len(terms) * rows <= MOST_ROWS_WALKED:
        return match
    of_term = {term: stems(term) for term in terms}
    wanted = sorted({stem for found in of_term.values() for stem in found})
    marks = ", ".join("?" * len(wanted))
    holders = dict(connection.execute(f"SELECT stem, rows FROM stems WHERE stem IN ({marks})", wanted))
    looked_at = max(1, int(connection.execute("SELECT stemmed FROM state").fetchone()[0]))
    # What a phrase costs is told by the rarest of its words.
    costs = {term: rows * min((holders.get(stem, 0) for stem in found), default=0) / looked_at for term, found in of_term.items()}
    kept, spent = set[str](), 0.0
    for term in sorted(terms, key=lambda term: costs[term]):
        spent += costs[term]
        if kept and spent > MOST_ROWS_WALKED:
            break
        kept.add(term)
    return " OR ".join(f'"{term}"' for term in terms if term in kept)


def best_rows(
    connection: sqlite3.Connection, match: str, spans: Sequence[tuple[int, int]] | None, limit: int
) -> list[tuple[int, float]]:
    """Rows that match an FTS5 expression, best first, with their BM25 score. `spans`: only rows in these, from first to last."""
    if spans is None:
        found = connection.execute(WORDS_SQL.format(""), (match, limit))
        return [(int(row), float(score)) for row, score in found]
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS admitted (first INTEGER PRIMARY KEY, last INTEGER NOT NULL)")
    connection.execute("BEGIN")
    try:
        connection.execute("DELETE FROM temp.admitted")
        connection.executemany("INSERT INTO temp.admitted VALUES (?, ?)", spans)
        found = connection.execute(WORDS_SQL.format(_ADMITTED), (match, limit))
        return [(int(row), float(score)) for row, score in found]
    finally:
        connection.execute("COMMIT")


@dataclass(frozen=True)
class Vocabulary:
    """What documents know of words: how many passages have a stem, of how many that were looked at, and their short forms."""

    holders: Mapping[str, int]
    passages: int
    short_forms: Expansions

    def knows(self, stem: str) -> bool:
        return stem in self.holders

    def rarity(self, stem: str) -> float:
        """Inverse document frequency, from 0 (in every passage) to 1 (in none), as `WordIndex` has it."""
        return rarity(self.holders.get(stem, 0), self.passages)


@dataclass(frozen=True)
class Words:
    """Of one index: stems with their passages, how many passages that is, and every pair of a short and a long form."""

    holders: Mapping[str, int]
    passages: int
    pairs: Sequence[tuple[str, tuple[str, ...]]]


def read_words(connection: sqlite3.Connection) -> Words:
    holders = dict(connection.execute("SELECT stem, rows FROM stems"))
    passages = int(connection.execute("SELECT stemmed FROM state").fetchone()[0])
    found = connection.execute("SELECT DISTINCT short, long FROM short_forms")
    return Words(holders, passages, [(short, tuple(long.split(" "))) for short, long in found])


def words_of(passages: Sequence[Passage]) -> Words:
    """What these passages alone know of words: of a store that is kept elsewhere there is no more."""
    holders = Counter(stem for passage in passages for stem in {*stems(" ".join(passage.heading)), *stems(passage.text)})
    return Words(holders, len(passages), list(pairs(plain(passage.text) for passage in passages)))


def together(parts: Sequence[Words]) -> Vocabulary:
    """Several indexes' words as one."""
    expansions = agreed(pair for part in parts for pair in part.pairs)
    if len(parts) == 1:
        return Vocabulary(parts[0].holders, parts[0].passages, expansions)
    holders: Counter[str] = Counter()
    for part in parts:
        holders.update(part.holders)
    return Vocabulary(holders, sum(part.passages for part in parts), expansions)
