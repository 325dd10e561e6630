"""Vector stores: made, found, changed, used, expired, deleted. What is in them is `store_files.py`'s.

A store's `generation` grows behind every change of its files. Its counts are of the generation that `counted` names, and are made
anew from the files when that is another: so no crash leaves them wrong.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from ..errors import ConditionFailed, NotFound, WrongState
from ..ids import new_id
from ..objects.vector_store import ExpiresAfter, VectorStore
from ..store.base import EVERYONE, Changes, Conditions, In, Inc, Scope, Store
from .file_counts import RecentCounts, Tally, tally

DAY_S = 86_400
USE_COUNTS_S = 60
"""A use is written down at most this often: `last_active_at` decides about days."""
MOST_OF_AN_ID = 100
"""As much of a wrong id as an error repeats."""


def has_expired(store: VectorStore) -> bool:
    """Whether its time is over; the sweep may not have been there yet."""
    return store.status == "expired" or (store.expires_at is not None and store.expires_at <= time.time())


class VectorStores:
    """`on_delete` is awaited when a store was deleted: what was in it is to be removed, by the sweep."""

    def __init__(self, store: Store, *, on_delete: Callable[[], Awaitable[None]] | None = None) -> None:
        self._store = store
        self.on_delete = on_delete
        self.embedder: str | None = None
        """The configured one's name, once it is known: a store that is used and has another one's vectors is embedded again."""
        self._recent = RecentCounts()

    async def create(
        self,
        owner: str,
        *,
        name: str | None = None,
        description: str | None = None,
        expires_after: ExpiresAfter | None = None,
        metadata: Mapping[str, str] | None = None,
        id: str | None = None,
    ) -> VectorStore:
        """A new store, empty: `StoreFiles.add_all` puts files in. Raises AlreadyExists when `id` is given and taken."""
        now = int(time.time())
        store = VectorStore(
            id=id or new_id("vs_"),
            owner=owner,
            seq=await self._store.next_seq(owner),
            created_at=now,
            name=name or "",
            description=description,
            expires_after=expires_after,
            expires_at=_expiry(expires_after, now),
            last_active_at=now,
            metadata=dict(metadata or {}),
        )
        await self._store.add(store)
        return store

    async def get(self, owner: str, id: str) -> VectorStore:
        """The store; its counts may be old (`counted`). One whose time is over has status `expired`, whenever the sweep comes.

        Raises NotFound `No vector store found with id 'vs_x'.`, also for one that was deleted.
        """
        shown = id.replace("\0", "")
        try:
            found = await self._store.get(VectorStore, shown, scope=Scope(owner))
        except NotFound:
            found = None
        if found is None or found.going:
            raise missing(shown)
        return self.seen(found)

    def seen(self, store: VectorStore) -> VectorStore:
        """As it is to be told: with status `expired` when its time is over."""
        return store.model_copy(update={"status": "expired"}) if has_expired(store) else store

    async def usable(self, owner: str, id: str) -> VectorStore:
        """As `get`. Raises WrongState `Vector store 'vs_x' has expired.`"""
        found = await self.get(owner, id)
        if found.status == "expired":
            raise expired(id)
        return found

    async def counted(self, store: VectorStore) -> VectorStore:
        """The same with the counts and the status as they are now, or were a moment ago."""
        if store.counted == store.generation:
            return store
        found, is_new = await self._recent.of(store.id, lambda: tally(self._store, store.id))
        changes: dict[str, object] = {"file_counts": found.counts, "usage_bytes": found.usage_bytes}
        if store.status != "expired":
            changes["status"] = "in_progress" if found.counts.in_progress else "completed"
        if is_new:
            # Refused when it changed again meanwhile: whoever asks next counts anew.
            kept, only_if = {**changes, "counted": store.generation}, {"generation": store.generation}
            with suppress(ConditionFailed, NotFound):
                await self._store.update(VectorStore, store.id, kept, scope=EVERYONE, only_if=only_if)
        return store.model_copy(update=changes)

    async def modify(self, owner: str, id: str, changes: Changes) -> VectorStore:
        """Change `name`, `metadata` and `expires_after`, whichever is given; a new expiry counts from the last use.

        Raises as `get`; WrongState for another expiry of a store that has expired.
        """
        found = await self.get(owner, id)
        if "expires_after" in changes:
            if found.status == "expired":
                raise expired(id)
            after = changes["expires_after"]
            assert after is None or isinstance(after, ExpiresAfter)
            changes = {**changes, "expires_at": _expiry(after, found.last_active_at or found.created_at)}
        try:
            return await self._store.update(VectorStore, found.id, changes, scope=Scope(owner), only_if={"going": False})
        except (NotFound, ConditionFailed):
            raise missing(found.id) from None

    async def delete(self, owner: str, id: str) -> None:
        """From now on nobody finds it; what was in it goes soon after. Raises as `get`."""
        found = await self.get(owner, id)
        gone = {"going": True, "seq": 0, "due": self._store.now()}
        try:
            await self._store.update(VectorStore, found.id, gone, scope=Scope(owner), only_if={"going": False})
        except (NotFound, ConditionFailed):
            raise missing(found.id) from None
        if self.on_delete is not None:
            await self.on_delete()

    async def touch(self, store: VectorStore) -> None:
        """It is being used: its expiry counts from now on. Written at most once a minute; a store that is gone stays gone."""
        if self.embedder is not None and store.due is None and store.embedder not in (None, self.embedder):
            with suppress(NotFound, ConditionFailed):
                due, only_if = {"due": self._store.now()}, {"due": None, "going": False}
                await self._store.update(VectorStore, store.id, due, scope=EVERYONE, only_if=only_if)
        now = int(time.time())
        if store.last_active_at is not None and now - store.last_active_at < USE_COUNTS_S:
            return
        used = {"last_active_at": now, "expires_at": _expiry(store.expires_after, now)}
        unused: Conditions = {"going": False, "expires_at": store.expires_at, "last_active_at": store.last_active_at}
        # Refused when it went, or another use of this moment was faster.
        with suppress(NotFound, ConditionFailed):
            await self._store.update(VectorStore, store.id, used, scope=EVERYONE, only_if=unused)

    async def reserve(self, store: VectorStore, files: int) -> int:
        """Numbers for so many new files, as a use of the store: the first of them. Raises as `usable`."""
        now = int(time.time())
        changes = {"last_seq": Inc(files), "last_active_at": now, "expires_at": _expiry(store.expires_after, now)}
        only_if = {"going": False, "expires_at": store.expires_at, "status": In(("in_progress", "completed"))}
        try:
            taken = await self._store.update(VectorStore, store.id, changes, scope=EVERYONE, only_if=only_if)
        except ConditionFailed:
            again = await self.usable(store.owner, store.id)
            return await self.reserve(again, files)  # another use moved its expiry
        except NotFound:
            raise missing(store.id) from None
        return taken.last_seq - files + 1

    async def changed(self, id: str, *, by_request: bool = False) -> None:
        """Its files changed: indexes and counts of it are old. Called behind the change, never before."""
        if by_request:
            self._recent.forget(id)
        try:
            await self._store.update(VectorStore, id, {"generation": Inc()}, scope=EVERYONE)
        except NotFound:
            return

    async def tally(self, store: VectorStore) -> Tally:
        """Its files counted at once, however many they are."""
        return await tally(self._store, store.id)

    async def being_read(self, store: VectorStore) -> int:
        """How many of its files are still being read. Costs as much as those are."""
        return (await tally(self._store, store.id, {"status": "in_progress"})).counts.in_progress


def missing(id: str) -> NotFound:
    """In OpenAI's words."""
    return NotFound(f"No vector store found with id '{id[:MOST_OF_AN_ID]}'.")


def expired(id: str) -> WrongState:
    """The same for a store whose time is over."""
    return WrongState(f"Vector store '{id}' has expired. Make a new one with the same files.")


def _expiry(after: ExpiresAfter | None, last_active_at: int) -> int | None:
    return None if after is None else last_active_at + after.days * DAY_S
