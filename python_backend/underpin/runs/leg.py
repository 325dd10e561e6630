"""A leg: one owner's work on a run, from its claim to its end or to a pause. Closing a stream does not touch it; Stop does."""

import asyncio
import logging
from contextlib import aclosing
from typing import Literal

from ..errors import ConditionFailed, ModelError, StoreUnavailable, UnderpinError
from ..eventlog.base import RunWriter
from ..models.base import FinishReason, TextDelta, ToolCallDelta
from ..objects.run import LastError, Run, RunIncomplete
from ..store.base import Scope
from .asking import Asking
from .budget import Budget
from .loop import Answered, OutOfBudget, OutputsNeeded
from .progress import Progress
from .recorder import EndStatus, Recorder
from .room import Room

logger = logging.getLogger("underpin.runs")

Outcome = FinishReason | RunIncomplete | None
StopReason = Literal["cancelled", "expired", "fenced", "shutdown"]

SHUT_DOWN = "The server was shut down while it was answering. What it had said is kept: send the message again to go on."
BROKEN_INSIDE = (
    "The server made a mistake while it was answering. What it had said is kept. Its log tells more, under this run's id."
)
FILTERED = "The model's content filter ended the answer."
STORE_RETRY_S = 1.0
STORE_RETRIES = 60
"""An owner whose store is away tries for a minute to write the run's end; then the sweep does it, once there is a store."""


def about(run: Run) -> dict[str, object]:
    """What a log line for machines says of the run that it is about."""
    return {"thread_id": run.thread_id, "run_id": run.id}


