"""/files/{file_id}/passages: the passage behind a citation, with its page. OpenAI has no such call."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from ...knowledge.passages import MOST_QUOTE_CHARS, Around
from ..auth import owner_of
from ..described import query
from ..rooms import rooms_of
from .answers import answers
from .envelope import InvalidRequest

router = APIRouter(tags=["files"])

PARAMETERS: dict[str, object] = {
    "parameters": [
        query("chunk", {"type": "integer", "minimum": 0}),
        query("quote", {"type": "string", "maxLength": MOST_QUOTE_CHARS}),
        query("vector_store_id"),
    ]
}


class Place(BaseModel):
    start: int
    end: int


class FilePassage(BaseModel):
    object: Literal["file.passage"]
    file_id: str
    filename: str
    vector_store_id: str | None
    chunk: int | None
    page: int | None
    heading: list[str]
    text: str
    start: int
    end: int
    before: str
    after: str
    highlight: Place | None


@router.get("/files/{file_id}/passages", openapi_extra=PARAMETERS, responses=answers(FilePassage))
async def passage(request: Request, file_id: str) -> Response:
    """The passage of a file by its number (`chunk`), or by words that stand in it (`quote`), with what stands before and after
    it. With both, the quote's place in it is told. Offsets are code points of the file's text."""
    given = request.query_params
    chunk, quote = _number(given.get("chunk")), given.get("quote") or None
    if chunk is None and quote is None:
        raise InvalidRequest("Missing required parameter: 'chunk' or 'quote'.", param="chunk", code="missing_required_parameter")
    if quote is not None:
        quote = quote[:MOST_QUOTE_CHARS]  # the rest of a longer one finds nothing else
    found = await rooms_of(request).passages.around(
        owner_of(request), file_id, chunk=chunk, quote=quote, vector_store_id=given.get("vector_store_id") or None
    )
    return JSONResponse(_wire(found))


def _number(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidRequest("Invalid type for 'chunk': expected an integer from 0 on.", param="chunk", code="invalid_type")
    return int(text)


def _wire(found: Around) -> dict[str, object]:
    return {
        "object": "file.passage",
        "file_id": found.file_id,
        "filename": found.filename,
        "vector_store_id": found.vector_store_id,
        "chunk": found.chunk,
        "page": found.page,
        "heading": list(found.heading),
        "text": found.text,
        "start": found.start,
        "end": found.end,
        "before": found.before,
        "after": found.after,
        "highlight": {"start": found.highlight[0], "end": found.highlight[1]} if found.highlight else None,
    }
