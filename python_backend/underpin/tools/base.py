"""The Tool seam: a name, a schema for the model, and `run`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from ..models.base import FunctionSpec
from ..store.base import Scope


@dataclass(frozen=True)
class ToolContext:
    """For whom the tool works."""

    scope: Scope
    run_id: str
    thread_id: str


@dataclass(frozen=True)
class ToolResult:
    """`output` is what the model reads; `details` is what the run step shows (for file_search its `ranking_options` and
    `results`)."""

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
