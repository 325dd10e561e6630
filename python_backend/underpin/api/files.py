"""The documents that answers are quoted from, as the quickstart's front end lists and downloads them."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..errors import NotFound
from .answers import SearchedDocument, answers
from .attachment import attachment_headers
from .described import sends_file
from .rooms import rooms_of

router = APIRouter(prefix="/api", tags=["next"])


@router.get("/assistants/files", responses=answers(list[SearchedDocument]))
async def list_files(request: Request) -> Response:
    """Every document that is searched, as a bare array; these front ends ask for it every second."""
    documents = await rooms_of(request).knowledge.documents()
    return JSONResponse([{"file_id": one.file_id, "filename": one.name, "status": "completed"} for one in documents])


@router.get("/files/{file_id}", response_class=Response, responses=sends_file("text/plain"))
async def download(request: Request, file_id: str) -> Response:
    """A document's text, as an attachment: nothing that was uploaded is ever shown as a page of this server."""
    for document in await rooms_of(request).knowledge.documents():
        if document.file_id == file_id:
            headers = attachment_headers(document.name)
            return Response(document.text.encode(), media_type="text/plain; charset=utf-8", headers=headers)
    raise NotFound(f"No file found with id '{file_id[:100]}'.")
