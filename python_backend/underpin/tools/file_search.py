"""The `file_search` tool: the model's query in, passages out, each with the marker that cites it."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from pydantic import JsonValue

from ..knowledge.base import Found, Knowledge
from ..models.base import FunctionSpec
from .base import ToolContext, ToolResult

FILE_SEARCH = "file_search"
MAX_PASSAGES = 10
MAX_QUERY_CHARS = 4096
"""Longer questions are cut: only their words count, and nobody asks for more of them."""

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


class FileSearch:
    """Implements Tool over the documents that the knowledge room holds."""

    name = FILE_SEARCH
    spec = _SPEC

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    async def run(self, arguments: str, context: ToolContext) -> ToolResult:
        """`output` is a JSON object with `passages`; asked for `quotes` (how many), also with `quotes`, `unknown` (words of the
        question that no document has) and `topics`. Arguments that cannot be read give an object with `error`."""
        try:
            asked = msgspec.json.decode(arguments, type=_Arguments)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            return _failed(f'The arguments of {FILE_SEARCH} must be JSON like {{"query": "..."}}: {error}.')
        if not asked.query.strip():
            return _failed("The query is empty. Say what to look for.")
        query = asked.query[:MAX_QUERY_CHARS]
        before = asked.context[:MAX_QUERY_CHARS]
        found = await self._knowledge.search(f"{query} {before}", limit=MAX_PASSAGES)
        output: dict[str, JsonValue] = {"query": query, "passages": [_passage(rank, hit) for rank, hit in enumerate(found)]}
        if asked.quotes:
            output |= await self._quotes(query, before, found, asked.quotes)
        return ToolResult(msgspec.json.encode(output).decode(), _details(found))

    async def _quotes(self, query: str, before: str, found: Sequence[Found], limit: int) -> dict[str, JsonValue]:
        evidence = await self._knowledge.quotes(query, found, context=before, limit=limit)
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
            "topics": list(await self._knowledge.topics()),
        }


def _passage(rank: int, hit: Found) -> dict[str, JsonValue]:
    passage = hit.passage
    return {
        "marker": f"【{passage.number}:{rank}†{passage.filename}】",
        "file_id": passage.file_id,
        "filename": passage.filename,
        "heading": " › ".join(passage.heading),
        "text": passage.text,
        "score": hit.score,
    }


def _details(found: Sequence[Found]) -> dict[str, JsonValue]:
    return {
        "ranking_options": {"ranker": "auto", "score_threshold": 0.0},
        "results": [{"file_id": hit.passage.file_id, "file_name": hit.passage.filename, "score": hit.score} for hit in found],
    }


def _failed(reason: str) -> ToolResult:
    return ToolResult(msgspec.json.encode({"error": reason}).decode(), _details([]))
