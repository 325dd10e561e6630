"""What the chat's routes answer, for /docs and for the tests that hold every answer to it. No request looks at it."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from ..objects.message import Message
from ..objects.run import RunStatus
from ..objects.vector_store_file import FileStatus
from .described import Responses


class Refusal(BaseModel):
    """The same text twice: the guide's server sent the one, its front end reads the other."""

    detail: str
    error: str


REFUSALS: Responses = {
    "4XX": {"model": Refusal, "description": "The request is wrong, or names what is not there."},
    "5XX": {"model": Refusal, "description": "The server cannot, for now: its store or its model is away."},
}
"""What every route may answer besides."""


class Started(BaseModel):
    success: Literal[True]
    run_id: str
    thread_id: str
    message: str


class NewThread(BaseModel):
    threadId: str  # noqa: N815 (here and below: the front ends' names)


class ActiveRun(BaseModel):
    id: str
    status: RunStatus
    cursor: int


class WaitingMessage(BaseModel):
    id: str
    text: str


class GoingOn(BaseModel):
    activeRun: ActiveRun | None  # noqa: N815
    waiting: list[WaitingMessage]
    threadCursor: int  # noqa: N815


class History(GoingOn):
    threadId: str  # noqa: N815
    messages: list[Message]


class PlainMessage(BaseModel):
    role: Literal["user", "assistant"]
    text: str


class PlainHistory(GoingOn):
    messages: list[PlainMessage]


class Stopped(BaseModel):
    success: Literal[True]
    threadId: str  # noqa: N815
    runId: str | None  # noqa: N815
    status: RunStatus | None


class Title(BaseModel):
    title: str = Field(min_length=1, max_length=60)


class Row(BaseModel):
    id: str = Field(alias="_id")
    userId: str  # noqa: N815
    threadId: str  # noqa: N815
    name: str
    isGroup: bool  # noqa: N815
    createdAt: str | None  # noqa: N815
    updatedAt: str | None  # noqa: N815


class Conversations(BaseModel):
    threads: list[Row]


class Done(BaseModel):
    success: Literal[True]


class Added(Done):
    message: str = ""


class OwnAssistant(BaseModel):
    assistantId: str  # noqa: N815


class UploadedDocument(BaseModel):
    file_id: str
    filename: str
    status: FileStatus
    error: str = ""
    """Why it failed."""


class Uploads(Done):
    filesUploaded: int  # noqa: N815
    fileIds: list[str]  # noqa: N815
    status: Literal["queued"]
    message: str


class KnownDocument(BaseModel):
    file_id: str
    filename: str
    status: FileStatus
    error: str | None


class KnownStore(BaseModel):
    id: str
    name: str
    role: Literal["uploads", "knowledge"]
    place: Literal["here", "upstream"] | None
    counts: dict[str, int]
    documents: list[KnownDocument]
    error: str | None


class ShippedDocuments(BaseModel):
    searched: bool
    titles: list[str]


class OwnModel(BaseModel):
    writes: bool
    name: str | None
    error: str | None


class KnowledgeBase(BaseModel):
    stores: list[KnownStore]
    examples: ShippedDocuments
    model: OwnModel


class Up(BaseModel):
    status: Literal["ok"]


class Root(Up):
    message: str
    version: str


class Ready(BaseModel):
    status: Literal["ready", "not ready"]
    parts: dict[str, str]


def answers(kind: Any) -> Responses:
    """A route's `responses`: JSON of this type."""
    return {200: {"model": kind}}
