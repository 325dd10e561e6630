"""Words → passages: SQLite's FTS5 ranks stems by BM25. In memory, derived from the passages, thrown away with them.

All of it blocks (a few milliseconds at most) and is made for one thread at a time.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from ..errors import ConfigError
from .abbreviations import Expansions, expand
from .base import Passage
from .question import rarity
from .words import content, stems

# The text is stems already: it is only to be split at the spaces.
_TOKENIZER = "\"unicode61 remove_diacritics 0 tokenchars '′.'\""
_HEADING_WEIGHT, _TEXT_WEIGHT = 2.0, 1.0


class WordIndex:
    def __init__(self, passages: Sequence[Passage], expansions: Expansions) -> None:
        """Index the passages; results name them by their place in the sequence. Raises ConfigError as `require_fts5` does."""
        self.expansions = expansions
        self.size = len(passages)
        self._database = require_fts5()
        self._database.executemany(
            "INSERT INTO passages (rowid, heading, text) VALUES (?, ?, ?)",
            ((at, self._line(" ".join(passage.heading)), self._line(passage.text)) for at, passage in enumerate(passages)),
        )
        self._holders: dict[str, int] = dict(self._database.execute("SELECT term, doc FROM words"))

    def close(self) -> None:
        self._database.close()

    def search(self, question: str, limit: int) -> list[tuple[int, float]]:
        """The best passages, best first: place and BM25 score, higher is better."""
        words = [word for word in dict.fromkeys(expand(content(question), self.expansions)) if word in self._holders]
        if not words:
            return []
        match = " OR ".join(f'"{word}"' for word in words)
        rows = self._database.execute(
            "SELECT rowid, -bm25(passages, ?, ?) AS score FROM passages WHERE passages MATCH ? ORDER BY score DESC LIMIT ?",
            (_HEADING_WEIGHT, _TEXT_WEIGHT, match, limit),
        )
        return [(int(at), float(score)) for at, score in rows]

    def knows(self, word: str) -> bool:
        """Whether any passage has the stem."""
        return word in self._holders

    def rarity(self, word: str) -> float:
        """Inverse document frequency of a stem, from 0 (in every passage) to 1 (in none)."""
        return rarity(self._holders.get(word, 0), self.size)

    def _line(self, text: str) -> str:
        return " ".join(expand(stems(text), self.expansions))


def require_fts5() -> sqlite3.Connection:
    """An empty index in memory. Raises ConfigError where Python's SQLite was built without FTS5."""
    # Written by the thread that builds it and read by those that search, never by two at once: the library holds a lock.
    database = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        database.execute(f"CREATE VIRTUAL TABLE passages USING fts5(heading, text, tokenize = {_TOKENIZER})")
        database.execute("CREATE VIRTUAL TABLE words USING fts5vocab(passages, 'row')")
    except sqlite3.OperationalError as error:
        database.close()
        raise ConfigError(
            f"This Python's SQLite {sqlite3.sqlite_version} cannot search text ({error}). "
            "Use a Python whose SQLite has FTS5, such as the one from python.org or from your system's packages."
        ) from None
    return database


def titles(passages: Iterable[Passage]) -> list[str]:
    """The outermost heading of each document, or its file name, each once."""
    return list(dict.fromkeys(passage.heading[0] if passage.heading else passage.filename for passage in passages))
