"""Messages of a request, checked against what they name: pictures must be there, be pictures, and be seen by the model."""

from collections.abc import Sequence

from starlette.requests import Request

from ...errors import ModelError, NotFound
from ...files.pictures import KINDS, is_picture
from ...objects.assistant import AUTO_MODEL
from ...objects.message import ImageFilePart, ImageUrlPart
from ...objects.run import RunInput
from ..auth import owner_of
from ..rooms import rooms_of
from .content import NewMessage, as_input
from .envelope import InvalidRequest


async def inputs_of(request: Request, messages: Sequence[NewMessage], place: str) -> tuple[RunInput, ...]:
    """The messages as they are kept; `place` is the name of their list. Raises InvalidRequest and NotFound with the part."""
    return tuple([await input_of(request, message, f"{place}[{at}].content") for at, message in enumerate(messages)])


async def input_of(request: Request, message: NewMessage, place: str = "content") -> RunInput:
    """The same for one message; `place` names its content."""
    given = as_input(message)
    for at, part in enumerate(given.content):
        if isinstance(part, ImageUrlPart | ImageFilePart):
            await _refuse_when_blind(request, f"{place}[{at}]")
        if isinstance(part, ImageFilePart):
            await _check_file(request, part.image_file.file_id, f"{place}[{at}].image_file.file_id")
    return given


async def _refuse_when_blind(request: Request, param: str) -> None:
    try:
        choice = await rooms_of(request).models.choose(AUTO_MODEL)
    except ModelError:
        return  # nobody knows what it sees while it cannot be asked; the run tells what is wrong
    if not choice.model.sees:
        raise InvalidRequest(
            f"The model '{choice.name}' cannot see images. Send text, or configure a model that sees: set OPENAI_API_KEY or "
            "OPENAI_BASE_URL in python_backend/.env and restart the server.",
            param=param,
            code="invalid_value",
        )


async def _check_file(request: Request, file_id: str, param: str) -> None:
    files = rooms_of(request).files
    try:
        file = await files.get(owner_of(request), file_id)
        seen = await is_picture(files, file)
    except NotFound as error:
        raise NotFound(error.message, param=param) from None
    if not seen:
        raise InvalidRequest(
            f"Invalid '{param}': file '{file.id}' is no image that can be read. Supported are {KINDS} of at most 20 MB.",
            param=param,
            code="invalid_value",
        )
