"""The Model seam: a request in, batches of facts out.

A batch holds what one read from the upstream brought, so that everything behind it wakes once for each read.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec
from pydantic import JsonValue

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    text: str


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False):
    """A piece of a tool call. `index` counts the calls of this turn from 0; `id` and `name` come with the first piece (a model
    that gives no id gets one made up before the fact is yielded). `extra` is what the server wants back with this call, as it
    came: Gemini signs its calls, and refuses an answer to one whose signature is missing."""

    index: int
    id: str | None
    name: str | None
    arguments: str
    extra: dict[str, JsonValue] | None = None


class CitationDelta(msgspec.Struct, frozen=True, gc=False):
    """A marker that stands in the text just sent. `start_index`, `end_index`: code points from the start of this turn's text.
    `chunk` is the passage's place in its file, from 0, `page` that of the file on which it begins, where they are known.

    Models write markers, and need not yield these: who runs a model finds them (runs/citations.py). Once a run has searched, what
    a model yields of them does not count."""

    marker: str
    start_index: int
    end_index: int
    file_id: str
    quote: str
    chunk: int | None = None
    page: int | None = None


class UsageFact(msgspec.Struct, frozen=True, gc=False):
    prompt_tokens: int
    completion_tokens: int


class Finish(msgspec.Struct, frozen=True, gc=False):
    """The turn is over. Always the last fact of a stream that did not raise."""

    reason: FinishReason


Fact = TextDelta | ToolCallDelta | CitationDelta | UsageFact | Finish


@dataclass(frozen=True)
class ToolCallSaid:
    id: str
    name: str
    arguments: str
    extra: dict[str, JsonValue] | None = None


@dataclass(frozen=True)
class Picture:
    """An address (http(s) or data:), and how closely the model is to look at it; `auto` is left to its server."""

    address: str
    detail: Literal["auto", "low", "high"] = "auto"


@dataclass(frozen=True)
class ChatMessage:
    """What the model reads. `tool` messages answer `tool_call_id`; an assistant's may carry the calls that it made."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    tool_calls: tuple[ToolCallSaid, ...] = ()
    tool_call_id: str | None = None
    images: tuple[Picture, ...] = ()
    """In order after the text."""


@dataclass(frozen=True)
class FunctionSpec:
    """A function that the model may call; `parameters` is a JSON schema."""

    name: str
    description: str = ""
    parameters: dict[str, JsonValue] = field(default_factory=dict)
    strict: bool | None = None


@dataclass(frozen=True)
class ModelRequest:
    """None means: the caller did not set it, so it is not sent (newer models refuse parameters that they do not know)."""

    model: str
    messages: tuple[ChatMessage, ...]
    tools: tuple[FunctionSpec, ...] = ()
    tool_choice: str | dict[str, JsonValue] | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_completion_tokens: int | None = None
    response_format: dict[str, JsonValue] | None = None
    reasoning_effort: str | None = None


class Model(Protocol):
    searches: bool
    """Whether it is given the built-in `file_search` tool among its functions."""
    sees: bool
    """Whether it can be shown images, as far as is known: a server may still refuse them for its model."""
    writes: bool
    """Whether it says things of its own: one that only quotes cannot name a chat."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
        """Ask, and yield batches of facts; the last fact is a Finish.

        Raises a ModelError whose message is a sentence for people, at the start or in the middle. Closing the generator
        (or cancelling its task) closes the upstream connection at once. Nothing is retried after a fact was yielded.
        """

    async def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True)
class Choice:
    """What `Models.choose` found: who is asked, and under which name."""

    model: Model
    name: str


class Models(Protocol):
    """Which model answers a name."""

    async def choose(self, name: str) -> Choice:
        """The model for a name as an assistant or a request gives it (`auto`: what the server is configured with; old names
        by the alias setting). Raises a ModelError when the upstream must be asked for its list and does not answer."""

    async def names(self) -> tuple[str, ...]:
        """The names that can be asked for, the default's first. Raises a ModelError when the upstream does not list its own."""

    async def check(self) -> str | None:
        """Why no answer could be had now, for /ready; None when all is well. Makes at most one cheap request."""

    async def close(self) -> None:
        """Close every model."""
