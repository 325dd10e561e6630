"""The two standing vector stores: what users upload, and the knowledge base. Each is here, or where its id comes from.

The ids that people set may live at the model's server (at OpenAI, for whoever followed the guide). Such a store is searched and
filled there. While nobody can tell whether it lives there, it is nowhere: an empty twin here would hide what it holds.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..errors import AlreadyExists, ModelError, ModelKeyRejected, NotFound, UnderpinError, VectorStoreAway
from ..ids import derived_id
from ..objects.stored import DEFAULT_OWNER
from ..objects.vector_store import VectorStore
from ..objects.vector_store_file import VectorStoreFile
from ..store.base import Scope, Store
from .base import EXAMPLES
from .upstream_stores import UpstreamShelf, UpstreamStores
from .vector_stores import VectorStores

logger = logging.getLogger("underpin.knowledge")

Place = Literal["here", "upstream"]

UPLOADS = "Uploads"
KNOWLEDGE_BASE = "Knowledge base"
_FIRST_ANSWER_S = 5.0
"""How long a question waits for the first answer from there, right after the start."""
_BROKE = "Looking for vector store '{}' broke; the server's log tells why. It is tried again."


@dataclass(frozen=True)
class StandingStore:
    """`configured`: somebody set its id, so that it may live elsewhere."""

    id: str
    name: str
    configured: bool


class Standing:
    """Which of the two is where. Implements Remotes."""

    def __init__(
        self,
        store: Store,
        upstream: UpstreamStores | None,
        *,
        uploads: str | None,
        knowledge: str | None,
        retry_s: tuple[float, float] = (1.0, 60.0),
    ) -> None:
        """`uploads` and `knowledge`: the ids that were set. `retry_s`: the first and the longest pause between two questions."""
        self._store = store
        self._vector_stores = VectorStores(store)
        self._upstream = upstream
        self._retry_s = retry_s
        self.uploads = _standing(uploads, UPLOADS)
        self.knowledge = _standing(knowledge, KNOWLEDGE_BASE)
        self._stores = {standing.id: standing for standing in (self.knowledge, self.uploads)}
        self._here: set[str] = set()
        self._shelves: dict[str, UpstreamShelf] = {}
        self._why_not: dict[str, UnderpinError] = {}
        self._asked: dict[str, asyncio.Event] = {known: asyncio.Event() for known in self._stores}
        self._asking: asyncio.Task[None] | None = None

    def ids(self) -> tuple[str, ...]:
        """The ids of the two, uploads first; one where both are the same."""
        return tuple(dict.fromkeys((self.uploads.id, self.knowledge.id)))

    def stores(self) -> tuple[str, ...]:
        """What the server's own assistant searches: the two, and the shipped documents while those are empty."""
        return (*self.ids(), EXAMPLES)

    async def begin(self) -> None:
        """Find or make each of them. May be repeated. Raises StoreUnavailable. The model's server is asked in the background, and
        again until it answers."""
        unknown = [standing for standing in self._stores.values() if not await self._settled_here(standing)]
        if unknown and self._asking is None:
            self._asking = asyncio.create_task(self._ask_until_known(unknown), name="standing stores")

    async def stop(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def shelf(self, owner: str, vector_store_id: str) -> UpstreamShelf | None:
        """See Remotes."""
        return self._shelves.get(vector_store_id) if owner == DEFAULT_OWNER else None

    async def place(self, vector_store_id: str) -> Place:
        """Where a standing store is; right after the start this waits some seconds for the answer. Raises ModelKeyRejected or
        VectorStoreAway while that is not known."""
        try:
            async with asyncio.timeout(_FIRST_ANSWER_S):
                await self._asked[vector_store_id].wait()
        except TimeoutError:
            raise _not_known(vector_store_id, None, self._retry_s[0]) from None
        if vector_store_id in self._here:
            return "here"
        if vector_store_id in self._shelves:
            return "upstream"
        raise self._why_not[vector_store_id]

    def where(self, vector_store_id: str) -> Place | str:
        """The same without waiting: a place, or the sentence why it is not known."""
        if vector_store_id in self._here:
            return "here"
        if vector_store_id in self._shelves:
            return "upstream"
        why = self._why_not.get(vector_store_id)
        return why.message if why is not None else "The model's server is being asked whether it has this vector store."

    async def _settled_here(self, standing: StandingStore) -> bool:
        """Whether it is here, or was made here because it can be nowhere else."""
        if standing.id in self._here or standing.id in self._shelves:
            return True
        if self._upstream is None or not standing.configured:
            if not await self._made_here(standing):
                return False
        elif not await self._has_files_here(standing.id):
            return False
        self._is_here(standing)
        return True

    async def _made_here(self, standing: StandingStore) -> bool:
        try:
            await self.be_here(standing.id)
        except VectorStoreAway as error:
            self._tell_why_not(standing, error)
            return False
        return True

    async def _has_files_here(self, id: str) -> bool:
        files = await self._store.page(VectorStoreFile, id, scope=Scope(DEFAULT_OWNER), limit=1)
        return bool(files.data)

    async def be_here(self, vector_store_id: str) -> None:
        """Make it again if somebody deleted it. Raises VectorStoreAway while the old one is being cleared away."""
        standing = self._stores[vector_store_id]
        if await self._is_found(standing):
            return
        try:
            await self._vector_stores.create(DEFAULT_OWNER, name=standing.name, id=standing.id)
        except AlreadyExists:
            if await self._is_found(standing):  # another process was faster
                return
            text = f"Vector store '{standing.id[:100]}' was deleted, and is being cleared away. Try again in a moment."
            raise VectorStoreAway(text, retry_after_s=self._retry_s[0]) from None
        logger.info("✅ Created vector store %s (%s)", standing.id, standing.name)

    async def _is_found(self, standing: StandingStore) -> bool:
        try:
            await self._vector_stores.get(DEFAULT_OWNER, standing.id)
        except NotFound:
            return False
        return True

    def _is_here(self, standing: StandingStore) -> None:
        self._here.add(standing.id)
        self._asked[standing.id].set()

    async def _ask_until_known(self, unknown: Sequence[StandingStore]) -> None:
        pause_s, longest_s = self._retry_s
        while unknown := [standing for standing in unknown if not await self._ask(standing, pause_s)]:
            await asyncio.sleep(max(pause_s, *(self._why_not[one.id].retry_after_s or 0 for one in unknown)))
            pause_s = min(2 * pause_s, longest_s)

    async def _ask(self, standing: StandingStore, pause_s: float) -> bool:
        """Whether it is known now where the store is."""
        upstream = self._upstream if standing.configured else None
        try:
            if upstream is None or await upstream.store(standing.id) is None:
                await self.be_here(standing.id)
                self._is_here(standing)
            else:
                await self._leave_there(standing, upstream)
        except ModelError as error:
            self._tell_why_not(standing, _not_known(standing.id, error, pause_s))
            return False
        except UnderpinError as error:
            self._tell_why_not(standing, error)
            return False
        except Exception:
            logger.exception("❌ Looking for vector store %s broke; it is tried again", standing.id)
            self._why_not[standing.id] = VectorStoreAway(_BROKE.format(standing.id[:100]), retry_after_s=pause_s)
            self._asked[standing.id].set()
            return False
        self._why_not.pop(standing.id, None)
        self._asked[standing.id].set()
        return True

    async def _leave_there(self, standing: StandingStore, upstream: UpstreamStores) -> None:
        # Made while no model's server was configured, and empty: a twin that would only hide what is there.
        if await self._store.delete(VectorStore, standing.id, scope=Scope(DEFAULT_OWNER)):
            logger.info("Removed the empty vector store %s: the model's server has one of this id", standing.id)
        self._shelves[standing.id] = UpstreamShelf(upstream, standing.id)
        logger.info("✅ Vector store %s (%s) is at the model's server, and searched there", standing.id, standing.name)

    def _tell_why_not(self, standing: StandingStore, error: UnderpinError) -> None:
        before = self._why_not.get(standing.id)
        if before is None or before.message != error.message:
            logger.warning("⚠️ %s It is asked again.", error.message)
        self._why_not[standing.id] = error
        self._asked[standing.id].set()


def _standing(configured: str | None, name: str) -> StandingStore:
    return StandingStore(configured or derived_id("vs_", "standing store", name), name, configured is not None)


def _not_known(id: str, error: ModelError | None, retry_after_s: float) -> UnderpinError:
    asked = f"Whether vector store '{id[:100]}' is at the model's server could not be found out"
    if isinstance(error, ModelKeyRejected):
        return ModelKeyRejected(f"{asked}: {error.message}")
    why = "it has not answered yet. Try again in a moment." if error is None else error.message
    wait_s = retry_after_s if error is None or error.retry_after_s is None else error.retry_after_s
    return VectorStoreAway(f"{asked}: {why}", retry_after_s=wait_s)
