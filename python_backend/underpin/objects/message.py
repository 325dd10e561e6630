"""Messages and their content parts."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from .stored import Stored

IncompleteReason = Literal["content_filter", "max_tokens", "run_cancelled", "run_expired", "run_failed"]
MessageStatus = Literal["in_progress", "incomplete", "completed"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class CitedFile(_Part):
    """`chunk` and `page` lead to the passage: `GET /v1/files/{file_id}/passages?chunk=`. Left out where they are not known."""

    file_id: str
    quote: str | None = None
    chunk: int | None = Field(default=None, exclude_if=lambda chunk: chunk is None)
    page: int | None = Field(default=None, exclude_if=lambda page: page is None)


class FileCitation(_Part):
    """`start_index` and `end_index` are code points of the text's `value`, where `text` (the marker) stands."""

    type: Literal["file_citation"] = "file_citation"
    text: str
    start_index: int
    end_index: int
    file_citation: CitedFile


class Text(_Part):
    value: str
    annotations: list[FileCitation] = []


class TextPart(_Part):
    type: Literal["text"] = "text"
    text: Text


class ImageUrl(_Part):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImageUrlPart(_Part):
    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl


class ImageFile(_Part):
    file_id: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImageFilePart(_Part):
    type: Literal["image_file"] = "image_file"
    image_file: ImageFile


ContentPart = Annotated[TextPart | ImageUrlPart | ImageFilePart, Field(discriminator="type")]


class IncompleteDetails(_Part):
    reason: IncompleteReason


class Message(Stored):
    kind: ClassVar[str] = "messages"
    parent: ClassVar[str | None] = "thread_id"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("thread_id", "run_id"),)

    object: Literal["thread.message"] = "thread.message"
    created_at: int
    thread_id: str
    status: MessageStatus = "completed"
    incomplete_details: IncompleteDetails | None = None
    completed_at: int | None = None
    incomplete_at: int | None = None
    role: Literal["user", "assistant"]
    content: list[ContentPart] = []
    assistant_id: str | None = None
    run_id: str | None = None
    attachments: list[dict[str, JsonValue]] = []
    metadata: dict[str, str] = {}

    def text(self) -> str:
        """All its text, parts joined by a blank line."""
        return "\n\n".join(part.text.value for part in self.content if isinstance(part, TextPart))


def text_content(value: str) -> list[ContentPart]:
    """The content of a message that is one plain text."""
    return [TextPart(text=Text(value=value))]
