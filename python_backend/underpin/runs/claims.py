"""Who may work: one run at a time holds a thread, one owner at a time holds a run. Both are conditional updates.

Every step here may be repeated, and a crash between any two is finished or undone by the sweep.
"""

import asyncio
import secrets
from weakref import WeakValueDictionary

from ..errors import ConditionFailed, NotFound, ThreadBusy
from ..objects.run import OPEN, Head, Run, RunStatus
from ..objects.thread import Thread
from ..store.base import EVERYONE, In, Inc, Scope, Store


def new_claim() -> str:
    """A token that no other owner has."""
    return secrets.token_hex(12)


class Claims:
    """`worker` is this process; `lease_s` how long it may be silent before others take over."""

    def __init__(self, store: Store, worker: str, lease_s: float) -> None:
        self._store = store
        self.worker = worker
        self._lease_s = lease_s
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, id: str) -> asyncio.Lock:
        """Held while this process ends a run whose owner is gone, so that its own tasks do not take it from each other; and while
        a message takes its place in a thread's line."""
        return self._turns.setdefault(id, asyncio.Lock())

    def owned(self) -> dict[str, object]:
        """The fields that make this process the owner of a new run."""
        return {"claim": new_claim(), "worker": self.worker, "lease_until": self._store.now() + self._lease_s}

    async def hold_thread(self, run: Run) -> Thread:
        """Let the run hold its thread, and take the numbers of what it starts with, its messages and the event that says that it
        started: the thread's `last_seq` is the last of them. Raises ThreadBusy, with the run that holds it; NotFound when the
        thread is gone."""
        try:
            return await self._store.update(
                Thread,
                run.thread_id,
                {
                    "active_run": run.id,
                    "active_worker": self.worker,
                    "active_until": self._store.now() + self._lease_s,
                    "last_seq": Inc(len(run.inputs) + 1),
                },
                scope=Scope(run.owner),
                only_if={"active_run": None},
            )
        except ConditionFailed as error:
            holder = error.current.active_run if isinstance(error.current, Thread) else None
            raise ThreadBusy(run.thread_id, holder or "") from None

    async def free_thread(self, run: Run) -> Thread | None:
        """Let go of the thread, and take the number of the event that says that the run ended. None when the run did not
        hold it, or the thread is gone."""
        try:
            return await self._store.update(
                Thread,
                run.thread_id,
                {"active_run": None, "active_worker": None, "active_until": None, "last_seq": Inc()},
                scope=Scope(run.owner),
                only_if={"active_run": run.id},
            )
        except (ConditionFailed, NotFound):
            return None

    async def take_run(
        self, run: Run, changes: dict[str, object] | None = None, *, from_status: tuple[RunStatus, ...] = OPEN
    ) -> Run:
        """Become the owner of an open run, whoever was: the old owner's writes are refused from now on.

        Raises ConditionFailed when the run has another claim than `run` by now, or is not in one of `from_status`.
        """
        heads = [*run.past_heads, Head(claim_no=run.claim_no, last=run.journal_last)] if run.journal_last else run.past_heads
        return await self._store.update(
            Run,
            run.id,
            {**self.owned(), "claim_no": run.claim_no + 1, "past_heads": heads, "journal_last": 0, **(changes or {})},
            scope=EVERYONE,
            # The head too: a flush of the old owner between our reading and this would be lost else.
            only_if={"claim": run.claim, "status": In(from_status), "journal_last": run.journal_last},
        )
