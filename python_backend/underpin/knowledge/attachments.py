"""Files that come with messages: the thread's vector store, made with the first of them, gone 7 days after its last use.

A thread that has a vector store already keeps it, and the files go there, as at OpenAI. Each step may be repeated.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from ..errors import ConditionFailed, NotFound, StoreUnavailable, WrongState
from ..ids import new_id
from ..objects.thread import Thread
from ..objects.vector_store import ExpiresAfter
from ..objects.vector_store_file import VectorStoreFile
from ..store.base import Scope, Store
from .store_files import NewFile, StoreFiles
from .upstream_stores import Remotes
from .vector_stores import VectorStores

logger = logging.getLogger("underpin.knowledge")

DAYS_KEPT = 7
ATTEMPTS = 5
"""How many others may change the thread's tool resources meanwhile."""
LOOK_S = 0.1
"""How often it is looked whether files are ready."""


class Attachments:
    """`wait_s`: how long files are waited for. `remotes` knows the vector stores that the model's server keeps."""

    def __init__(
        self,
        store: Store,
        vector_stores: VectorStores,
        store_files: StoreFiles,
        *,
        wait_s: float,
        remotes: Remotes | None = None,
    ) -> None:
        self._store = store
        self._vector_stores = vector_stores
        self._store_files = store_files
        self._wait_s = wait_s
        self._remotes = remotes

    async def attach(self, thread: Thread, file_ids: Sequence[str]) -> Thread:
        """The thread, with these files in its vector store; they are read in the background.

        Raises NotFound when the thread or a file is gone, BadInput when the store is full, WrongState when the model's server
        keeps it, StoreUnavailable.
        """
        if not file_ids:
            return thread
        new = [NewFile(file_id) for file_id in dict.fromkeys(file_ids)]
        for _ in range(ATTEMPTS):
            if (known := _vector_store(thread)) is not None:
                self._refuse_elsewhere(thread.owner, known)
                if await self._is_usable(thread.owner, known):
                    await self._store_files.add_all(thread.owner, known, new)
                    return thread
            try:
                return await self._attach_anew(thread, new)
            except ConditionFailed as error:
                thread = error.current if isinstance(error.current, Thread) else thread
        raise StoreUnavailable("The thread's tool resources change all the time. Try again in a moment.", retry_after_s=1)

    async def until_ready(self, owner: str, vector_store_ids: Sequence[str]) -> None:
        """Return when no file of these stores is being read any more, or when the time is over."""
        deadline = time.monotonic() + self._wait_s
        for name in vector_store_ids:
            while await self._is_reading(owner, name):
                if time.monotonic() > deadline:
                    logger.warning(
                        "⚠️ Files of vector store %s are still being read after %g s: the run goes on", name, self._wait_s
                    )
                    return
                await asyncio.sleep(LOOK_S)

    async def _attach_anew(self, thread: Thread, new: Sequence[NewFile]) -> Thread:
        """Raises ConditionFailed with the thread as it is when somebody else changed its tool resources."""
        made = await self._vector_stores.create(
            thread.owner, expires_after=ExpiresAfter(days=DAYS_KEPT), metadata={"thread_id": thread.id}
        )
        try:
            await self._store_files.add_all(thread.owner, made.id, new)
            resources: dict[str, JsonValue] = {**thread.tool_resources, "file_search": {"vector_store_ids": [made.id]}}
            return await self._store.update(
                Thread,
                thread.id,
                changed_resources(resources),
                scope=Scope(thread.owner),
                only_if={"resources_key": thread.resources_key},
            )
        except (ConditionFailed, NotFound):
            await self._vector_stores.delete(thread.owner, made.id)
            raise

    async def _is_usable(self, owner: str, id: str) -> bool:
        """Else it was deleted or has expired, and another takes its place."""
        try:
            await self._vector_stores.usable(owner, id)
        except (NotFound, WrongState):
            return False
        return True

    def _refuse_elsewhere(self, owner: str, id: str) -> None:
        if self._remotes is not None and self._remotes.shelf(owner, id) is not None:
            text = f"The thread's vector store '{id}' is kept at the model's server."
            raise WrongState(f"{text} Put files into it there, or give the thread another.")

    async def _is_reading(self, owner: str, id: str) -> bool:
        reading = await self._store.page(VectorStoreFile, id, scope=Scope(owner), where={"status": "in_progress"}, limit=1)
        return bool(reading.data)


def changed_resources(resources: Mapping[str, JsonValue]) -> dict[str, object]:
    """The change of a thread that gives it these tool resources."""
    return {"tool_resources": dict(resources), "resources_key": new_id("key_")}


def _vector_store(thread: Thread) -> str | None:
    searched = thread.tool_resources.get("file_search")
    ids = searched.get("vector_store_ids") if isinstance(searched, dict) else None
    return str(ids[0]) if isinstance(ids, list) and ids else None
