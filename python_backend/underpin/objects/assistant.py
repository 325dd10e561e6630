"""Assistants: instructions, tools and a model under an id."""

from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from .stored import Stored

AUTO_MODEL = "auto"
"""The model that the server is configured with at the time of the run."""


class Assistant(Stored):
    kind: ClassVar[str] = "assistants"
    bookkeeping: ClassVar[frozenset[str]] = Stored.bookkeeping | {"last_messages", "max_completion_tokens"}

    object: Literal["assistant"] = "assistant"
    created_at: int
    name: str | None = None
    description: str | None = None
    model: str = AUTO_MODEL
    instructions: str | None = None
    tools: list[dict[str, JsonValue]] = []
    tool_resources: dict[str, JsonValue] = {}
    metadata: dict[str, str] = {}
    temperature: float | None = 1.0
    top_p: float | None = 1.0
    response_format: str | dict[str, Any] = "auto"
    reasoning_effort: str | None = None

    last_messages: int | None = Field(default=None, description="run default: how many messages the model reads")
    max_completion_tokens: int | None = Field(default=None, description="run default")
