"""/uploads: a large file in parts."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ...files.uploads import MOST_PART_BYTES, MOST_PARTS, NewUpload
from ...objects.file import File
from ...objects.upload import Upload, UploadPart
from ..auth import owner_of
from ..rooms import rooms_of
from .answers import answers
from .body import Fields, Text, Whole, read, v1_doc
from .file_fields import ExpiresAfter, FileName, PurposeGiven
from .form import FileField, read_form

router = APIRouter(tags=["uploads"])

PART_TOO_LARGE = f"The part is larger than {MOST_PART_BYTES:,} bytes, the most that one may have. Send more and smaller parts."


class CreateUpload(Fields):
    filename: FileName
    purpose: PurposeGiven
    bytes: Annotated[Whole, Field(ge=1)]
    mime_type: Annotated[Text, Field(min_length=1, max_length=256)]
    expires_after: ExpiresAfter | None = None


class CompleteUpload(Fields):
    part_ids: Annotated[list[Text], Field(min_length=1, max_length=MOST_PARTS)]
    md5: Text | None = None


class ShownUpload(Upload):
    """For /docs: what `with_file` gives."""

    file: File | None


PART_DOC: dict[str, object] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"data": {"type": "string", "format": "binary"}},
                    "required": ["data"],
                }
            }
        },
    }
}


@router.post("/uploads", openapi_extra=v1_doc(CreateUpload), responses=answers(ShownUpload))
async def create_upload(request: Request) -> Response:
    given = await read(request, CreateUpload)
    after_s = given.expires_after.seconds if given.expires_after else None
    new = NewUpload(given.filename, given.purpose, given.bytes, given.mime_type, after_s)
    upload = await rooms_of(request).uploads.create(owner_of(request), new)
    return JSONResponse(upload.with_file(None))


@router.post("/uploads/{upload_id}/parts", openapi_extra=PART_DOC, responses=answers(UploadPart))
async def add_part(request: Request, upload_id: str) -> Response:
    rooms, owner = rooms_of(request), owner_of(request)
    field = FileField("data", MOST_PART_BYTES, PART_TOO_LARGE, rooms.file_gap_s)
    async with await rooms.uploads.part_arriving(owner, upload_id) as arrival:

        async def take(name: str | None, pieces: AsyncIterator[bytes]) -> None:
            await arrival.take(pieces)

        await read_form(request, field, take)
        part = await rooms.uploads.keep_part(arrival, owner, upload_id)
    return JSONResponse(part.wire())


@router.post("/uploads/{upload_id}/complete", openapi_extra=v1_doc(CompleteUpload), responses=answers(ShownUpload))
async def complete_upload(request: Request, upload_id: str) -> Response:
    given = await read(request, CompleteUpload)
    upload, file = await rooms_of(request).uploads.complete(owner_of(request), upload_id, given.part_ids, given.md5)
    return JSONResponse(upload.with_file(file))


@router.post("/uploads/{upload_id}/cancel", responses=answers(ShownUpload))
async def cancel_upload(request: Request, upload_id: str) -> Response:
    upload = await rooms_of(request).uploads.cancel(owner_of(request), upload_id)
    return JSONResponse(upload.with_file(None))
