"""A message as a request brings it: a text or parts, attachments, metadata; and the same as it is kept."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from ...objects import message as stored
from ...objects.run import RunInput
from .body import Fields, Text, null_as
from .invalid import mistake, wrong_type
from .shapes import Metadata

MOST_CHARACTERS = 256_000
"""OpenAI's limit of a message."""
IMAGE_ADDRESSES = ("http://", "https://", "data:image/")

Detail = Annotated[Literal["auto", "low", "high"], null_as("auto")]


def _filled(value: str) -> str:
    if not value:
        raise mistake("Message content must be non-empty.", "invalid_value")
    return value


def _address(value: str) -> str:
    if not value.startswith(IMAGE_ADDRESSES):
        raise mistake("Invalid '{param}'. Expected a valid URL, but got a value with an invalid format.", "invalid_value")
    return value


def _parts(value: object) -> object:
    if isinstance(value, str):
        return [{"type": "text", "text": value}]
    if not isinstance(value, list):
        raise wrong_type("a string or an array of objects", value)
    return value


class TextPart(Fields):
    type: Literal["text"]
    text: Annotated[Text, Field(max_length=MOST_CHARACTERS), AfterValidator(_filled)]


class ImageUrl(Fields):
    url: Annotated[Text, AfterValidator(_address)]
    detail: Detail = "auto"


class ImageUrlPart(Fields):
    type: Literal["image_url"]
    image_url: ImageUrl


class ImageFile(Fields):
    file_id: Text
    detail: Detail = "auto"


class ImageFilePart(Fields):
    type: Literal["image_file"]
    image_file: ImageFile


Part = Annotated[TextPart | ImageUrlPart | ImageFilePart, Field(discriminator="type")]
Content = Annotated[list[Part], Field(min_length=1), BeforeValidator(_parts, json_schema_input_type=str | list[Part])]


class AttachmentTool(Fields):
    type: Literal["code_interpreter", "file_search"]


class Attachment(Fields):
    file_id: Text
    tools: Annotated[list[AttachmentTool], null_as([])] = []


class NewMessage(Fields):
    role: Literal["user", "assistant"]
    content: Content
    attachments: Annotated[list[Attachment], null_as([])] = []
    metadata: Metadata = {}


def as_input(message: NewMessage) -> RunInput:
    """The message as it is kept, without an id yet."""
    return RunInput(
        message_id="",
        content=[_stored(part) for part in message.content],
        role=message.role,
        attachments=[_attachment(one) for one in message.attachments],
        metadata=message.metadata,
    )


def _stored(part: TextPart | ImageUrlPart | ImageFilePart) -> stored.ContentPart:
    match part:
        case TextPart(text=text):
            return stored.TextPart(text=stored.Text(value=text))
        case ImageUrlPart(image_url=image):
            return stored.ImageUrlPart(image_url=stored.ImageUrl(url=image.url, detail=image.detail))
        case ImageFilePart(image_file=image):
            return stored.ImageFilePart(image_file=stored.ImageFile(file_id=image.file_id, detail=image.detail))


def _attachment(one: Attachment) -> dict[str, JsonValue]:
    return {"file_id": one.file_id, "tools": [{"type": tool.type} for tool in one.tools]}
