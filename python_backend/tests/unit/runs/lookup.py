"""A server-side tool for tests: it says what it was asked."""

from pydantic import JsonValue

from underpin.models.base import FunctionSpec
from underpin.tools.base import ToolContext, ToolResult


class Lookup:
    name = "file_search"
    spec = FunctionSpec("file_search", "Looks things up.", {"type": "object"})

    def __init__(self) -> None:
        self.asked: list[tuple[str, ToolContext]] = []

    async def run(self, arguments: str, context: ToolContext) -> ToolResult:
        self.asked.append((arguments, context))
        ranking: dict[str, JsonValue] = {"ranker": "auto", "score_threshold": 0.0}
        return ToolResult(f"about {arguments}", {"ranking_options": ranking, "results": [self._result(context.ordinal)]})

    def _result(self, search: int) -> JsonValue:
        return {
            "file_id": "file-a",
            "file_name": "a.md",
            "score": 0.5,
            "content": [{"type": "text", "text": "Clay is a soil. It is fine 🪨. Sand drains."}],
            "marker": f"【{search}:0†a.md】",
            "chunk": 7,
            "page": 3,
            "heading": "Soil",
        }
