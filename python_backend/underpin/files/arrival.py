"""How bytes come in and go out: the object first, then its bytes, then the object is seen; and the other way round.

So whatever a crash leaves is named by an object with a lease, and the sweep removes it.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, Self, TypeVar

from ..errors import ConditionFailed, NotFound, UnderpinError, WrongState
from ..objects.file import File
from ..objects.has_bytes import HasBytes
from ..store.base import EVERYONE, Blobs, Changes, Conditions, Scope, Store

logger = logging.getLogger("underpin.files")

K = TypeVar("K", bound=HasBytes)

GIVEN_UP = "The server has given this upload up: its bytes came too slowly, or what it belongs to has ended. Send it again."


@dataclass(frozen=True)
class Place:
    """Where objects with bytes are kept. `lease_s`: how long a writer who says nothing is believed to live. `on_removal`: who has
    to forget a file that is being removed, by its id; may be called again."""

    store: Store
    blobs: Blobs
    worker: str
    lease_s: float
    on_removal: list[Callable[[str], Awaitable[None]]] = field(default_factory=list)

    async def writer_lives(self, obj: HasBytes) -> bool:
        """Whether whoever writes the object's bytes may still be at it."""
        if obj.lease_until is None or obj.lease_until < self.store.now():
            return False
        return obj.worker is None or await self.store.worker_lives(obj.worker) is not False

    async def remove(self, kind: type[K], id: str, *, scope: Scope = EVERYONE, only_if: Conditions | None = None) -> bool:
        """Take an object away from everybody, then its bytes, then itself; False when there was none. May be repeated."""
        try:
            gone = {"state": "going", "lease_until": self.store.now()}
            await self.store.update(kind, id, gone, scope=scope, only_if=only_if)
        except (NotFound, ConditionFailed):
            return False
        if kind is File:
            for forget in self.on_removal:
                await forget(id)
        await self.blobs.delete(id)
        await self.store.delete(kind, id, scope=EVERYONE)
        return True


class Arrival(Generic[K]):
    """One object whose bytes come in: `take` them, then `keep` it. What was not kept at the end of the context leaves nothing.

    `obj` is the object as it will be, without what is known only at the end.
    """

    def __init__(self, place: Place, obj: K) -> None:
        self._place = place
        self._kind = type(obj)
        self._obj = obj
        self._bytes = 0
        self._begun = self._kept = False

    @property
    def id(self) -> str:
        return self._obj.id

    @property
    def size(self) -> int:
        """How many bytes came."""
        return self._bytes

    @property
    def taken(self) -> bool:
        return self._begun

    async def take(self, pieces: AsyncIterable[bytes]) -> None:
        """Write the bytes; once. Raises what `pieces` raises, WrongState when the sweep was faster, StoreUnavailable."""
        assert not self._begun
        self._begun = True
        coming = {"state": "coming", "worker": self._place.worker, "lease_until": self._lease()}
        await self._place.store.add(self._obj.model_copy(update=coming))
        try:
            async with aclosing(self._renewing(pieces)) as renewing:
                self._bytes = await self._place.blobs.write(self.id, renewing)
        except NotFound:
            raise WrongState(GIVEN_UP) from None

    async def read(self) -> AsyncGenerator[bytes, None]:
        """The bytes that came, for whoever hands them on instead of keeping them. Raises WrongState when the sweep was faster."""
        assert self._begun
        async with self._place.blobs.read(self.id) as pieces, aclosing(self._renewing(pieces)) as renewing:
            async for piece in renewing:
                yield piece

    async def keep(self, changes: Changes) -> K:
        """Let the object be seen, with these changes. Raises WrongState when the sweep was faster, StoreUnavailable."""
        assert self._begun
        kept = {**changes, "bytes": self._bytes, "state": "kept", "worker": None, "lease_until": None}
        found = await self._update(kept)
        self._kept = True
        return found

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._begun or self._kept:
            return
        try:
            # Even if an unanswered write made it `kept`: its owner was told that it failed.
            await self._place.remove(self._kind, self.id)
        except UnderpinError as failure:
            logger.warning("⚠️ What is left of an upload is removed later: %s", failure.message)

    async def _renewing(self, pieces: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        store, half = self._place.store, self._place.lease_s / 2
        renew_at = store.now() + half
        async for piece in pieces:
            yield piece
            if store.now() > renew_at:
                await self._update({"lease_until": self._lease()})
                renew_at = store.now() + half

    async def _update(self, changes: Changes) -> K:
        scope = Scope(self._obj.owner)
        try:
            return await self._place.store.update(self._kind, self.id, changes, scope=scope, only_if={"state": "coming"})
        except (ConditionFailed, NotFound):
            raise WrongState(GIVEN_UP) from None

    def _lease(self) -> float:
        return self._place.store.now() + self._place.lease_s
