"""Starts, stops and ends runs: who may work on a thread, and what is left to do when somebody has.

The order of a start is: the run (with its message inside), the thread's claim, the message, `in_progress`. Each step may be
repeated, and a crash between any two is settled by the sweep.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from ..errors import (
    AlreadyExists,
    ConditionFailed,
    ModelError,
    NotFound,
    ShuttingDown,
    StoreUnavailable,
    ThreadBusy,
    TooManyWaiting,
    UnderpinError,
    WrongState,
)
from ..eventlog.base import RUN_ENDED
from ..objects.run import LastError, Run
from ..objects.run_step import RunStep
from ..objects.thread import Thread
from ..store.base import EVERYONE, Scope
from .announce import announce
from .busy import let_go, queue_length, refuse_unless_ended, refuse_when_busy
from .claims import Claims
from .leg import SHUT_DOWN, Leg, StopReason, about
from .order import RunOrder, admit, new_run
from .progress import Progress, progress_after
from .refusals import Refusals
from .room import Room
from .settle import ensure_messages, input_messages, settle
from .waiting import first_waiting, stand_in_line, tell_that_it_waits

logger = logging.getLogger("underpin.runs")

STOP_WAIT_S = 10.0
"""How long a stop waits for a run of this process to be written down; its upstream is closed at once."""
HOLD_ATTEMPTS = 100
"""How many other messages may snatch a thread from a message that takes over, before it says that the thread is busy."""


@dataclass(frozen=True)
class Times:
    """Seconds; settings, so that a test may run at a tenth of them."""

    run_timeout_s: float = 600
    run_log_keep_s: float = 86_400
    idempotency_keep_s: float = 86_400


class Runner:
    def __init__(self, room: Room, claims: Claims, times: Times, max_waiting: int = 20) -> None:
        self.room = room
        self._claims = claims
        self._times = times
        self._max_waiting = max_waiting
        self._legs: dict[str, Leg] = {}
        self._refusals = Refusals()
        self._closing = False

    async def start(self, order: RunOrder) -> Run:
        """Make a run of a message; when it returns, the message and the run are in the store and the model is being asked.

        Returns the run that is there already when the order's Idempotency-Key made one. Raises KeyReused, TooManyWaiting,
        ThreadBusy (only where the order says `refuse`), NotFound when the thread is gone, StoreUnavailable.
        """
        self._refuse_when_closing()
        admitted = await admit(self.room.store, order, self._times.idempotency_keep_s)
        if admitted.existing is not None:
            return admitted.existing
        store = self.room.store
        order = replace(order, run_id=admitted.run_id, message_id=admitted.message_id)
        if order.takeover == "refuse":
            await refuse_when_busy(self.room.store, self.after_end, order.thread)
        queue = await queue_length(store, order.thread, self._max_waiting) if order.takeover == "wait" else 0
        owned, timeout_s = self._claims.owned(), self._times.run_timeout_s
        run = new_run(order, timeout_s=timeout_s, store_now=store.now(), owned=owned, own=self.room.own_assistant)
        try:
            await store.add(run)
        except AlreadyExists:
            return await store.get(Run, run.id, scope=Scope(run.owner))
        leg = self._open(run, Progress())
        try:
            return await self._enter(leg, order, queue)
        except BaseException as error:
            if isinstance(error, NotFound | TooManyWaiting) or (order.takeover == "refuse" and isinstance(error, ThreadBusy)):
                await self._withdraw(leg)
            else:
                await self._give_up(leg, error)
            raise

    async def submit(self, run: Run, outputs: Mapping[str, str]) -> tuple[Run, int]:
        """Go on with a run that waits for tool outputs (call id → output). Returns it, and the event number after which what
        follows is new. Raises WrongState when it does not wait for these."""
        self._refuse_when_closing()
        if run.deadline is not None and run.deadline <= self.room.store.now():
            run = await self.stop(run, "expired")  # the sweep comes in a moment; it is too late already
        if run.status != "requires_action":
            raise WrongState(f'Runs in status "{run.status}" do not accept tool outputs.')
        steps = await self.room.store.page(RunStep, run.id, scope=Scope(run.owner), limit=1000, order="asc")
        progress = progress_after(run, steps.data, self.room.server_tools(run))
        expected = progress.tools.awaited() if progress.tools is not None else []
        if set(outputs) != set(expected):
            raise WrongState(f"Expected tool outputs for call_ids {expected}, got {list(outputs)}")
        changes: dict[str, object] = {"status": "queued", "required_action": None}
        try:
            taken = await self._claims.take_run(run, changes, from_status=("requires_action",))
        except ConditionFailed as error:
            status = error.current.status if isinstance(error.current, Run) else "unknown"
            raise WrongState(f'Runs in status "{status}" do not accept tool outputs.') from None
        leg = self._open(taken, progress)
        try:
            if progress.tools is not None:
                progress.tools.submit(outputs)
                await leg.recorder.end_step(progress.tools.step("completed"))
                progress.tools = None
            leg.begin("thread.run.queued")
            await self._in_progress(leg, {}, ("thread.run.in_progress",))
        except BaseException as error:
            await self._give_up(leg, error)
            raise
        self._work(leg)
        return leg.run, taken.first_number - 1

    async def stop(self, run: Run, why: StopReason = "cancelled") -> Run:
        """End a run now and keep what it said; the run as it is then. One that has ended stays as it is, so twice is the same as
        once. The upstream is closed before this returns."""
        leg = self._legs.get(run.id)
        if leg is not None:
            await self._stop_leg(leg, why)
            try:
                async with asyncio.timeout(STOP_WAIT_S):
                    await leg.over.wait()
            except TimeoutError:
                raise StoreUnavailable(f"Run {run.id} is stopped, but its end cannot be written yet.") from None
        current = await self.room.store.get(Run, run.id, scope=Scope(run.owner))
        if not current.ended:  # nobody works on it, or it began to wait for outputs just now
            current = await settle(self.room, self._claims, current, "expired" if why == "expired" else "cancelled")
        if not current.settled:
            await self.after_end(current)
            current = await self.room.store.get(Run, run.id, scope=Scope(run.owner))
        return current

    async def refusal(self, run: Run, wait_s: float) -> ModelError | None:
        """The model's error when it refuses within `wait_s`, before a word was said; else None, at the first sign of life."""
        leg = self._legs.get(run.id)
        if leg is None:
            return self._refusals.of(run.id)
        try:
            async with asyncio.timeout(wait_s):
                await leg.spoken.wait()
        except TimeoutError:
            return None
        return leg.refusal

    def leg_of(self, run_id: str) -> Leg | None:
        """This process's work on the run, if any."""
        return self._legs.get(run_id)

    def works_on(self, run_id: str) -> bool:
        """Whether a leg of this process works on the run, or holds it while it waits."""
        return run_id in self._legs

    async def adopt(self, run: Run) -> None:
        """Become the owner of a waiting run whose owner died; it goes on waiting."""
        taken = await self._claims.take_run(run)
        leg = self._open(taken, Progress())
        leg.begin("thread.run.created", "thread.run.queued")

    async def start_next(self, thread_id: str) -> None:
        """Let the first waiting message of a thread have its turn, if the thread is free and the message waits here."""
        while True:
            first = await first_waiting(self.room.store, thread_id)
            leg = self._legs.get(first.id) if first is not None else None
            if leg is None or leg.task is not None or self._closing:
                return
            try:
                thread = await self._claims.hold_thread(leg.run)
            except (ThreadBusy, NotFound):
                return
            try:
                await self._begin(leg, thread, ("thread.run.in_progress",))
                return
            except UnderpinError as error:
                await self._give_up(leg, error)

    async def start_waiting(self) -> None:
        """Give the messages that wait here their turn, where it has come: what they waited for may have ended elsewhere."""
        for thread_id in {leg.run.thread_id for leg in self._legs.values() if leg.run.waiting and leg.task is None}:
            await self.start_next(thread_id)

    async def after_end(self, run: Run) -> None:
        """What is left to do for an ended run: free its thread, tell the thread's followers, let the next one in. Repeatable."""
        if not run.ended:
            return
        thread = await self._claims.free_thread(run)
        if thread is not None:
            data = {"runId": run.id, "status": run.status}
            await self.room.thread_log.append(run.owner, run.thread_id, thread.last_seq, RUN_ENDED, data)
        log_until = self.room.store.now() + self._times.run_log_keep_s
        try:
            settled = {"settled": True, "waiting": False, "lease_until": None, "log_until": log_until}
            await self.room.store.update(Run, run.id, settled, scope=Scope(run.owner))
        except NotFound:
            return
        await self.start_next(run.thread_id)

    async def close(self) -> None:
        """End every run of this process with a sentence, each stream with its last event."""
        self._closing = True
        legs = list(self._legs.values())
        for leg in legs:
            with suppress(UnderpinError):  # it cannot be written: the next process finds it
                await self._stop_leg(leg, "shutdown")
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WAIT_S):
                for leg in legs:
                    await leg.over.wait()

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise ShuttingDown("The server is shutting down. Try again in a moment.", retry_after_s=5)

    def _open(self, run: Run, progress: Progress) -> Leg:
        leg = Leg(self.room, run, progress)
        self._legs[run.id] = leg
        if self._closing:
            leg.stop("shutdown")
        return leg

    async def _stop_leg(self, leg: Leg, why: StopReason) -> None:
        leg.stop(why)
        if leg.task is None and leg.run.waiting:  # it ends without its turn, and its message stays
            await ensure_messages(self.room, leg.run)
            self._work(leg)

    async def _enter(self, leg: Leg, order: RunOrder, queue: int) -> Run:
        run = leg.run
        for _ in range(HOLD_ATTEMPTS):
            try:
                if queue:
                    return await self._wait(leg, order.thread)
                thread = await self._claims.hold_thread(run)
            except ThreadBusy as busy:
                if order.takeover == "refuse":
                    await refuse_unless_ended(self.room.store, self.after_end, order.thread, busy.run_id)
                    continue
                if order.takeover == "wait":
                    return await self._wait(leg, order.thread)
                await self._take_over(order.thread, busy.run_id)
            else:
                return await self._begin(leg, thread, ("thread.run.created", "thread.run.queued", "thread.run.in_progress"))
        raise ThreadBusy(order.thread.id, run.id)

    async def _take_over(self, thread: Thread, holder: str) -> None:
        about_both = {"thread_id": thread.id, "run_id": holder}
        logger.info("Checking for active runs on thread: %s: run %s is cancelled", thread.id, holder, extra=about_both)
        try:
            run = await self.room.store.get(Run, holder, scope=Scope(thread.owner))
        except NotFound:
            await let_go(self.room.store, thread, holder)
        else:
            await self.stop(run)

    async def _wait(self, leg: Leg, thread: Thread) -> Run:
        leg.run = await stand_in_line(self.room, self._claims, leg.run, thread, self._max_waiting)
        leg.begin("thread.run.created", "thread.run.queued")
        await tell_that_it_waits(self.room, leg.run)
        await self.start_next(thread.id)  # the one it waits for may have ended meanwhile
        return leg.run

    async def _begin(self, leg: Leg, thread: Thread, events: tuple[str, ...]) -> Run:
        run, seq = leg.run, thread.last_seq
        first = seq - len(run.inputs)
        for message in input_messages(run, first):
            with suppress(AlreadyExists):  # a second try on the same message
                await self.room.store.add(message)
        await self._in_progress(leg, {"seq": run.seq or seq, "waiting": False}, events)
        self._work(leg, announce_from=first)
        return leg.run

    async def _in_progress(self, leg: Leg, changes: dict[str, object], events: tuple[str, ...]) -> None:
        begun = {"status": "in_progress", "started_at": leg.run.started_at or int(time.time()), **changes}
        leg.run = leg.recorder.run = await self.room.store.update(
            Run,
            leg.run.id,
            begun,
            scope=Scope(leg.run.owner),
            only_if={"claim": leg.run.claim, "status": "queued"},
        )
        leg.begin(*events)

    def _work(self, leg: Leg, announce_from: int | None = None) -> None:
        if leg.task is None:
            leg.task = asyncio.create_task(self._work_to_the_end(leg, announce_from), name=f"run {leg.run.id}")

    async def _work_to_the_end(self, leg: Leg, announce_from: int | None) -> None:
        began = time.monotonic()
        try:
            announced = asyncio.create_task(announce(self.room.thread_log, leg.run, announce_from))
            try:
                run = await leg.work()
            finally:
                await announced
            if leg.refusal is not None:
                self._refusals.remember(run.id, leg.refusal)
            self._forget(leg)
            await self.after_end(run)
            logger.info(
                "Run %s: %s", run.id, run.status,
                extra={**about(run), "duration_s": round(time.monotonic() - began, 3)},
            )  # fmt: skip
        except UnderpinError as error:
            logger.warning("⚠️ Run %s is left to the sweep: %s", leg.run.id, error.message, extra=about(leg.run))
        finally:
            self._forget(leg)
            leg.over.set()

    def _forget(self, leg: Leg) -> None:
        if self._legs.get(leg.run.id) is leg:  # else the run went on with tool outputs, in a leg of its own
            del self._legs[leg.run.id]

    async def _withdraw(self, leg: Leg) -> None:
        """A start that was refused leaves no trace: no run, no message."""
        self._forget(leg)
        await leg.abandon()
        leg.over.set()
        await self.room.store.delete(Run, leg.run.id, scope=Scope(leg.run.owner))

    async def _give_up(self, leg: Leg, error: BaseException) -> None:
        """A start that could not be finished: the run ends now where the store allows it, else by the sweep."""
        self._forget(leg)
        await leg.abandon()
        leg.over.set()
        message = error.message if isinstance(error, UnderpinError) else SHUT_DOWN
        try:
            run = await self.room.store.get(Run, leg.run.id, scope=EVERYONE)
            if not run.ended:
                run = await settle(self.room, self._claims, run, "failed", LastError(code="server_error", message=message))
            await self.after_end(run)
        except UnderpinError as second:
            logger.warning("⚠️ Run %s is left to the sweep: %s", leg.run.id, second.message, extra=about(leg.run))
