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
    return tuple([await input_of(request, message, f"{place}[{at}]") for at, message in enumerate(messages)])


async def input_of(request: Request, message: NewMessage, place: str = "") -> RunInput:
    """The same for one message; `place` names it."""
    given = as_input(message)
    content = within(f"{place}.", "content")
    for at, part in enumerate(given.content):
        if isinstance(part, ImageUrlPart | ImageFilePart):
            await _refuse_when_blind(request, f"{content}[{at}]")
        if isinstance(part, ImageFilePart):
            await _check_picture(request, part.image_file.file_id, f"{content}[{at}].image_file.file_id")
    for at, attachment in enumerate(message.attachments):
        try:
            await rooms_of(request).files.get(owner_of(request), attachment.file_id)
        except NotFound as error:
            raise NotFound(error.message, param=f"{within(f'{place}.', 'attachments')}[{at}].file_id") from None
    return given


def searched_files(given: Sequence[RunInput]) -> list[str]:
    """The files that come with messages for file_search."""
    return [
        str(one["file_id"])
        for message in given
        for one in message.attachments
        if isinstance(tools := one.get("tools"), list) and {"type": "file_search"} in tools
    ]


def within(place: str, name: str) -> str:
    """A field's name where it stands beside what `place` names: `thread.messages` → `thread.`."""
    return f"{place.rpartition('.')[0]}.{name}".lstrip(".")


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


async def _check_picture(request: Request, file_id: str, param: str) -> None:
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
