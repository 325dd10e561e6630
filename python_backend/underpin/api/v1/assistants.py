"""/v1/assistants: instructions, tools and a model under an id."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ...errors import NotFound
from ...ids import new_id
from ...objects.assistant import Assistant
from ...store.base import Scope
from ..auth import owner_of
from ..rooms import rooms_of
from .answers import Deleted, Listed, answers
from .body import Fields, Text, null_as, read, v1_doc
from .lookup import find_assistant, missing
from .paging import LIST_DOC, list_answer
from .resources import kept_resources
from .shapes import (
    MOST_DESCRIPTION,
    MOST_NAME,
    MOST_TOOLS,
    Instructions,
    Metadata,
    ReasoningEffort,
    ResponseFormat,
    Temperature,
    Tool,
    ToolResources,
    TopP,
    stored_format,
    stored_tools,
)

router = APIRouter(prefix="/assistants", tags=["v1 assistants"])


class _Assistant(Fields):
    name: Annotated[Text, Field(max_length=MOST_NAME)] | None = None
    description: Annotated[Text, Field(max_length=MOST_DESCRIPTION)] | None = None
    instructions: Instructions | None = None
    tools: Annotated[list[Tool], Field(max_length=MOST_TOOLS), null_as([])] = []
    tool_resources: ToolResources | None = None
    metadata: Metadata = {}
    temperature: Temperature | None = None
    top_p: TopP | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None


class NewAssistant(_Assistant):
    model: Annotated[Text, Field(min_length=1)]


class ChangedAssistant(_Assistant):
    model: Annotated[Text, Field(min_length=1)] | None = None


@router.post("", openapi_extra=v1_doc(NewAssistant), responses=answers(Assistant))
async def create_assistant(request: Request) -> Response:
    """Make an assistant."""
    body = await read(request, NewAssistant)
    rooms, owner = rooms_of(request), owner_of(request)
    assistant = Assistant.model_validate(
        {
            "id": new_id("asst_"),
            "owner": owner,
            "seq": await rooms.store.next_seq(owner),
            "created_at": int(time.time()),
            **await _fields(request, body),
        }
    )
    await rooms.store.add(assistant)
    return JSONResponse(assistant.wire())


@router.get("", openapi_extra=LIST_DOC, responses=answers(Listed[Assistant]))
async def list_assistants(request: Request) -> Response:
    """The owner's assistants."""
    owner = owner_of(request)
    return await list_answer(request, Assistant, owner, scope=Scope(owner))


@router.get("/{assistant_id}", responses=answers(Assistant))
async def retrieve_assistant(request: Request, assistant_id: str) -> Response:
    """One assistant."""
    return JSONResponse((await find_assistant(request, assistant_id)).wire())


@router.post("/{assistant_id}", openapi_extra=v1_doc(ChangedAssistant), responses=answers(Assistant))
async def modify_assistant(request: Request, assistant_id: str) -> Response:
    """Change the fields that are given; the others stay."""
    body = await read(request, ChangedAssistant)
    assistant = await find_assistant(request, assistant_id)
    changes = await _fields(request, body)
    if changes:
        try:
            assistant = await rooms_of(request).store.update(Assistant, assistant.id, changes, scope=Scope(assistant.owner))
        except NotFound:
            raise missing(Assistant, assistant_id) from None
    return JSONResponse(assistant.wire())


@router.delete("/{assistant_id}", responses=answers(Deleted))
async def delete_assistant(request: Request, assistant_id: str) -> Response:
    """Remove an assistant; its runs stay."""
    assistant = await find_assistant(request, assistant_id)
    await rooms_of(request).store.delete(Assistant, assistant.id, scope=Scope(assistant.owner))
    return JSONResponse({"id": assistant.id, "object": "assistant.deleted", "deleted": True})


async def _fields(request: Request, body: NewAssistant | ChangedAssistant) -> dict[str, Any]:
    """What was given, as it is kept. Null means the default, where there is one."""
    given: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if "tools" in given:
        given["tools"] = stored_tools(body.tools)
    if "tool_resources" in given:
        given["tool_resources"] = await kept_resources(request, body.tool_resources)
    if "response_format" in given:
        given["response_format"] = stored_format(body.response_format)
    for name in ("temperature", "top_p"):
        if name in given and given[name] is None:
            given[name] = 1.0
    if given.get("model", "") is None:
        del given["model"]
    return given
