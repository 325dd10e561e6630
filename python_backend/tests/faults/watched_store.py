"""A store with somebody beside it: every call passes by a watcher, which may count, wait, fail or kill before and after it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from underpin.errors import StoreUnavailable
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.run import Run
from underpin.objects.stored import Stored
from underpin.store.base import EVERYONE, Changes, Conditions, JournalWrite, Order, Page, Scope, Store

T = TypeVar("T", bound=Stored)
READS = ("get", "page")


@dataclass(frozen=True)
class Call:
    """`what` is the kind's name, or the owner for `next_seq`; `subject` is the id, the parent, or the first run of a batch."""

    verb: str
    what: str
    subject: str | None
    changes: Changes | None = None

    @property
    def writes(self) -> bool:
        return self.verb not in READS


Watcher = Callable[[Call, Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""Gets the call and what does it; its answer is the caller's."""


async def let_pass(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
    return await do()


class WatchedStore:
    """Set `watcher` at any time."""

    def __init__(self, store: Store, watcher: Watcher = let_pass) -> None:
        self.store = store
        self.watcher = watcher

    async def open(self) -> None:
        await self.store.open()

    async def close(self) -> None:
        await self.store.close()

    def now(self) -> float:
        return self.store.now()

    async def worker_lives(self, worker: str) -> bool | None:
        return await self.store.worker_lives(worker)

    async def ping(self) -> None:
        await self.store.ping()

    async def add(self, obj: Stored) -> None:
        await self.watcher(Call("add", obj.kind, obj.id), lambda: self.store.add(obj))

    async def add_many(self, objs: Sequence[Stored]) -> None:
        call = Call("add_many", objs[0].kind if objs else "", objs[0].id if objs else None)
        await self.watcher(call, lambda: self.store.add_many(objs))

    async def get(self, kind: type[T], id: str, *, scope: Scope) -> T:
        return await self.watcher(Call("get", kind.kind, id), lambda: self.store.get(kind, id, scope=scope))

    async def update(self, kind: type[T], id: str, changes: Changes, *, scope: Scope, only_if: Conditions | None = None) -> T:
        call = Call("update", kind.kind, id, changes)
        return await self.watcher(call, lambda: self.store.update(kind, id, changes, scope=scope, only_if=only_if))

    async def delete(self, kind: type[T], id: str, *, scope: Scope) -> bool:
        return await self.watcher(Call("delete", kind.kind, id), lambda: self.store.delete(kind, id, scope=scope))

    async def page(
        self,
        kind: type[T],
        parent: str | None,
        *,
        scope: Scope,
        after: int | None = None,
        before: int | None = None,
        limit: int = 20,
        order: Order = "desc",
        where: Conditions | None = None,
    ) -> Page[T]:
        return await self.watcher(
            Call("page", kind.kind, parent),
            lambda: self.store.page(kind, parent, scope=scope, after=after, before=before, limit=limit, order=order, where=where),
        )

    async def clear(self, kind: type[T], parent: str, *, scope: Scope, up_to_seq: int | None = None) -> int:
        call = Call("clear", kind.kind, parent)
        return await self.watcher(call, lambda: self.store.clear(kind, parent, scope=scope, up_to_seq=up_to_seq))

    async def next_seq(self, owner: str) -> int:
        return await self.watcher(Call("next_seq", owner, None), lambda: self.store.next_seq(owner))

    async def write_journal(self, batch: Sequence[JournalWrite]) -> list[bool]:
        changes = {key: value for write in batch for key, value in write.changes.items()}
        call = Call("write_journal", JournalChunk.kind, batch[0].run_id, changes)
        return await self.watcher(call, lambda: self._write_journal(batch))

    async def _write_journal(self, batch: Sequence[JournalWrite]) -> list[bool]:
        return await self.store.write_journal(batch)


class TwoStepStore(WatchedStore):
    """A store without transactions, as the seam allows: a chunk is in before its run is asked, and stays when the run refuses.

    With `torn`, nothing more comes after the chunks."""

    torn = False

    async def _write_journal(self, batch: Sequence[JournalWrite]) -> list[bool]:
        for write in batch:
            if write.chunk is not None and not await self._known(write.chunk):
                await self.store.add(write.chunk)
        if self.torn:
            raise StoreUnavailable("The database does not answer.")
        return await self.store.write_journal(batch)

    async def _known(self, chunk: JournalChunk) -> bool:
        run = await self.store.get(Run, chunk.run_id, scope=EVERYONE)
        page = await self.store.page(JournalChunk, run.id, scope=EVERYONE, limit=1000)
        return chunk.id in {one.id for one in page.data}
