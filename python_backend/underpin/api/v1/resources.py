"""Tool resources: what a request names must be there, and the vector stores that it asks for are made."""

from pydantic import JsonValue
from starlette.requests import Request

from ...errors import NotFound
from ...knowledge.base import EXAMPLES
from ...knowledge.store_files import NewFile
from ..auth import owner_of
from ..rooms import rooms_of
from .lookup import find_store
from .shapes import NewStore, ToolResources
from .store_shapes import stored_chunking

PLACE = "tool_resources"


async def kept_resources(request: Request, resources: ToolResources | None, place: str = PLACE) -> dict[str, JsonValue]:
    """The resources as they are kept and shown. `place` names them in an error. Raises NotFound or InvalidRequest, with the
    parameter, for a vector store or a file that is not there; then nothing was made."""
    if resources is None:
        return {}
    kept: dict[str, JsonValue] = resources.model_dump(exclude_unset=True, exclude_none=True)
    searched = resources.file_search
    if searched is not None:
        for at, named in enumerate(searched.vector_store_ids):
            await _check_store(request, named, f"{place}.file_search.vector_store_ids[{at}]")
        ids: list[JsonValue] = [*searched.vector_store_ids]
        for at, new in enumerate(searched.vector_stores):
            ids.append(await _made(request, new, f"{place}.file_search.vector_stores[{at}].file_ids"))
        kept["file_search"] = {"vector_store_ids": ids} if ids or searched.model_fields_set else {}
    return kept


async def _check_store(request: Request, id: str, param: str) -> None:
    standing = rooms_of(request).runner.room.own_assistant.stores()
    if id in standing and id != EXAMPLES:
        return  # it may be at the model's server
    try:
        await find_store(request, id)
    except NotFound as error:
        raise NotFound(error.message, param=param) from None


async def _made(request: Request, new: NewStore, param: str) -> str:
    rooms, owner = rooms_of(request), owner_of(request)
    chunking = stored_chunking(new.chunking_strategy)
    files = [NewFile(file_id, chunking=chunking) for file_id in new.file_ids]
    await rooms.store_files.known(owner, files, param)
    store = await rooms.vector_stores.create(owner, metadata=new.metadata)
    if files:
        await rooms.store_files.add_all(owner, store.id, files)
    return store.id
