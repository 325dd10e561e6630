"""/v1/vector_stores: files that are searched together, with what they may be called and how long they stay."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ...errors import NotFound
from ...knowledge.store_files import NewFile
from ...objects.vector_store import VectorStore
from ...store.base import Page, Scope
from ..auth import owner_of
from ..rooms import rooms_of
from .answers import Deleted, Listed, answers
from .body import Fields, null_as, read, v1_doc
from .lookup import find_store, missing
from .paging import LIST_DOC, list_envelope, page_of
from .shapes import Metadata
from .store_shapes import Chunking, Description, ExpiresAfter, FileId, Name, stored_chunking, stored_expiry

router = APIRouter(prefix="/vector_stores", tags=["vector stores"])

MOST_FILES = 500
"""With which a store may be made."""


class NewVectorStore(Fields):
    name: Name | None = None
    description: Description | None = None
    file_ids: Annotated[list[FileId], Field(max_length=MOST_FILES), null_as([])] = []
    expires_after: ExpiresAfter | None = None
    chunking_strategy: Chunking | None = None
    metadata: Metadata = {}


class ChangedVectorStore(Fields):
    name: Name | None = None
    expires_after: ExpiresAfter | None = None
    metadata: Metadata = {}


@router.post("", openapi_extra=v1_doc(NewVectorStore), responses=answers(VectorStore))
async def create_vector_store(request: Request) -> Response:
    """Make a vector store, with files if some are given; they are read in the background."""
    body = await read(request, NewVectorStore)
    rooms, owner = rooms_of(request), owner_of(request)
    chunking = stored_chunking(body.chunking_strategy)
    new = [NewFile(file_id, chunking=chunking) for file_id in body.file_ids]
    await rooms.store_files.known(owner, new, "file_ids")
    store = await rooms.vector_stores.create(
        owner,
        name=body.name,
        description=body.description,
        expires_after=stored_expiry(body.expires_after),
        metadata=body.metadata,
    )
    if new:
        await rooms.store_files.add_all(owner, store.id, new)
        store = await find_store(request, store.id)
    return await _told(request, store)


@router.get("", openapi_extra=LIST_DOC, responses=answers(Listed[VectorStore]))
async def list_vector_stores(request: Request) -> Response:
    """The owner's vector stores."""
    owner, stores = owner_of(request), rooms_of(request).vector_stores
    page = await page_of(request, VectorStore, owner, scope=Scope(owner))
    data = [await stores.counted(stores.seen(store)) for store in page.data]
    return list_envelope(Page(data, page.has_more), VectorStore.wire)


@router.get("/{vector_store_id}", responses=answers(VectorStore))
async def retrieve_vector_store(request: Request, vector_store_id: str) -> Response:
    """One vector store, with how far its files are."""
    return await _told(request, await find_store(request, vector_store_id))


@router.post("/{vector_store_id}", openapi_extra=v1_doc(ChangedVectorStore), responses=answers(VectorStore))
async def modify_vector_store(request: Request, vector_store_id: str) -> Response:
    """Change `name`, `expires_after` and `metadata`, whichever is given."""
    body = await read(request, ChangedVectorStore)
    store = await find_store(request, vector_store_id)
    changes: dict[str, object] = {}
    if "name" in body.model_fields_set:
        changes["name"] = body.name or ""
    if "metadata" in body.model_fields_set:
        changes["metadata"] = body.metadata
    if "expires_after" in body.model_fields_set:
        changes["expires_after"] = stored_expiry(body.expires_after)
    return await _told(request, await rooms_of(request).vector_stores.modify(store.owner, store.id, changes))


@router.delete("/{vector_store_id}", responses=answers(Deleted))
async def delete_vector_store(request: Request, vector_store_id: str) -> Response:
    """Delete a vector store and all that was made of its files; the files themselves stay."""
    store = await find_store(request, vector_store_id)
    try:
        await rooms_of(request).vector_stores.delete(store.owner, store.id)
    except NotFound:
        raise missing(VectorStore, store.id) from None
    return JSONResponse({"id": store.id, "object": "vector_store.deleted", "deleted": True})


async def _told(request: Request, store: VectorStore) -> Response:
    return JSONResponse((await rooms_of(request).vector_stores.counted(store)).wire())
