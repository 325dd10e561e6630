"""What every run needs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ..eventlog.base import EventLog, ThreadLog
from ..files.files import Files
from ..models.base import Models
from ..objects.run import Run
from ..store.base import Store
from ..tools.base import Tool
from .search_first import Searching
from .searched import NO_OWN_ASSISTANT, OwnAssistant


async def _at_once(owner: str, vector_stores: Sequence[str]) -> None:
    return


@dataclass(frozen=True)
class Room:
    """Made once, for all runs of the process."""

    store: Store
    log: EventLog
    thread_log: ThreadLog
    models: Models
    tools: dict[str, Tool]
    """All tools of the server's own; a run has those that it names."""
    files: Files | None = None
    """Where the pictures are that messages name."""
    own_assistant: OwnAssistant = NO_OWN_ASSISTANT
    searching: Searching = field(default_factory=Searching)
    ready: Callable[[str, Sequence[str]], Awaitable[None]] = _at_once
    """Returns when new files of an owner's vector stores can be searched, or after some time."""

    def tools_of(self, run: Run) -> dict[str, Tool]:
        """The server's tools that the run has. A function of the client's may bear the name of one that it has not."""
        return {kind: self.tools[kind] for tool in run.tools if (kind := str(tool.get("type"))) in self.tools}

    def server_tools(self, run: Run) -> frozenset[str]:
        """Their names."""
        return frozenset(self.tools_of(run))
