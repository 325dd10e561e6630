"""The `file_search` tool: the model's query in, passages out, each with the marker that cites it."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from pydantic import JsonValue

from ..knowledge.base import Found, Passage, Shelves
from ..models.base import FunctionSpec
from ..models.follow_up import refers_back
from .base import ToolContext, ToolResult

FILE_SEARCH = "file_search"
RESULTS, MOST_RESULTS = 20, 50
"""OpenAI's default and limit of `max_num_results`."""
RESULTS_BEFORE_ANSWER = 5
"""For a model that calls no tools: such models are small, and more passages confuse them."""
MOST_CHARACTERS = 48_000
"""Of all passages together: some 12,000 tokens, as many as OpenAI gave to its smaller half of models."""
MOST_CHARACTERS_BEFORE_ANSWER = 6_000
MOST_NAME = 80
"""As much of a file's name as a marker bears."""
MAX_QUERY_CHARS = 4096
"""Longer questions are cut: only their words count, and nobody asks for more of them."""

_IN_MARKERS = str.maketrans("【】[]†", "()()+", "\n\r\t")

_SPEC = FunctionSpec(
    name=FILE_SEARCH,
    description=(
        "Search the documents for passages about something. Cite a passage by writing its marker, exactly as it is given, "
        "after the sentence that rests on it."
    ),
    parameters={
        "type": "object",
        "properties": {"query": {"type": "string", "description": "What to look for, as a full question or as key words."}},
        "required": ["query"],
        "additionalProperties": False,
    },
)


class _Arguments(msgspec.Struct):
    """`context` and `quotes` are for models that cannot read passages: they get the sentences themselves."""

    query: str
    context: str = ""
    quotes: Annotated[int, msgspec.Meta(ge=0, le=50)] = 0


class _Ranking(msgspec.Struct):
    ranker: str = "auto"
    score_threshold: float = 0.0


class _Options(msgspec.Struct):
    """Of the tool's definition; its limits are checked where it is given."""

    max_num_results: int | None = None
    ranking_options: _Ranking | None = None


class _Definition(msgspec.Struct):
    file_search: _Options | None = None


class FileSearch:
    """Implements Tool over the vector stores that a run searches. `most_characters`: of all passages of one search."""

    name = FILE_SEARCH
    spec = _SPEC

    def __init__(self, shelves: Shelves, *, most_characters: int = MOST_CHARACTERS) -> None:
        self._shelves = shelves
        self._most_characters = most_characters

    async def run(self, arguments: str, context: ToolContext) -> ToolResult:
        """`output` is a JSON object with `passages`; asked for `quotes` (how many), also with `quotes`, `unknown` (words of the
        question that no document has) and `topics`. Where nothing was found, `being_read` says how many files are not read
        yet. Arguments that cannot be read give an object with `error`."""
        options = _options(context.definitions.get(FILE_SEARCH, {}))
        try:
            asked = msgspec.json.decode(arguments, type=_Arguments)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            return _failed(f'The arguments of {FILE_SEARCH} must be JSON like {{"query": "..."}}: {error}.', options)
        if not asked.query.strip():
            return _failed("The query is empty. Say what to look for.", options)
        query = asked.query[:MAX_QUERY_CHARS]
        before = asked.context[:MAX_QUERY_CHARS] if not context.before_answer or refers_back(query) else ""
        owner, stores = context.scope.owner, context.vector_stores
        ranking = options.ranking_options or _Ranking()
        found = await self._shelves.search(
            owner, stores, f"{query} {before}".strip(), limit=_limit(options, context), threshold=ranking.score_threshold
        )
        found = _that_fit(found, self._room(context))
        output: dict[str, JsonValue] = {
            "query": query,
            "passages": [_passage(context.ordinal, rank, hit.passage) for rank, hit in enumerate(found)],
        }
        if asked.quotes:
            output |= await self._quotes(context, query, before, found, asked.quotes)
        if not output.get("quotes", found) and (being_read := await self._shelves.being_read(owner, stores)):
            output["being_read"] = being_read
        return ToolResult(msgspec.json.encode(output).decode(), _details(options, context.ordinal, found))

    def _room(self, context: ToolContext) -> int:
        return min(self._most_characters, MOST_CHARACTERS_BEFORE_ANSWER) if context.before_answer else self._most_characters

    async def _quotes(
        self, context: ToolContext, query: str, before: str, found: Sequence[Found], limit: int
    ) -> dict[str, JsonValue]:
        owner, stores = context.scope.owner, context.vector_stores
        evidence = await self._shelves.quotes(owner, stores, query, found, context=before, limit=limit)
        places = {hit.passage: place for place, hit in enumerate(found)}
        return {
            "quotes": [
                {
                    "passage": places[quote.passage],
                    "text": quote.text,
                    "score": round(quote.score, 4),
                    "fits": quote.fits,
                    "is_row": quote.is_row,
                    "after": quote.after,
                }
                for quote in evidence.quotes
            ],
            "unknown": list(evidence.unknown),
            "topics": list(await self._shelves.topics(owner, stores)),
        }


def marker(search: int, rank: int, filename: str) -> str:
    """What a model writes to cite a passage: `【0:3†report.pdf】`. The brackets and the dagger are its own."""
    return f"【{search}:{rank}†{filename.translate(_IN_MARKERS)[:MOST_NAME].strip()}】"


def _options(definition: Mapping[str, JsonValue]) -> _Options:
    return msgspec.convert(definition, _Definition).file_search or _Options()


def _limit(options: _Options, context: ToolContext) -> int:
    default = RESULTS_BEFORE_ANSWER if context.before_answer else RESULTS
    wanted = min(options.max_num_results or default, MOST_RESULTS)
    return min(wanted, RESULTS_BEFORE_ANSWER) if context.before_answer else wanted


def _that_fit(found: Sequence[Found], room: int) -> list[Found]:
    """The best ones, as long as there is room; the first in any case."""
    kept: list[Found] = []
    for hit in found:
        room -= len(hit.passage.text)
        if kept and room < 0:
            break
        kept.append(hit)
    return kept


def _passage(search: int, rank: int, passage: Passage) -> dict[str, JsonValue]:
    page: dict[str, JsonValue] = {} if passage.page is None else {"page": passage.page}
    return {
        "marker": marker(search, rank, passage.filename),
        "filename": passage.filename,
        "heading": _heading(passage),
        **page,
        "text": passage.text,
    }


def _heading(passage: Passage) -> str:
    return " › ".join(passage.heading)


def _details(options: _Options, search: int, found: Sequence[Found]) -> dict[str, JsonValue]:
    ranking = options.ranking_options or _Ranking()
    return {
        "ranking_options": {"ranker": ranking.ranker, "score_threshold": ranking.score_threshold},
        "results": [
            {
                "file_id": hit.passage.file_id,
                "file_name": hit.passage.filename,
                "score": hit.score,
                "content": [{"type": "text", "text": hit.passage.text}],
                "marker": marker(search, rank, hit.passage.filename),
                "chunk": hit.passage.number,
                "page": hit.passage.page,
                "heading": _heading(hit.passage),
            }
            for rank, hit in enumerate(found)
        ],
    }


def _failed(reason: str, options: _Options) -> ToolResult:
    return ToolResult(msgspec.json.encode({"error": reason}).decode(), _details(options, 0, []))
