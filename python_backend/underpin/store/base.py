"""The Store seam: five verbs, generic over the kind of object, and a named operation where an invariant needs one.

Nothing relies on a transaction over several objects: every call here is atomic on one object, and what takes several is
ordered by its caller so that each step may be repeated.
"""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from ..objects.conversation import Conversation
from ..objects.journal_chunk import JournalChunk
from ..objects.stored import Stored

T = TypeVar("T", bound=Stored)
Order = Literal["asc", "desc"]


@dataclass(frozen=True)
class Scope:
    """Whose objects a call may touch. It is part of every query, so that foreign and missing look the same.

    `shared` also admits threads that are groups; use it to load a thread, and then `Scope(thread.owner)` for what is in it.
    """

    owner: str
    shared: bool = False


EVERYONE = Scope(owner="*")
"""The sweep's scope: every owner. Never made from a request."""


@dataclass(frozen=True)
class Inc:
    """A change: add to the number that is there, atomically."""

    by: int = 1


@dataclass(frozen=True)
class In:
    """A condition: the field has one of these values."""

    values: tuple[object, ...]


@dataclass(frozen=True)
class Below:
    """A condition: the field is a number below this one; null is not."""

    value: float


@dataclass(frozen=True)
class IsSet:
    """A condition: the field is not null."""


Changes = Mapping[str, object]
"""Field → new value (anything pydantic dumps as JSON, models and lists of models included) or `Inc`. Top-level fields only."""
Conditions = Mapping[str, object]
"""Field → value that it must equal (None: null), or `In`, `Below`, `IsSet`. Top-level fields with scalar values only."""


@dataclass(frozen=True)
class Page(Generic[T]):
    data: list[T]
    has_more: bool


@dataclass(frozen=True)
class JournalWrite:
    """One run's share of a flush: a chunk (or none, for a heartbeat), made visible by a conditional update of the run."""

    run_id: str
    chunk: JournalChunk | None
    changes: Changes
    only_if: Conditions


class Store(Protocol):
    """Every method may raise StoreUnavailable: the database does not answer, or is locked. Nothing was half done then on
    one object, but an unanswered write may have happened; every caller may repeat its write."""

    async def open(self) -> None:
        """Connect, migrate, make indexes beside what is there. Raises ConfigError with one clear line."""

    async def close(self) -> None:
        """Finish what is under way and let go. May be called twice."""

    def now(self) -> float:
        """Seconds on the clock that decides who owns a run. Never goes back, does not jump with the wall clock, and is the
        same for all who use this database. Does not block."""

    async def worker_lives(self, worker: str) -> bool | None:
        """True or False where the host itself knows whether that worker's process lives, None where only its lease tells."""

    async def ping(self) -> None:
        """Return when the database answers; raises StoreUnavailable with the reason."""

    async def add(self, obj: Stored) -> None:
        """Insert. Raises AlreadyExists when the id is taken (by any owner)."""

    async def add_many(self, objs: Sequence[Stored]) -> None:
        """Insert each that is not there yet, of any kinds; one whose id is taken is left as it is. Atomic for each object alone:
        of a call that raises, some may be in. May be repeated, and any number of them may be given."""

    async def get(self, kind: type[T], id: str, *, scope: Scope) -> T:
        """The object. Raises NotFound, also for another owner's."""

    async def update(self, kind: type[T], id: str, changes: Changes, *, scope: Scope, only_if: Conditions | None = None) -> T:
        """Change fields of one object in one atomic statement and return it as it is then.

        Raises NotFound, or ConditionFailed (with the failing field and the object as it is) when `only_if` does not hold:
        nothing was changed then.
        """

    async def delete(self, kind: type[T], id: str, *, scope: Scope) -> bool:
        """Remove one object; False when there was none in scope."""

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
        """Objects of one parent in the order of `seq`; all parents' (in no promised order) when `parent` is None.

        `after` and `before` are `seq` numbers, exclusive, in list order: with `desc`, `after=7` gives 6, 5, …, and
        `before=7` gives what stands before 7 in the list, the nearest ones: …, 9, 8. Objects whose `seq` is 0 are listed
        only when `parent` is None. `limit` is 1 to 1000.
        """

    async def clear(self, kind: type[T], parent: str, *, scope: Scope, up_to_seq: int | None = None) -> int:
        """Remove a parent's objects (those up to a seq, it included); how many went. May be repeated."""

    async def next_seq(self, owner: str) -> int:
        """The next number in the order of an owner's assistants and threads."""

    async def write_journal(self, batch: Sequence[JournalWrite]) -> list[bool]:
        """Insert each chunk and then change its run under its condition; False for a run whose condition failed.

        A chunk becomes visible by the change of its run alone, so a refused or torn write leaves only bytes that nobody
        reads. A chunk that is there already is left as it is. One transaction for the batch where the database has them.
        """


class Conversations(Protocol):
    """The guide's `conversations` collection, schema to the letter. Duplicates of one thread may exist: the newest is read,
    rename and delete reach all."""

    async def add(self, conversation: Conversation) -> bool:
        """Insert unless the user has a row for the thread; False when there was one."""

    async def get(self, user: str, thread_id: str) -> Conversation | None:
        """The newest row of the thread, or None."""

    async def page(self, user: str, limit: int = 1000) -> list[Conversation]:
        """The user's conversations, newest `createdAt` first, one row for each thread. Rows without a date come last."""

    async def rename(self, user: str, thread_id: str, *, name: str | None, is_group: bool | None) -> bool:
        """Set what is given, and `updatedAt`; False when the user has no such row."""

    async def touch(self, user: str, thread_id: str) -> bool:
        """Set `updatedAt`; False when there is no such row."""

    async def delete(self, user: str, thread_id: str) -> int:
        """Remove the rows of a thread; how many went."""


class Blobs(Protocol):
    """The bytes of files, streamed both ways and never whole in memory. Each lies under an id of ours, which is used once: bytes
    never change. They are there as a whole or not at all, also after a crash.

    Every method may raise StoreUnavailable: the disk is full, the database does not answer. Names are 1 to 100 of A-Z a-z
    0-9 _ and -; anything else is a ValueError, before any work.
    """

    async def open(self) -> None:
        """Make the place where they are kept. Raises ConfigError with one clear line."""

    async def close(self) -> None:
        """Finish what is under way and let go. May be called twice."""

    async def write(self, id: str, pieces: AsyncIterable[bytes]) -> int:
        """Take all pieces and return how many bytes they were; then they outlive a crash, and can be read.

        Nothing can be read before, and nothing is left when `pieces` raises or the caller is cancelled; what a killed process
        left goes with `delete`. Raises AlreadyExists when there are bytes under the id, NotFound when they were deleted
        while they came.
        """

    def read(self, id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes in order, in pieces of at most 1 MiB. Raises NotFound on entering when there are none under the id.

        When they are deleted meanwhile, the rest comes all the same, or NotFound does.
        """

    async def delete(self, id: str) -> bool:
        """Remove the bytes, and whatever a killed writer left under the id; False when there were none to be read."""