class Leg:
    """`work` is run by a task of the runner's. `refusal` is the model's error when it came before anything was said."""

    def __init__(self, room: Room, run: Run, progress: Progress) -> None:
        self.run = run
        self.refusal: ModelError | None = None
        self.spoken = asyncio.Event()
        """Set at the first sign of life: a word, a tool call, a pause or the end."""
        self.over = asyncio.Event()
        """Set by the runner when nothing is left to do for this leg: its thread is free, or the run pauses."""
        self.task: asyncio.Task[None] | None = None
        self._room = room
        self._why: StopReason | None = None
        self._asking: asyncio.Task[Outcome] | None = None
        self._model: str | None = None
        self._failed: LastError | None = None
        """Why the answer failed, said once, however often its end has to be written."""
        self._writer: RunWriter = room.log.open(run, lambda: self.stop("fenced"))
        self._recorder = Recorder(
            run, self._writer, room.store, room.thread_log, progress=progress, server_tools=room.server_tools(run)
        )

    def begin(self, *names: str) -> None:
        """Say the events with which the leg begins, each with the run as it was at that step."""
        queued = self.run.model_copy(update={"status": "queued", "started_at": None})
        for name in names:
            run = self.run if name == "thread.run.in_progress" else queued
            self._writer.append(name, run.wire_json())
        self._writer.wake()

    @property
    def recorder(self) -> Recorder:
        return self._recorder

    def stop(self, why: StopReason) -> None:
        """End the answer now: the upstream is closed, what was said is kept. The first reason counts."""
        self._why = self._why or why
        if self._asking is not None:
            self._asking.cancel()

    async def abandon(self) -> None:
        """Write no more: somebody else ends the run."""
        self.spoken.set()
        await self._writer.close()

    async def work(self) -> Run:
        """Ask, record, and end or pause the run; the run as it is then. Raises nothing but what is broken in the store for longer
        than the retries last, and only its own task's cancellation."""
        try:
            self._asking = asyncio.create_task(self._ask(), name=f"asking for {self.run.id}")
            if self._why is not None:
                self._asking.cancel()
            left = None if self.run.deadline is None else max(0.0, self.run.deadline - self._room.store.now())
            try:
                await asyncio.wait({self._asking}, timeout=left)
            finally:
                self._asking.cancel()
            await asyncio.wait({self._asking})
            return await self._patiently(self._asking)
        except StoreUnavailable:
            await self._writer.cut()
            raise
        finally:
            self.spoken.set()
            await self._writer.close()

    async def _ask(self) -> Outcome:
        """The finish reason, or which limit of the run was reached, or None when the client's tool outputs are needed."""
        room, run = self._room, self.run
        choice = await room.models.choose(run.model)
        self._model = choice.name
        budget = Budget.of(run, self._recorder.progress)
        asking = Asking(room, run, choice, budget, begun=self._recorder.progress.steps > 0)
        try:
            return await self._record(asking)
        finally:
            if self._recorder.progress.message is not None and (rest := asking.rest()):
                self._recorder.text(rest)

    async def _record(self, asking: Asking) -> Outcome:
        record, spoken = self._recorder.record, self.spoken
        async with aclosing(asking.facts()) as facts:
            async for batch in facts:
                await record(batch)
                if not spoken.is_set() and any(isinstance(fact, TextDelta | ToolCallDelta) for fact in batch):
                    spoken.set()
                last = batch[-1] if batch else None
                if isinstance(last, Answered):
                    return last.reason
                if isinstance(last, OutputsNeeded):
                    return None
                if isinstance(last, OutOfBudget):
                    return RunIncomplete(reason=last.limit)
        return None

    async def _patiently(self, asked: asyncio.Task[Outcome]) -> Run:
        for attempt in range(STORE_RETRIES):
            try:
                return await self._finish(asked)
            except StoreUnavailable as error:
                if attempt == 0:
                    logger.warning(
                        "⚠️ The end of run %s cannot be written yet: %s", self.run.id, error.message, extra=about(self.run)
                    )
                await asyncio.sleep(STORE_RETRY_S)
            except ConditionFailed as error:
                if error.field != "status" or not isinstance(error.current, Run) or error.current.ended:
                    return error.current if isinstance(error.current, Run) else self.run
                self._why = "cancelled"  # another process asked for it
        return await self._finish(asked)

    async def _finish(self, asked: asyncio.Task[Outcome]) -> Run:
        if self._why == "fenced":
            return await self._room.store.get(Run, self.run.id, scope=Scope(self.run.owner))
        if self._why == "cancelled":
            return await self._end("cancelled")
        if self._why == "expired":
            return await self._end("expired")
        if self._why == "shutdown":
            return await self._end("failed", LastError(code="server_error", message=SHUT_DOWN))
        if asked.cancelled():
            return await self._end("expired")
        error = asked.exception()
        if error is not None:
            self._failed = self._failed or self._last_error(error)
            return await self._end("failed", self._failed)
        reason = asked.result()
        if reason is None:
            return await self._recorder.pause() or await self._end("completed")
        if isinstance(reason, RunIncomplete):
            return await self._end("incomplete", incomplete=reason)
        if reason == "length":
            return await self._end("incomplete", incomplete=RunIncomplete(reason="max_completion_tokens"))
        if reason == "content_filter":
            return await self._end("failed", LastError(code="invalid_prompt", message=FILTERED))
        return await self._end("completed")

    async def _end(self, status: EndStatus, error: LastError | None = None, *, incomplete: RunIncomplete | None = None) -> Run:
        model = self._model if self._model != self.run.model else None
        refused = self.refusal is not None
        return await self._recorder.end(status, error=error, incomplete=incomplete, model=model, refused=refused)

    def _last_error(self, error: BaseException) -> LastError:
        if isinstance(error, ModelError):
            if not self.spoken.is_set():
                self.refusal = error
            logger.warning("⚠️ Run %s: %s", self.run.id, error.message, extra=about(self.run))
            return LastError(code=error.code, message=error.message)
        if isinstance(error, UnderpinError):
            logger.warning("⚠️ Run %s: %s", self.run.id, error.message, extra=about(self.run))
            return LastError(code="server_error", message=error.message)
        logger.error("❌ Run %s broke inside the server", self.run.id, exc_info=error, extra=about(self.run))
        return LastError(code="server_error", message=BROKEN_INSIDE)
