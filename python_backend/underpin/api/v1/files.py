"""/files: upload, list, retrieve, delete, download."""

from collections.abc import AsyncIterator
from typing import get_args

from fastapi import APIRouter, Request
from pydantic import JsonValue
from starlette.responses import JSONResponse, Response

from ...objects.file import File
from ..auth import owner_of
from ..described import query, sends_file
from ..download import Download
from ..rooms import rooms_of
from .answers import Deleted, Listed, answers
from .body import Fields, checked
from .envelope import InvalidRequest
from .file_fields import ExpiresAfter, FileName, PurposeGiven
from .form import FileField, read_form
from .paging import list_doc, list_envelope, part_of

router = APIRouter(tags=["files"])

LISTED = MOST_LISTED = 10_000


class Named(Fields):
    file: FileName


class NewFile(Fields):
    purpose: PurposeGiven
    expires_after: ExpiresAfter | None = None


UPLOAD_DOC: dict[str, object] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "purpose": {"type": "string", "enum": list(get_args(PurposeGiven))},
                        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
                        "expires_after[seconds]": {"type": "integer", "minimum": 3600, "maximum": 30 * 86_400},
                    },
                    "required": ["file", "purpose"],
                }
            }
        },
    }
}


@router.post("/files", openapi_extra=UPLOAD_DOC, responses=answers(File))
async def create_file(request: Request) -> Response:
    """Upload a file. Its bytes go to disk as they come; nothing is kept when anything about it is wrong."""
    rooms, owner = rooms_of(request), owner_of(request)
    most = rooms.max_file_bytes
    too_large = f"The file is larger than {most:,} bytes. Send a smaller one, or raise MAX_FILE_BYTES."
    field = FileField("file", most, too_large, rooms.file_gap_s)
    named: list[Named] = []
    async with rooms.files.arriving(owner) as arrival:

        async def take(name: str | None, pieces: AsyncIterator[bytes]) -> None:
            if name is None:
                text = "Invalid type for 'file': expected a file with a file name, but got a string instead."
                raise InvalidRequest(text, param="file", code="invalid_type")
            named.append(checked(Named, {"file": name}))
            await arrival.take(pieces)

        fields = await read_form(request, field, take)
        new = checked(NewFile, nested(fields))
        after_s = new.expires_after.seconds if new.expires_after else None
        file = await rooms.files.keep(arrival, owner, filename=named[0].file, purpose=new.purpose, expires_after_s=after_s)
    return JSONResponse(file.wire())


@router.get("/files", openapi_extra=list_doc(query("purpose"), most=MOST_LISTED), responses=answers(Listed[File]))
async def list_files(request: Request) -> Response:
    """The owner's files; all of them, unless there are more than 10,000."""
    rooms, owner = rooms_of(request), owner_of(request)
    part = part_of(request, listed=LISTED, most=MOST_LISTED)
    after = None if part.after is None else (await rooms.files.get(owner, part.after)).seq
    purpose = request.query_params.get("purpose") or None
    page = await rooms.files.page(owner, limit=part.limit, order=part.order, after=after, purpose=purpose)
    return list_envelope(page, lambda file: file.wire())


@router.get("/files/{file_id}", responses=answers(File))
async def retrieve_file(request: Request, file_id: str) -> Response:
    return JSONResponse((await rooms_of(request).files.get(owner_of(request), file_id)).wire())


@router.delete("/files/{file_id}", responses=answers(Deleted))
async def delete_file(request: Request, file_id: str) -> Response:
    await rooms_of(request).files.delete(owner_of(request), file_id)
    return JSONResponse({"id": file_id, "object": "file", "deleted": True})


@router.get("/files/{file_id}/content", response_class=Response, responses=sends_file())
async def download_file(request: Request, file_id: str) -> Response:
    """The bytes, as an attachment."""
    rooms = rooms_of(request)
    file = await rooms.files.get(owner_of(request), file_id)
    return Download(rooms.files.content(file), size=file.bytes, name=file.filename, gap_s=rooms.file_gap_s)


def nested(fields: dict[str, str]) -> dict[str, JsonValue]:
    """A form's `a[b]` as `{a: {b: …}}`, one level deep, as the SDKs write objects."""
    found: dict[str, JsonValue] = {}
    for name, value in fields.items():
        outer, bracket, inner = name.partition("[")
        if not (bracket and inner.endswith("]")):
            found[name] = value
            continue
        within = found.setdefault(outer, {})
        if isinstance(within, dict):
            within[inner[:-1]] = value
    return found
