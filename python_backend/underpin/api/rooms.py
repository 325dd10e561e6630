"""What the routes work with: the rooms behind the API and the few settings that are theirs. `app.py` makes it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import HTTPConnection

from ..eventlog.base import EventLog, ThreadLog
from ..files.files import Files
from ..files.uploads import Uploads
from ..knowledge.attachments import Attachments
from ..knowledge.base import Knowledge, Shelves
from ..knowledge.file_batches import FileBatches
from ..knowledge.passages import Passages
from ..knowledge.standing_files import StandingFiles
from ..knowledge.store_files import StoreFiles
from ..knowledge.vector_stores import VectorStores
from ..models.base import Models
from ..objects.assistant import AUTO_MODEL
from ..runs.runner import Runner
from ..store.base import Conversations, Store


@dataclass(frozen=True)
class Rooms:
    store: Store
    conversations: Conversations
    log: EventLog
    thread_log: ThreadLog
    models: Models
    runner: Runner
    files: Files
    uploads: Uploads
    knowledge: Knowledge
    """The documents that come with the server."""
    shelves: Shelves
    vector_stores: VectorStores
    store_files: StoreFiles
    file_batches: FileBatches
    attachments: Attachments
    standing_files: StandingFiles
    passages: Passages
    assistant_id: str
    """The server's own assistant."""
    store_name: str
    """As the log lines say it: `MongoDB`, `the embedded store`."""
    title_model: str = AUTO_MODEL
    adopt_old_threads: bool = False
    takeover: Literal["auto", "cancel", "wait"] = "auto"
    refusal_wait_s: float = 2
    keep_alive_s: float = 15
    max_body_bytes: int = 3_200_000
    max_file_bytes: int = 536_870_912
    file_gap_s: float = 60
    checks: dict[str, Callable[[], Awaitable[str | None]]] = field(default_factory=dict)
    """Part → why it is not ready, or None; for /ready."""

    async def drain(self) -> None:
        """The server stops: every run ends with a sentence, every stream with its last event."""
        await self.runner.close()
        self.log.end_followers()
        self.thread_log.end_followers()


def rooms_of(request: HTTPConnection) -> Rooms:
    """The rooms behind the app that serves this request."""
    rooms = request.app.state.rooms
    assert isinstance(rooms, Rooms)
    return rooms
