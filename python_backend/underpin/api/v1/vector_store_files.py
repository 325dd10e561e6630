"""/v1/vector_stores/{id}/files: put in, listed, given attributes, read as they were understood, taken out."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from ...objects.vector_store_file import VectorStoreFile
from ...store.base import Conditions, Page, Scope
from ..auth import owner_of
from ..described import query
from ..rooms import rooms_of
from .answers import Deleted, Listed, answers
from .body import Fields, read, v1_doc
from .envelope import InvalidRequest
from .lookup import find_store, find_store_file
from .paging import list_doc, list_envelope, part_of
from .store_shapes import Attributes, Chunking, FileId, stored_attributes, stored_chunking

router = APIRouter(prefix="/vector_stores/{vector_store_id}", tags=["vector store files"])

STATUSES = ("in_progress", "completed", "failed", "cancelled")
MOST_PARTS = 1000
"""Of a file's text in one answer: the SDKs do not ask for a second one, and few files have as many."""


class NewStoreFile(Fields):
    file_id: FileId
    attributes: Attributes = {}
    chunking_strategy: Chunking | None = None


class ChangedStoreFile(Fields):
    attributes: Attributes


class ContentPart(BaseModel):
    type: Literal["text"]
    text: str


class Content(BaseModel):
    object: Literal["vector_store.file_content.page"]
    data: list[ContentPart]
    has_more: bool
    next_page: str | None


FILTERED = list_doc(query("filter", {"type": "string", "enum": [*STATUSES]}))


@router.post("/files", openapi_extra=v1_doc(NewStoreFile), responses=answers(VectorStoreFile))
async def create_vector_store_file(request: Request, vector_store_id: str) -> Response:
    """Put a file into the store; it is read in the background."""
    body = await read(request, NewStoreFile)
    store = await find_store(request, vector_store_id)
    added = await rooms_of(request).store_files.add(
        owner_of(request),
        store.id,
        body.file_id,
        attributes=stored_attributes(body.attributes),
        chunking=stored_chunking(body.chunking_strategy),
    )
    return JSONResponse(added.wire())


@router.get("/files", openapi_extra=FILTERED, responses=answers(Listed[VectorStoreFile]))
async def list_vector_store_files(request: Request, vector_store_id: str) -> Response:
    """The store's files."""
    store = await find_store(request, vector_store_id)
    return await files_answer(request, store.id, {})


@router.get("/files/{file_id}", responses=answers(VectorStoreFile))
async def retrieve_vector_store_file(request: Request, vector_store_id: str, file_id: str) -> Response:
    """One file, with how far it is and what went wrong."""
    return JSONResponse((await find_store_file(request, vector_store_id, file_id)).wire())


@router.post("/files/{file_id}", openapi_extra=v1_doc(ChangedStoreFile), responses=answers(VectorStoreFile))
async def modify_vector_store_file(request: Request, vector_store_id: str, file_id: str) -> Response:
    """Give the file these attributes instead of its own."""
    body = await read(request, ChangedStoreFile)
    found = await find_store_file(request, vector_store_id, file_id)
    files = rooms_of(request).store_files
    changed = await files.modify(found.owner, found.vector_store_id, found.file_id, stored_attributes(body.attributes))
    return JSONResponse(changed.wire())


@router.delete("/files/{file_id}", responses=answers(Deleted))
async def delete_vector_store_file(request: Request, vector_store_id: str, file_id: str) -> Response:
    """Take the file out of the store; the file itself stays."""
    found = await find_store_file(request, vector_store_id, file_id)
    await rooms_of(request).store_files.take_out(found)
    return JSONResponse({"id": found.file_id, "object": "vector_store.file.deleted", "deleted": True})


@router.get("/files/{file_id}/content", openapi_extra={"parameters": [query("page")]}, responses=answers(Content))
async def retrieve_vector_store_file_content(request: Request, vector_store_id: str, file_id: str) -> Response:
    """The file's text as it was understood, in the pieces in which it is searched, without what these have twice. Empty while the
    file is not completed."""
    found = await find_store_file(request, vector_store_id, file_id)
    after = _page(request.query_params.get("page"))
    # One chunk more at the beginning tells where the last page ended.
    page = await rooms_of(request).store_files.chunks(found, after=max(after - 1, 0), limit=MOST_PARTS)
    parts: list[dict[str, str]] = []
    end = 0
    for chunk in page.data:
        text = chunk.text[max(0, len(chunk.text) - (chunk.end - max(end, chunk.start))) :]
        end = max(end, chunk.end)
        if chunk.seq > after and text:
            parts.append({"type": "text", "text": text})
    next_page = f"page_{page.data[-1].seq}" if page.has_more else None
    return JSONResponse(
        {"object": "vector_store.file_content.page", "data": parts, "has_more": page.has_more, "next_page": next_page}
    )


async def files_answer(request: Request, vector_store_id: str, where: Conditions) -> Response:
    """The part of a store's files that the request asks for, of those of which `where` holds."""
    part, rooms, owner = part_of(request), rooms_of(request), owner_of(request)
    wanted = request.query_params.get("filter") or None
    if wanted is not None:
        if wanted not in STATUSES:
            text = f"Invalid value: '{wanted[:40]}'. Supported values are: {', '.join(repr(one) for one in STATUSES)}."
            raise InvalidRequest(text, param="filter", code="invalid_value")
        where = {**where, "status": wanted}

    async def place(file_id: str | None) -> int | None:
        return None if file_id is None else (await find_store_file(request, vector_store_id, file_id)).seq

    page = await rooms.store.page(
        VectorStoreFile,
        vector_store_id,
        scope=Scope(owner),
        after=await place(part.after),
        before=await place(part.before),
        limit=part.limit,
        order=part.order,
        where=where,
    )
    # Under the ids that their clients know.
    return list_envelope(
        Page([one.model_copy(update={"id": one.file_id}) for one in page.data], page.has_more), VectorStoreFile.wire
    )


def _page(token: str | None) -> int:
    if not token:
        return 0
    digits = token.removeprefix("page_")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise InvalidRequest("Invalid 'page': it is no 'next_page' of an answer before.", param="page", code="invalid_value")
    return int(digits)
