"""What other rooms see of the knowledge room: documents, passages, and a search that finds them.

Everything behind it (how files are read, cut, indexed, ranked) may change without them. A passage's `text` is all that quoting
needs, so passages of other formats, stores and rankers are quoted the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .filters import Filter, Value

EXAMPLES = "examples"
"""In a list of vector stores: the documents that come with the server. They are searched while the other stores of the list
hold none."""


@dataclass(frozen=True)
class Document:
    """A file's text. The hash of all texts decides whether an index is still true."""

    file_id: str
    name: str
    text: str
    pages: tuple[int, ...] = ()
    """Where its pages begin in `text`, in code points; empty where it has none."""


@dataclass(frozen=True)
class Passage:
    """A piece of a document, small enough to quote from.

    `text` is Markdown. It is `document.text[start:end]` (code points), except that a list or table that was cut begins again with
    its lead-in and its header.
    """

    file_id: str
    filename: str
    number: int
    """Place in its document, from 0."""
    heading: tuple[str, ...]
    """The headings above it, outermost first."""
    text: str
    start: int
    end: int
    page: int | None = None
    """The page of the file on which it begins, from 1."""


@dataclass(frozen=True)
class Found:
    """A passage that a search found; `score` is from 0 to 1 and orders the passages of one search only."""

    passage: Passage
    score: float
    attributes: Mapping[str, Value] = field(default_factory=dict, hash=False)
    """Those of its file in the vector store."""


@dataclass(frozen=True)
class Quote:
    """A sentence, list item or table row of a passage, as it is shown to a reader.

    `score` says how much of the question's meaning-bearing words stand in it or in what it belongs to (headings, the table's
    header, the sentence before), rare words counting more: 0 to about 1, a little above when its subject is what is asked for.
    It may be compared between questions. `fits` is False where the question asks for a kind of thing (a year, a person, a
    number in a unit) that the quote does not hold.
    """

    passage: Passage
    text: str
    score: float
    fits: bool
    is_row: bool = False
    after: str = ""
    """The sentence that follows it in its paragraph."""


@dataclass(frozen=True)
class Evidence:
    """What the passages offer for a question: quotes, best first, and the question's words that the documents never use."""

    quotes: tuple[Quote, ...]
    unknown: tuple[str, ...]


class Knowledge(Protocol):
    """Documents that can be searched. Nothing here blocks the event loop; no call raises for what a question contains."""

    async def search(self, query: str, *, limit: int = 10) -> list[Found]:
        """The passages nearest to a question, best first; none when no word of it occurs."""

    async def quotes(self, question: str, found: Sequence[Found], *, context: str = "", limit: int = 5) -> Evidence:
        """The best quotes from passages that were found. `context` is what was talked about before: its words help to choose,
        and are not asked for."""

    async def documents(self) -> list[Document]:
        """The documents that are searched, in the order of their names."""

    async def topics(self) -> list[str]:
        """What the documents are about: their titles, in the order of their names."""


class Shelves(Protocol):
    """Vector stores, here or at the upstream, and the shipped documents, searched together by their ids. Nothing here blocks the
    event loop. A store that is not there (or another owner's, or expired) is left out; only a store that cannot be asked raises,
    with a sentence for people."""

    async def search(
        self,
        owner: str,
        stores: Sequence[str],
        query: str,
        *,
        limit: int = 10,
        where: Filter | None = None,
        threshold: float = 0.0,
    ) -> list[Found]:
        """The best passages of all of them, best first, none below the threshold (0 to 1). Counts as a use of the stores."""

    async def quotes(
        self, owner: str, stores: Sequence[str], question: str, found: Sequence[Found], *, context: str = "", limit: int = 5
    ) -> Evidence:
        """As `Knowledge.quotes`, for passages that `search` found in these stores."""

    async def being_read(self, owner: str, stores: Sequence[str]) -> int:
        """How many files of these stores are still being read, and so are not found yet. Of stores elsewhere it is not known."""

    async def topics(self, owner: str, stores: Sequence[str]) -> list[str]:
        """What the stores are about: titles or names of their documents, some thirty at most."""
