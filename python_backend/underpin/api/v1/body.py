"""Reading a request of /v1: JSON whatever its content type says, strict types, unknown fields ignored as OpenAI did."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, Strict, ValidationError
from pydantic_core import from_json
from starlette.requests import Request

from ..body import read_bytes
from ..described import Described, body_doc
from ..rooms import rooms_of
from .envelope import InvalidRequest
from .invalid import invalid_request

T = TypeVar("T", bound="Fields")

Text = Annotated[str, Strict()]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]

NO_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. "
    "The API expects a JSON payload, but what was sent was not valid JSON.)"
)


class Fields(BaseModel):
    """A JSON object of a request. Scalars are strict by their own types; objects and arrays come from JSON anyway."""

    model_config = ConfigDict(frozen=True, extra="ignore")


async def read(request: Request, kind: type[T]) -> T:
    """The body as `kind`; an empty body counts as `{}`. Raises InvalidRequest with the field as `param`, TooLarge."""
    raw = (await read_bytes(request, rooms_of(request).max_body_bytes)).strip()
    try:
        data: JsonValue = from_json(raw or b"{}", allow_inf_nan=False)
    except ValueError:
        raise InvalidRequest(NO_JSON) from None
    if not isinstance(data, dict):
        raise InvalidRequest("Invalid type for the body: expected an object.", code="invalid_type")
    _refuse_nul(data, "")
    return checked(kind, data)


def checked(kind: type[T], data: JsonValue) -> T:
    """Data as `kind`. Raises InvalidRequest with the first mistake in it."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False)[0], data) from None


def null_as(default: object) -> BeforeValidator:
    """For a field in which null means the same as nothing."""
    return BeforeValidator(lambda value: default if value is None else value)


def v1_doc(kind: type[Fields], *parameters: Described) -> dict[str, object]:
    """A route's `openapi_extra`: the body's schema, and the headers or the query that it reads besides."""
    return {**body_doc(kind), "parameters": [*parameters]}


def _refuse_nul(value: JsonValue, place: str) -> None:
    """Databases and terminals stumble over NUL; no text that a person wrote has one."""
    match value:
        case str() if "\0" in value:
            raise InvalidRequest(
                f"Invalid '{place}': it contains a NUL character (\\u0000). Remove it.", param=place, code="invalid_value"
            )
        case dict():
            for key, inner in value.items():
                _refuse_nul(key, place)
                _refuse_nul(inner, f"{place}.{key}" if place else key)
        case list():
            for at, inner in enumerate(value):
                _refuse_nul(inner, f"{place}[{at}]")
