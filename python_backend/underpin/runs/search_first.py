"""Searching before the model is asked, for models that call no tools: the passages go into their prompt, and the run has a step
as if the model had asked for them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec
from pydantic import JsonValue

from ..ids import derived_id
from ..models.base import Choice, ToolCallDelta
from ..objects.message import Message
from ..objects.run import Run
from ..objects.run_step import RunStep
from ..store.base import Scope, Store

FILE_SEARCH = "file_search"
SearchMode = Literal["auto", "tool", "prompt"]

MOST_REMEMBERED = 1000
"""Names of models; they come from requests."""
LOOKED_AT = 20
"""Messages among which the last two of the user's are looked for."""
MOST_CHARACTERS = 4096
"""Of a message that becomes a query."""

HOW_TO_CITE = (
    "Answer from these passages where they hold the answer, and say so when they do not. After each sentence that rests on a "
    "passage write that passage's marker, exactly as it stands above, with its brackets."
)
NOTHING_FOUND = "The documents were searched for the last question. They hold nothing about it."


class Searching:
    """Which models are given file_search as a tool, and which are shown passages before they answer. `auto`: as a tool, but for
    models whose server was found to refuse tools."""

    def __init__(self, mode: SearchMode = "auto") -> None:
        self._mode = mode
        self._refused: dict[str, None] = {}

    def is_first(self, choice: Choice) -> bool:
        """Whether the server searches before this model is asked. One that only quotes asks for itself."""
        return choice.model.writes and (self._mode == "prompt" or choice.name in self._refused)

    def learn(self, choice: Choice) -> bool:
        """The model's server refused its tools. Whether it is asked without them from now on."""
        if self._mode != "auto" or not choice.model.writes or choice.name in self._refused:
            return False
        if len(self._refused) >= MOST_REMEMBERED:
            del self._refused[next(iter(self._refused))]
        self._refused[choice.name] = None
        return True


async def first_search(store: Store, run: Run) -> ToolCallDelta | None:
    """The call that looks for what the last message asks, with the question before it; None when there is no text to look for."""
    page = await store.page(Message, run.thread_id, scope=Scope(run.owner), limit=LOOKED_AT, order="desc")
    asked = [text[:MOST_CHARACTERS] for message in page.data if message.role == "user" and (text := message.text().strip())]
    newest = next((message for message in page.data if message.role == "user"), None)
    if newest is None or not newest.text().strip():
        return None
    arguments = {"query": asked[0], "context": asked[1] if len(asked) > 1 else ""}
    return ToolCallDelta(0, derived_id("call_", run.id, "first search"), FILE_SEARCH, _json(arguments))


def shown_passages(steps: Sequence[RunStep]) -> str:
    """What the run's searches found, as a model reads it that calls no tools; empty when none was made."""
    searches = searches_of(steps)
    passages = [_passage(result) for details in searches for result in _results(details)]
    if not searches:
        return ""
    if not passages:
        return NOTHING_FOUND
    return "\n\n".join(("Passages from the documents, each under its marker:", *passages, HOW_TO_CITE))


def searches_of(steps: Sequence[RunStep]) -> list[Mapping[str, JsonValue]]:
    """What is kept of the searches that a run made so far, in their order."""
    return [details for step in steps for details in _searches(step)]


def _searches(step: RunStep) -> Iterator[Mapping[str, JsonValue]]:
    for call in step.model_calls:
        details = call.get("details")
        if call.get("name") == FILE_SEARCH and isinstance(details, dict) and details:
            yield details


def _results(details: Mapping[str, JsonValue]) -> Iterator[Mapping[str, JsonValue]]:
    results = details.get("results")
    for result in results if isinstance(results, list) else ():
        if isinstance(result, dict):
            yield result


def _passage(result: Mapping[str, JsonValue]) -> str:
    content = result.get("content")
    texts = [str(part.get("text", "")) for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    heading = f" {result['heading']}" if result.get("heading") else ""
    page = f" (page {result['page']})" if result.get("page") else ""
    return "\n".join((f"{result['marker']}{heading}{page}", *texts))


def _json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which no document has either
        return msgspec.json.encode({}).decode()
