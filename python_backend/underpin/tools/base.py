"""The Tool seam: a name, a schema for the model, and `run`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from ..models.base import FunctionSpec
from ..store.base import Scope


@dataclass(frozen=True)
class ToolContext:
    """For whom the tool works, and with what."""

    scope: Scope
    run_id: str
    thread_id: str
    vector_stores: tuple[str, ...] = ()
    """What the run searches, fixed when it was made."""
    definitions: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    """The run's tools by their type, as its assistant or its request gives them."""
    ordinal: int = 0
    """How many calls of the server's tools the run made before this one. It makes the markers of each search their own."""
    before_answer: bool = False
    """The search was made for a model that calls no tools: its window may be small."""


@dataclass(frozen=True)
class ToolResult:
    """`output` is what the model reads. `details` is what is kept of the call beside it: of a file_search its `ranking_options`
    and its `results`, each `{file_id, file_name, score, content, marker, chunk, page, heading}`; a run step shows a part."""

    output: str
    details: Mapping[str, JsonValue]


class Tool(Protocol):
    """A tool that the server runs itself. Function tools are the client's: they end in `requires_action`."""

    name: str
    """Its type in an assistant's `tools`, and the name under which the model calls it."""
    spec: FunctionSpec

    async def run(self, arguments: str, context: ToolContext) -> ToolResult:
        """Do it. `arguments` is the JSON text that the model wrote, possibly broken: a model's mistake becomes an output that
        says so, never an exception. Never blocks the event loop for more than a few milliseconds."""
