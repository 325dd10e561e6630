"""Citations: the markers in what a model writes become annotations, or go. Text and facts in, text and citations out.

A marker that names a passage that this run's searches found is written in its one form and told as a citation; one that names
nothing goes, with the space before it. Text is held back only while it may become a marker. Before a run's first search
everything passes as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from ..models.base import CitationDelta, TextDelta, ToolCallDelta
from .loop import Answered, LoopFact, OutOfBudget, OutputsNeeded, ToolsAnswered
from .markers import Marker, Named, end_of, may_begin, next_open, read
from .quoted import quote_of

CLAIM = 400
"""Characters before a marker in which the claim stands that it is about."""


@dataclass(frozen=True)
class Source:
    """A passage that a search of this run found."""

    marker: str
    file_id: str
    filename: str
    text: str
    chunk: int | None
    page: int | None


class Citations:
    """One for each leg of a run. `searches`: what is kept of the calls of file_search that the run made before."""

    def __init__(self, searches: Iterable[Mapping[str, JsonValue]] = ()) -> None:
        self._sources: dict[tuple[int, int], Source] = {}
        self._searched = False
        for details in searches:
            self._learn_of(details)
        self._held = ""
        self._length = 0
        """Code points of the open message's text so far."""
        self._said = ""
        """The last of it."""
        self._out: list[LoopFact] = []

    def batch(self, facts: Sequence[LoopFact]) -> Sequence[LoopFact]:
        """The facts as they are recorded. Cheap where nothing looks like a marker."""
        if not self._searched:
            for fact in facts:
                if type(fact) is ToolsAnswered:
                    self._learn(fact)
            return facts
        self._out = []
        for fact in facts:
            if type(fact) is TextDelta:
                text = fact.text
                if self._held or may_begin(text) or text[-1:] == " ":
                    self._read(text)
                else:
                    self._say(text, fact)
            elif type(fact) is not CitationDelta:  # what a model cites by itself it has not found here
                self._other(fact)
        return self._out

    def rest(self) -> str:
        """What is held back and will not become a marker any more: the answer was ended from outside."""
        held, self._held = self._held, ""
        return held

    def _other(self, fact: LoopFact) -> None:
        if isinstance(fact, ToolCallDelta | Answered | OutputsNeeded | OutOfBudget):  # the message ends here
            self._say(self.rest())
            self._length, self._said = 0, ""
        elif isinstance(fact, ToolsAnswered):
            self._learn(fact)
        self._out.append(fact)

    def _learn(self, fact: ToolsAnswered) -> None:
        for result in fact.results.values():
            self._learn_of(result.details)

    def _learn_of(self, details: Mapping[str, JsonValue]) -> None:
        # A search that found nothing is one too: what is cited after it cites nothing.
        self._searched = self._searched or "results" in details
        self._sources |= _sources(details)

    def _read(self, new: str) -> None:
        text, self._held = self._held + new, ""
        begin = look = 0
        while (opened := next_open(text, look)) >= 0:
            end = end_of(text, opened)
            if end is None:
                spaces = len(text[begin:opened]) - len(text[begin:opened].rstrip(" "))
                self._say(text[begin : opened - spaces])
                self._held = text[opened - spaces :]
                return
            before = text[opened - 1] if opened > begin else self._said[-1:]
            marker = read(text[opened:end], before) if end else None
            cited = self._cited(marker) if marker is not None else []
            if cited:
                self._say(text[begin:opened])
                for source in cited:
                    self._cite(source)
            elif marker is not None and marker.sure:
                self._say(text[begin:opened].rstrip(" "))
            else:
                look = opened + 1
                continue
            begin = look = end
        last = text[begin:].rstrip(" ")
        self._say(last)
        self._held = text[begin + len(last) :]

    def _say(self, text: str, fact: TextDelta | None = None) -> None:
        if text:
            self._length += len(text)
            self._said = (self._said + text)[-CLAIM:]
            self._out.append(fact or TextDelta(text))

    def _cite(self, source: Source) -> None:
        quote = quote_of(source.text, self._claim())
        begin = self._length
        self._say(source.marker)
        self._out.append(
            CitationDelta(source.marker, begin, self._length, source.file_id, quote, chunk=source.chunk, page=source.page)
        )

    def _claim(self) -> str:
        """What was said since the last line began, without markers."""
        line = self._said.rstrip("\n").rpartition("\n")[2]
        claims = [part.rpartition("】")[2] for part in line.split("【")]
        return next((claim for claim in reversed(claims) if claim.strip()), "")

    def _cited(self, marker: Marker) -> list[Source]:
        found = (self._source(named) for named in marker.named)
        return [source for source in found if source is not None]

    def _source(self, named: Named) -> Source | None:
        if named.search is not None:
            return self._sources.get((named.search, named.rank))
        # The old form: the file decides, or that there was one search only.
        of_rank = [source for (_, rank), source in self._sources.items() if rank == named.rank]
        of_file = [source for source in of_rank if source.filename == named.source]
        if len(of_file) == 1:
            return of_file[0]
        return of_rank[0] if len({search for search, _ in self._sources}) == 1 and named.source in ("", "source") else None


def _sources(details: Mapping[str, JsonValue]) -> dict[tuple[int, int], Source]:
    """The passages in what is kept of a call, by search and rank."""
    results = details.get("results")
    found: dict[tuple[int, int], Source] = {}
    for result in results if isinstance(results, list) else ():
        marker = read(str(result.get("marker", "")) or "[]", "") if isinstance(result, dict) else None
        if isinstance(result, dict) and marker is not None and marker.named and marker.named[0].search is not None:
            found[marker.named[0].search, marker.named[0].rank] = _source_of(result)
    return found


def _source_of(result: Mapping[str, JsonValue]) -> Source:
    content, chunk, page = result.get("content"), result.get("chunk"), result.get("page")
    texts = [str(part.get("text", "")) for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return Source(
        marker=str(result["marker"]),
        file_id=str(result["file_id"]),
        filename=str(result["file_name"]),
        text="\n".join(texts),
        chunk=chunk if isinstance(chunk, int) else None,
        page=page if isinstance(page, int) else None,
    )
