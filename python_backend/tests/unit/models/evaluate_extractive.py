"""Ask the extractive model a file of questions and count: hits, abstentions, and what went wrong. No question is printed.

From python_backend: `python -m tests.unit.models.evaluate_extractive` (the judged questions), or with the path of another file.
"""

import asyncio
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.unit.tools.library_shelves import LibraryShelves
from underpin.knowledge.base import Shelves
from underpin.knowledge.library import Library
from underpin.models.base import (
    ChatMessage,
    Fact,
    ModelRequest,
    TextDelta,
    ToolCallDelta,
    ToolCallSaid,
)
from underpin.models.extractive import HINT, Extractive
from underpin.store.base import Scope
from underpin.tools.base import ToolContext
from underpin.tools.file_search import FileSearch

JUDGED = Path(__file__).with_name("questions.json")
DEVELOPMENT = Path(__file__).with_name("dev_questions.json")


@dataclass(frozen=True)
class Figures:
    """`hits`: the answer holds every fragment that was asked for. `abstentions`: it says that the documents hold none."""

    answerable: int = 0
    hits: int = 0
    hits_with_file: int = 0
    wrongly_abstained: int = 0
    unanswerable: int = 0
    abstentions: int = 0

    def __str__(self) -> str:
        return (
            f"hits {self.hits} of {self.answerable} (citing the expected document: {self.hits_with_file}; "
            f"no answer where there was one: {self.wrongly_abstained}), abstentions {self.abstentions} of {self.unanswerable}"
        )


def questions(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))


async def evaluate(path: Path, shelves: Shelves | None = None, *, every: int = 1) -> Figures:
    """Every question of a file through the library, the tool and the model, as a run would do it; with `every`, each so-many-th,
    and with `shelves` through those."""
    tool = FileSearch(shelves or LibraryShelves(Library()))
    counts = dict.fromkeys(Figures.__dataclass_fields__, 0)
    for question in questions(path)[::every]:
        text, files = await ask(tool, question["question"])
        abstained = "hold no answer" in text
        if question["answerable"]:
            hit = all(_flat(fragment) in _flat(text.replace(HINT, "")) for fragment in question["must_contain"]) and not abstained
            counts["answerable"] += 1
            counts["hits"] += hit
            counts["hits_with_file"] += hit and question["file"] in files
            counts["wrongly_abstained"] += abstained
        else:
            counts["unanswerable"] += 1
            counts["abstentions"] += abstained
    return Figures(**counts)


async def ask(tool: FileSearch, question: str) -> tuple[str, list[str]]:
    """The model's answer and the names of the files that it cites."""
    model = Extractive(pace_s=0)
    user = ChatMessage("user", question)
    first = await facts(model, ModelRequest("extractive", (user,), (tool.spec,)))
    call = next(fact for fact in first if isinstance(fact, ToolCallDelta))
    assert call.id is not None
    result = await tool.run(call.arguments, ToolContext(Scope("someone"), "run_1", "thread_1"))
    said = ChatMessage("assistant", tool_calls=(ToolCallSaid(call.id, "file_search", call.arguments),))
    output = ChatMessage("tool", result.output, tool_call_id=call.id)
    second = await facts(model, ModelRequest("extractive", (user, said, output), (tool.spec,)))
    text = "".join(fact.text for fact in second if isinstance(fact, TextDelta))
    return text, re.findall("【\\d+:\\d+†([^】]*)】", text)


async def facts(model: Extractive, request: ModelRequest) -> list[Fact]:
    found: list[Fact] = []
    async for batch in model.stream(request):
        found += batch
    return found


def _flat(text: str) -> str:
    return " ".join(text.split()).lower()


def main(arguments: Sequence[str]) -> None:
    for path in map(Path, arguments) if arguments else [JUDGED]:
        print(f"{path.name}: {asyncio.run(evaluate(path))}")


if __name__ == "__main__":
    main(sys.argv[1:])
