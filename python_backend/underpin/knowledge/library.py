"""A folder of documents that can be searched: read, cut and indexed at the first question, kept in memory.

Nothing is written beside the documents or elsewhere, so what is searched is what the folder held when the process first looked.
"""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError
from . import question, quotes
from .abbreviations import learn
from .base import Document, Evidence, Found, Passage
from .chunk import passages
from .extract import plain
from .index import WordIndex, require_fts5, titles
from .shipped import read_folder

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "geotechnics"
"""The documents that come with the server."""

_HALF_SCORE = 8.0
"""A BM25 score that becomes 0.5. BM25 has no upper end; only the order of scores means something."""


@dataclass(frozen=True)
class _Shelf:
    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    index: WordIndex
    titles: tuple[str, ...]


class Library:
    """Implements Knowledge. One for a process; safe to use from several tasks at once."""

    def __init__(self, folder: Path = EXAMPLES) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._shelf: _Shelf | None = None

    async def open(self) -> None:
        """Raises ConfigError with one line when there is nothing to read, or nothing to search it with. Reads no document yet."""
        if not self._folder.is_dir():
            raise ConfigError(f"The documents' folder {self._folder.name} is missing from the installation. Install it again.")
        require_fts5().close()

    async def search(self, query: str, *, limit: int = 10) -> list[Found]:
        return await asyncio.to_thread(self._search, query, limit)

    async def quotes(self, question: str, found: Sequence[Found], *, context: str = "", limit: int = 5) -> Evidence:
        return await asyncio.to_thread(self._quotes, question, found, context, limit)

    async def documents(self) -> list[Document]:
        return list((await asyncio.to_thread(self._read)).documents)

    async def topics(self) -> list[str]:
        return list((await asyncio.to_thread(self._read)).titles)

    def _read(self) -> _Shelf:
        with self._lock:
            if self._shelf is None:
                self._shelf = _shelve(self._folder)
            return self._shelf

    def _search(self, query: str, limit: int) -> list[Found]:
        shelf = self._read()
        with self._lock:
            hits = shelf.index.search(query, limit)
        return [Found(shelf.passages[at], round(score / (score + _HALF_SCORE), 4)) for at, score in hits]

    def _quotes(self, text: str, found: Sequence[Found], context: str, limit: int) -> Evidence:
        index = self._read().index
        asked = question.read(text, context, index.rarity, passages=index.size)
        return quotes.best(asked, found, expansions=index.expansions, knows=index.knows, limit=limit)


def _shelve(folder: Path) -> _Shelf:
    documents = read_folder(folder)
    cut = tuple(passage for document in documents for passage in passages(document))
    expansions = learn(plain(document.text) for document in documents)
    return _Shelf(tuple(documents), cut, WordIndex(cut, expansions), tuple(titles(cut)))
