"""/v1/vector_stores/{id}/search: the best passages of a vector store for a question, or for several."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, BeforeValidator, Field, JsonValue
from starlette.responses import JSONResponse, Response

from ...knowledge.base import Found
from ...knowledge.filters import Filter, Value
from ..rooms import rooms_of
from .answers import answers
from .body import Fields, Flag, Number, Text, Whole, null_as, read, v1_doc
from .invalid import mistake, wrong_type
from .lookup import find_store
from .store_filters import parse_filter

router = APIRouter(prefix="/vector_stores/{vector_store_id}/search", tags=["vector stores"])

MOST_RESULTS = 50
RESULTS = 10
MOST_QUERIES = 20
MOST_CHARACTERS = 4096
"""Of one query: longer than any question, and as much as an embedder reads anyway."""


def _queries(value: object) -> object:
    """A string or a list of strings, as a list."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise wrong_type("a string or an array of strings", value)
    if any(isinstance(one, str) and not one.strip() for one in value):
        raise mistake("Invalid '{param}': empty string. Expected a question.", "empty_string")
    return value


class RankingOptions(Fields):
    ranker: Annotated[Literal["none", "auto", "default-2024-11-15", "default_2024_08_21"], null_as("auto")] = "auto"
    score_threshold: Annotated[Number, Field(ge=0.0, le=1.0), null_as(0.0)] = 0.0


class Search(Fields):
    query: Annotated[
        list[Annotated[Text, Field(max_length=MOST_CHARACTERS)]],
        Field(min_length=1, max_length=MOST_QUERIES),
        BeforeValidator(_queries),
    ]
    filters: dict[str, JsonValue] | None = None
    max_num_results: Annotated[Whole, Field(ge=1, le=MOST_RESULTS), null_as(RESULTS)] = RESULTS
    ranking_options: Annotated[RankingOptions, null_as({})] = RankingOptions()
    rewrite_query: Annotated[Flag, null_as(False)] = False


class ResultContent(BaseModel):
    type: Literal["text"]
    text: str


class Result(BaseModel):
    file_id: str
    filename: str
    score: float
    attributes: dict[str, Value]
    content: list[ResultContent]


class Results(BaseModel):
    object: Literal["vector_store.search_results.page"]
    search_query: list[str]
    data: list[Result]
    has_more: bool
    next_page: str | None


@router.post("", openapi_extra=v1_doc(Search), responses=answers(Results))
async def search_vector_store(request: Request, vector_store_id: str) -> Response:
    """The best passages, best first. `rewrite_query` is accepted: every query is understood the same way."""
    body = await read(request, Search)
    where = None if body.filters is None else parse_filter(body.filters)
    rooms = rooms_of(request)
    store = await find_store(request, vector_store_id)
    await rooms.vector_stores.usable(store.owner, store.id)
    found = await _search(request, store.owner, store.id, body, where)
    return JSONResponse(
        {
            "object": "vector_store.search_results.page",
            "search_query": body.query,
            "data": [_told(one) for one in found],
            "has_more": False,
            "next_page": None,
        }
    )


async def _search(request: Request, owner: str, store_id: str, body: Search, where: Filter | None) -> list[Found]:
    """For several queries, the best of each passage's scores."""
    best: dict[tuple[str, int], Found] = {}
    for query in body.query:
        for found in await rooms_of(request).shelves.search(
            owner,
            [store_id],
            query,
            limit=body.max_num_results,
            where=where,
            threshold=body.ranking_options.score_threshold,
        ):
            key = (found.passage.file_id, found.passage.number)
            if key not in best or best[key].score < found.score:
                best[key] = found
    return sorted(best.values(), key=lambda found: -found.score)[: body.max_num_results]


def _told(found: Found) -> dict[str, JsonValue]:
    return {
        "file_id": found.passage.file_id,
        "filename": found.passage.filename,
        "score": min(1.0, max(0.0, found.score)),
        "attributes": dict(found.attributes),
        "content": [{"type": "text", "text": found.passage.text}],
    }
