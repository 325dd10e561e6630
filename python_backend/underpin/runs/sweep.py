"""No state without a deadline: what a dead owner left is finished or undone here, by whoever is alive.

It looks for runs whose lease or deadline ran out, threads held by nobody, keys and journals that are old. Every step may be
repeated.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from ..errors import ConditionFailed, NotFound, StoreUnavailable, UnderpinError
from ..objects.idempotency_key import IdempotencyKey
from ..objects.journal_chunk import JournalChunk
from ..objects.run import LastError, Run
from ..objects.thread import Thread
from ..store.base import EVERYONE, Below, Conditions, Scope, Store
from .claims import Claims
from .leg import about
from .runner import Runner
from .settle import OWNER_DIED, settle

logger = logging.getLogger("underpin.runs")

T = TypeVar("T", Run, Thread, IdempotencyKey)

BATCH = 1000
FAR_S = 1e9
"""Beyond any lease: thirty years."""
BROKE = "The sweep broke; the log tells why."


class Sweep:
    """`every_s`: the pause between two sweeps; `lease_s`: how long a thread's holder is trusted before it is looked at again."""

    def __init__(self, store: Store, runner: Runner, claims: Claims, *, every_s: float, lease_s: float) -> None:
        self._store = store
        self._runner = runner
        self._claims = claims
        self._every_s = every_s
        self._lease_s = lease_s
        self._task: asyncio.Task[None] | None = None
        self.failing: str | None = None
        """Why the last sweep failed, for /ready; None when it did not."""

    async def start(self) -> None:
        """Settle at once what owners left that the host knows to be dead, and then sweep on."""
        await self.sweep(at_start=True)
        self._task = asyncio.create_task(self._sweep_forever(), name="sweep")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sweep(self, *, at_start: bool = False) -> None:
        """One round. At start every open run and held thread is looked at; later those whose lease or deadline ran out, or whose
        worker the host knows to be dead."""
        now = self._store.now()
        reach = now + FAR_S if at_start else now
        failures = [
            *await self._each(Run, {"settled": False, "lease_until": Below(reach)}, self._look_at_owner),
            *([] if at_start else await self._left_by_the_dead()),
            *await self._each(Run, {"settled": False, "deadline": Below(now)}, self._expire),
            *await self._each(Thread, {"active_until": Below(reach)}, self._look_at_holder),
            *await self._each(IdempotencyKey, {"forget_at": Below(now)}, self._forget),
            *await self._each(Run, {"log_until": Below(now)}, self._clear_log),
        ]
        await self._runner.start_waiting()
        self.failing = failures[0] if failures else None

    async def _each(self, kind: type[T], where: Conditions, look: Callable[[T], Awaitable[None]]) -> list[str]:
        return await self._look_at_all((await self._store.page(kind, None, scope=EVERYONE, where=where, limit=BATCH)).data, look)

    async def _left_by_the_dead(self) -> list[str]:
        """Asks the host once for each other worker: a healthy server pays one query."""
        now = self._store.now()
        where: Conditions = {"settled": False, "lease_until": Below(now + FAR_S)}
        runs = (await self._store.page(Run, None, scope=EVERYONE, where=where, limit=BATCH)).data
        workers = {run.worker for run in runs if run.worker is not None and run.worker != self._claims.worker}
        dead = {worker for worker in workers if await self._store.worker_lives(worker) is False}
        left = [run for run in runs if run.worker in dead and (run.lease_until or 0.0) >= now]  # the others were looked at
        return await self._look_at_all(left, self._look_at_owner)

    async def _look_at_all(self, all_found: Iterable[T], look: Callable[[T], Awaitable[None]]) -> list[str]:
        """Look at each; what cannot be settled keeps nothing else waiting. Why it could not."""
        failures: list[str] = []
        for found in all_found:
            try:
                await look(found)
            except (ConditionFailed, NotFound):
                continue  # somebody else settled it, or it is gone
            except StoreUnavailable:
                raise
            except Exception as error:
                if self.failing is None:
                    logger.exception("❌ %s cannot be settled; it is tried again", found.id, extra=_about(found))
                failures.append(error.message if isinstance(error, UnderpinError) else BROKE)
        return failures

    async def _forget(self, key: IdempotencyKey) -> None:
        await self._store.delete(IdempotencyKey, key.id, scope=EVERYONE)

    async def _clear_log(self, run: Run) -> None:
        await self._store.clear(JournalChunk, run.id, scope=EVERYONE)
        await self._store.update(Run, run.id, {"log_until": None}, scope=EVERYONE)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.sweep()
            except UnderpinError as error:
                if self.failing is None:
                    logger.warning("⚠️ The sweep failed: %s It is tried again.", error.message)
                self.failing = error.message
            except Exception:
                logger.exception("❌ The sweep broke; it is tried again")
                self.failing = BROKE

    async def _dead(self, worker: str | None, lease_until: float | None) -> bool:
        # We live, but do not work on it: then its lease tells, as it does of a worker that nobody knows.
        lives: bool | None = None
        if worker is not None and worker != self._claims.worker:
            lives = await self._store.worker_lives(worker)
        if lives is None:
            return lease_until is None or lease_until < self._store.now()
        return not lives

    async def _look_at_owner(self, run: Run) -> None:
        if self._runner.works_on(run.id):
            return
        if run.ended:
            await self._runner.after_end(run)
        elif not await self._dead(run.worker, run.lease_until):
            return
        elif run.waiting:
            await self._adopt(run)
        else:
            await self._settle(run, died=True)

    async def _adopt(self, run: Run) -> None:
        await self._runner.adopt(run)
        logger.info("Run %s waits on: its owner died", run.id, extra=about(run))
        await self._runner.start_next(run.thread_id)

    async def _expire(self, run: Run) -> None:
        if self._runner.works_on(run.id):
            await self._runner.stop(run, "expired")
        else:
            await self._settle(run, died=False)

    async def _settle(self, run: Run, *, died: bool) -> None:
        error = LastError(code="server_error", message=OWNER_DIED) if died else None
        ended = run if run.ended else await settle(self._runner.room, self._claims, run, "failed" if died else "expired", error)
        logger.info("Run %s was left open and has ended now: %s", run.id, ended.status, extra=about(run))
        await self._runner.after_end(ended)

    async def _look_at_holder(self, thread: Thread) -> None:
        assert thread.active_run is not None
        if self._runner.works_on(thread.active_run):
            await self._trust(thread)
            return
        try:
            run = await self._store.get(Run, thread.active_run, scope=Scope(thread.owner))
        except NotFound:
            await self._let_go(thread)
            return
        if run.ended:
            await self._runner.after_end(run)
        else:
            await self._trust(thread)

    async def _trust(self, thread: Thread) -> None:
        await self._change(thread, {"active_until": self._store.now() + self._lease_s})

    async def _let_go(self, thread: Thread) -> None:
        await self._change(thread, {"active_run": None, "active_worker": None, "active_until": None})

    async def _change(self, thread: Thread, changes: dict[str, object]) -> None:
        try:
            await self._store.update(Thread, thread.id, changes, scope=EVERYONE, only_if={"active_run": thread.active_run})
        except (ConditionFailed, NotFound):
            return


def _about(found: Run | Thread | IdempotencyKey) -> dict[str, object]:
    if isinstance(found, Run):
        return about(found)
    return {"thread_id": found.id if isinstance(found, Thread) else found.thread_id}
