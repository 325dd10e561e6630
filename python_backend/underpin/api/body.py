"""Reading a request's JSON, whatever its content type says: the front ends of the quickstart send none."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from ..errors import BadInput, TooLarge
from .rooms import rooms_of

B = TypeVar("B", bound="Body")


class Body(BaseModel):
    """A JSON body. Types are strict, unknown fields are ignored; `required` says what is missing in the guide's words."""

    model_config = ConfigDict(strict=True, frozen=True)


REQUIRED = {"content": "Content is required", "threadId": "Thread ID is required"}
"""The guide's texts; its front ends show them."""


async def read_body(request: Request, kind: type[B]) -> B:
    """The body as `kind`; an empty body counts as `{}`. Raises BadInput that names the field, TooLarge."""
    raw = await read_bytes(request, rooms_of(request).max_body_bytes)
    try:
        body = kind.model_validate_json(raw.strip() or b"{}")
    except ValidationError as error:
        raise _bad_input(error.errors(include_url=False, include_input=True)[0]) from None
    _refuse_nul(body)
    return body


async def read_bytes(request: Request, most: int) -> bytes:
    """The body as it came. Raises TooLarge beyond `most` bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLarge(f"The body is larger than {most:,} bytes. Send less, or raise MAX_BODY_BYTES.")
        parts.append(part)
    return b"".join(parts)


def _bad_input(error: ErrorDetails) -> BadInput:
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "json_invalid":
        return BadInput(f"The body is not valid JSON: {error['msg'].removeprefix('Invalid JSON: ')}.")
    if error["type"] == "missing" or (error["type"] == "string_type" and error["input"] is None):
        return BadInput(REQUIRED.get(field, f"{field} is required"), param=field)
    if not field:
        return BadInput("The body must be a JSON object.")
    return BadInput(f"{field}: {error['msg']}.", param=field)


def _refuse_nul(body: Body) -> None:
    """Databases and terminals stumble over NUL; no text that a person wrote has one."""
    for name, value in body:
        if _has_nul(value):
            raise BadInput(f"{name} contains a NUL character (\\u0000). Remove it.", param=name)


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, BaseModel):
        return any(_has_nul(inner) for _, inner in value)
    return isinstance(value, list) and any(_has_nul(inner) for inner in value)
