"""What the routes of /v1 answer, for /docs and for the tests that hold every answer to it. No request looks at it."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from ..described import TEXT, Responses
from ..framing import SSE

K = TypeVar("K", bound=BaseModel)


class Listed(BaseModel, Generic[K]):
    object: Literal["list"]
    data: list[K]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(BaseModel):
    id: str
    object: str
    deleted: Literal[True]


class Mistake(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class Refusal(BaseModel):
    error: Mistake


REFUSALS: Responses = {
    "4XX": {"model": Refusal, "description": "The request is wrong, or names what is not there."},
    "5XX": {"model": Refusal, "description": "The server cannot, for now: its store or its model is away."},
}
"""What every route may answer besides; they all share OpenAI's envelope."""


EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {"event": TEXT, "id": TEXT, "data": {"type": "string", "description": "JSON; `[DONE]` in the last."}},
    "required": ["event", "data"],
}


def answers(kind: type[BaseModel], *, stream: bool = False) -> Responses:
    """A route's `responses`: an object of this kind, or with `stream` the events of a run where they are asked for."""
    success: dict[str, Any] = {"model": kind}
    if stream:
        success["content"] = {SSE: {"itemSchema": EVENT}}
    return {200: success}
