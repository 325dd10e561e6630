"""A server-side tool for tests: it says what it was asked."""

from underpin.models.base import FunctionSpec
from underpin.tools.base import ToolContext, ToolResult


class Lookup:
    name = "file_search"
    spec = FunctionSpec("file_search", "Looks things up.", {"type": "object"})

    def __init__(self) -> None:
        self.asked: list[tuple[str, ToolContext]] = []

    async def run(self, arguments: str, context: ToolContext) -> ToolResult:
        self.asked.append((arguments, context))
        return ToolResult(f"about {arguments}", {"results": [{"file_id": "file-a", "score": 0.5}]})
