"""What users upload, as front ends of the quickstart family list, send, delete and download it: a standing store's files."""

from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..errors import NotFound, UnderpinError
from ..knowledge.standing_files import StandingFile
from .answers import Done, UploadedDocument, Uploads, answers
from .attachment import attachment_headers
from .auth import owner_of
from .body import Body, read_body
from .described import body_doc, sends_file
from .download import Download
from .rooms import Rooms, rooms_of
from .v1.body import checked
from .v1.envelope import InvalidRequest
from .v1.files import Named
from .v1.form import FileField, read_form

router = APIRouter(prefix="/api", tags=["next"])

MOST_FILES = 100
"""In one request."""

UPLOAD_DOC: dict[str, object] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": MOST_FILES},
                    },
                }
            }
        },
    }
}


class FileId(Body):
    fileId: str  # noqa: N815


@router.get("/assistants/files", responses=answers(list[UploadedDocument]))
async def list_files(request: Request) -> Response:
    """The uploads, newest first, as a bare array; these front ends ask for it every second. A failed one says why."""
    files = rooms_of(request).standing_files
    return JSONResponse([_listed(file) for file in await files.listed(files.standing.uploads.id)])


@router.post("/assistants/files", openapi_extra=UPLOAD_DOC, responses=answers(Uploads))
async def upload(request: Request) -> Response:
    """Add files: one as `file`, or many as `files`. Their bytes go to disk as they come; all are kept, or none."""
    rooms = rooms_of(request)
    most = rooms.max_file_bytes
    too_large = f"The file is larger than {most:,} bytes. Send a smaller one, or raise MAX_FILE_BYTES."
    field = FileField("file", most, too_large, rooms.file_gap_s, many="files", most_files=MOST_FILES)
    added: list[str] = []

    async def take(name: str | None, pieces: AsyncIterator[bytes]) -> None:
        added.append(await _add(request, rooms, name, pieces))

    # Asked before a byte is read: nobody should send half a gigabyte to hear that there is no place for it.
    await rooms.standing_files.standing.place(rooms.standing_files.standing.uploads.id)
    try:
        await read_form(request, field, take)
    except BaseException:
        await _take_back(rooms, added)
        raise
    said = "1 file was" if len(added) == 1 else f"{len(added)} files were"
    return JSONResponse(
        {
            "success": True,
            "filesUploaded": len(added),
            "fileIds": added,
            "status": "queued",
            "message": f"{said} uploaded and will be searchable in a moment.",
        }
    )


@router.delete("/assistants/files", openapi_extra=body_doc(FileId), responses=answers(Done))
async def delete(request: Request) -> Response:
    """Delete an upload. 404 for what is none."""
    file_id = (await read_body(request, FileId)).fileId
    files = rooms_of(request).standing_files
    await files.remove(files.standing.uploads.id, file_id)
    return JSONResponse({"success": True})


@router.get("/files/{file_id}", response_class=Response, responses=sends_file("application/octet-stream", "text/plain"))
async def download(request: Request, file_id: str) -> Response:
    """The bytes of a file, as an attachment: one that was uploaded, one of a standing store at the model's server where that
    gives it back, or a document that comes with the server."""
    rooms = rooms_of(request)
    for document in await rooms.knowledge.documents():
        if document.file_id == file_id:
            headers = attachment_headers(document.name)
            return Response(document.text.encode(), media_type="text/plain; charset=utf-8", headers=headers)
    try:
        file = await rooms.files.get(owner_of(request), file_id)
    except NotFound:
        there = await rooms.standing_files.bytes_there(file_id)
        return Download(there.content, size=there.size, name=there.name, gap_s=rooms.file_gap_s)
    return Download(rooms.files.content(file), size=file.bytes, name=file.filename, gap_s=rooms.file_gap_s)


async def _add(request: Request, rooms: Rooms, name: str | None, pieces: AsyncIterator[bytes]) -> str:
    if name is None:
        text = "Invalid type for 'file': expected a file with a file name, but got a string instead."
        raise InvalidRequest(text, param="file", code="invalid_type")
    named = checked(Named, {"file": name}).file
    files = rooms.standing_files
    async with rooms.files.arriving(owner_of(request)) as arrival:
        await arrival.take(pieces)
        return await files.add(files.standing.uploads.id, arrival, named)


async def _take_back(rooms: Rooms, added: list[str]) -> None:
    files = rooms.standing_files
    for file_id in added:
        # What went wrong before is what the client hears of.
        with suppress(UnderpinError):
            await files.remove(files.standing.uploads.id, file_id)


def _listed(file: StandingFile) -> dict[str, str]:
    shown = {"file_id": file.file_id, "filename": file.filename, "status": file.status}
    return {**shown, "error": file.reason} if file.reason else shown
