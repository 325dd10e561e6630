"""Which vector stores a run searches. Fixed when it is made: what is attached or changed later is another run's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from ..knowledge.base import EXAMPLES
from ..objects.assistant import Assistant
from ..objects.thread import Thread


def _examples() -> Sequence[str]:
    return (EXAMPLES,)


@dataclass(frozen=True)
class OwnAssistant:
    """The server's own assistant, and what it searches beside what it was given: `stores`, asked for each run."""

    id: str = ""
    stores: Callable[[], Sequence[str]] = _examples

    def stores_of(self, assistant: Assistant) -> Sequence[str]:
        """What an assistant searches for being the server's own."""
        return self.stores() if assistant.id == self.id else ()


NO_OWN_ASSISTANT = OwnAssistant()


def stores_of(
    assistant: Assistant, thread: Thread, own: OwnAssistant, given: Mapping[str, JsonValue] | None = None
) -> tuple[list[str], list[str]]:
    """The ids that a run searches, and those of them that are its thread's. `given` are tool resources of the run's own, which
    stand for the assistant's."""
    assistants = vector_store_ids(assistant.tool_resources if given is None else given)
    threads = vector_store_ids(thread.tool_resources)
    return list(dict.fromkeys((*assistants, *threads, *own.stores_of(assistant)))), threads


def vector_store_ids(resources: Mapping[str, JsonValue]) -> list[str]:
    """The vector stores that tool resources name."""
    searched = resources.get("file_search")
    ids = searched.get("vector_store_ids") if isinstance(searched, dict) else None
    return [name for name in ids if isinstance(name, str)] if isinstance(ids, list) else []
