"""/v1/vector_stores/{id}/file_batches: many files put in at once, watched and cancelled together."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from starlette.responses import JSONResponse, Response

from ...errors import NotFound
from ...knowledge.store_files import NewFile
from ...objects.file_batch import FileBatch
from ...objects.vector_store_file import VectorStoreFile
from ..rooms import rooms_of
from .answers import Listed, answers
from .body import Fields, read, v1_doc
from .envelope import InvalidRequest
from .lookup import find_store, missing
from .store_shapes import Attributes, Chunking, FileId, stored_attributes, stored_chunking
from .vector_store_files import FILTERED, NewStoreFile, files_answer

router = APIRouter(prefix="/vector_stores/{vector_store_id}/file_batches", tags=["vector store file batches"])

MOST_FILES = 2000


class NewFileBatch(Fields):
    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["file_ids"]}, {"required": ["files"]}]})

    file_ids: Annotated[list[FileId], Field(min_length=1, max_length=MOST_FILES)] | None = None
    files: Annotated[list[NewStoreFile], Field(min_length=1, max_length=MOST_FILES)] | None = None
    attributes: Attributes = {}
    chunking_strategy: Chunking | None = None

    def new_files(self) -> list[NewFile]:
        """The files, with what is said of each or of all. Raises InvalidRequest when none are named, or in both ways."""
        if self.file_ids is not None and self.files is not None:
            text = "Invalid 'files': it is given together with 'file_ids'. Name the files in one of the two."
            raise InvalidRequest(text, param="files", code="invalid_value")
        if self.files is not None:
            return [
                NewFile(one.file_id, stored_attributes(one.attributes), stored_chunking(one.chunking_strategy))
                for one in self.files
            ]
        if self.file_ids is None:
            text = "Missing required parameter: 'file_ids'."
            raise InvalidRequest(text, param="file_ids", code="missing_required_parameter")
        attributes, chunking = stored_attributes(self.attributes), stored_chunking(self.chunking_strategy)
        return [NewFile(file_id, attributes, chunking) for file_id in self.file_ids]


@router.post("", openapi_extra=v1_doc(NewFileBatch), responses=answers(FileBatch))
async def create_file_batch(request: Request, vector_store_id: str) -> Response:
    """Put files into the store; they are read in the background."""
    body = await read(request, NewFileBatch)
    store = await find_store(request, vector_store_id)
    batch = await rooms_of(request).file_batches.create(store.owner, store.id, body.new_files())
    return JSONResponse(batch.wire())


@router.get("/{batch_id}", responses=answers(FileBatch))
async def retrieve_file_batch(request: Request, vector_store_id: str, batch_id: str) -> Response:
    """One batch, with how far its files are."""
    return JSONResponse((await _find(request, vector_store_id, batch_id)).wire())


@router.post("/{batch_id}/cancel", responses=answers(FileBatch))
async def cancel_file_batch(request: Request, vector_store_id: str, batch_id: str) -> Response:
    """End the work on files that are not done. What is done stays; a batch at its end is told as it is."""
    batch = await _find(request, vector_store_id, batch_id)
    cancelled = await rooms_of(request).file_batches.cancel(batch.owner, batch.vector_store_id, batch.id)
    return JSONResponse(cancelled.wire())


@router.get("/{batch_id}/files", openapi_extra=FILTERED, responses=answers(Listed[VectorStoreFile]))
async def list_file_batch_files(request: Request, vector_store_id: str, batch_id: str) -> Response:
    """The batch's files."""
    batch = await _find(request, vector_store_id, batch_id)
    return await files_answer(request, batch.vector_store_id, {"batch_id": batch.id})


async def _find(request: Request, vector_store_id: str, batch_id: str) -> FileBatch:
    store = await find_store(request, vector_store_id)
    try:
        return await rooms_of(request).file_batches.get(store.owner, store.id, batch_id)
    except NotFound:
        raise missing(FileBatch, batch_id.replace("\0", "")) from None
