"""The only writer of a run's progress: it makes objects of facts, appends events, and commits a message before it says so.

`text` is the path of every token: append to the text, fill a byte template, append to the log. Nothing there waits.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import msgspec
from pydantic import JsonValue

from ..errors import AlreadyExists, NotFound
from ..eventlog.base import MESSAGE_ADDED, RunWriter, ThreadLog
from ..models.base import CitationDelta, TextDelta, ToolCallDelta, UsageFact
from ..objects.message import IncompleteDetails, IncompleteReason, Message, Text, TextPart
from ..objects.run import LastError, Run, RunIncomplete, may_become
from ..objects.run_step import CreatedMessage, MessageCreationDetails, RunStep, StepStatus
from ..objects.thread import Thread
from ..store.base import In, Inc, Scope, Store
from .loop import Answered, LoopFact, OutputsNeeded, ToolsAnswered
from .progress import OpenMessage, Progress, message_id, step_id
from .tool_step import OpenToolStep

_json = msgspec.json.encode
EndStatus = Literal["completed", "incomplete", "cancelled", "failed", "expired"]
_ENDED_BY: dict[EndStatus, IncompleteReason] = {
    "incomplete": "max_tokens",
    "cancelled": "run_cancelled",
    "failed": "run_failed",
    "expired": "run_expired",
}
_CUT_SHORT: dict[str, IncompleteReason] = {"length": "max_tokens", "content_filter": "content_filter"}


class Recorder:
    """One for each owner of a run. `progress` is where the run stands; `server_tools` are the names of the tools that the
    server runs itself."""

    def __init__(
        self,
        run: Run,
        writer: RunWriter,
        store: Store,
        thread_log: ThreadLog,
        *,
        progress: Progress,
        server_tools: frozenset[str],
    ) -> None:
        self.run = run
        self.progress = progress
        self._writer = writer
        self._store = store
        self._thread_log = thread_log
        self._server_tools = server_tools
        self._text_head = b""
        self._value_head = b""
        self._cancelling = False

    async def record(self, batch: Sequence[LoopFact]) -> None:
        """Take what one read brought; followers are woken once, at its end."""
        for fact in batch:
            if type(fact) is TextDelta:
                self.text(fact.text)
            elif isinstance(fact, ToolCallDelta):
                await self.end_message()
                self._tool_call(fact)
            elif isinstance(fact, CitationDelta):
                self._citation(fact)
            elif isinstance(fact, UsageFact):
                self.progress.add_usage(fact)
            elif isinstance(fact, ToolsAnswered):
                await self._tools_answered(fact)
            elif isinstance(fact, Answered):
                await self.end_message(_CUT_SHORT.get(fact.reason))
            elif isinstance(fact, OutputsNeeded):
                await self.end_message()
        self._writer.wake()

    def text(self, text: str) -> None:
        """Append text to the answer, which begins with it when there is none."""
        message = self.progress.message
        if message is None:
            message = self.begin_message()
            self._delta(b'"value":%b,"annotations":[]' % _json(text))
        else:
            self._writer.append_line("thread.message.delta", b"%b%b}}]}}}" % (self._value_head, _json(text)))
        message.text.append(text)

    def begin_message(self) -> OpenMessage:
        progress = self.progress
        message = OpenMessage(
            message_id(self.run.id, progress.messages),
            step_id(self.run.id, progress.steps),
            progress.steps + 1,
            int(time.time()),
        )
        progress.message = message
        progress.messages += 1
        progress.steps += 1
        self._text_head = (
            b'{"event":"thread.message.delta","data":{"id":"%b","object":"thread.message.delta",'
            b'"delta":{"content":[{"index":0,"type":"text","text":{' % message.id.encode()
        )
        self._value_head = self._text_head + b'"value":'
        step = self._message_step(message, "in_progress").wire_json()
        begun = self._message(message, "in_progress").wire_json()
        self._writer.append("thread.run.step.created", step)
        self._writer.append("thread.run.step.in_progress", step)
        self._writer.append("thread.message.created", begun)
        self._writer.append("thread.message.in_progress", begun)
        return message

    def _delta(self, text_fields: bytes) -> None:
        self._writer.append_line("thread.message.delta", b"%b%b}}]}}}" % (self._text_head, text_fields))

    def _citation(self, fact: CitationDelta) -> None:
        message = self.progress.message
        if message is None:
            return
        place = {name: at for name, at in (("chunk", fact.chunk), ("page", fact.page)) if at is not None}
        annotation: dict[str, JsonValue] = {
            "index": len(message.annotations),
            "type": "file_citation",
            "text": fact.marker,
            "start_index": fact.start_index,
            "end_index": fact.end_index,
            "file_citation": {"file_id": fact.file_id, "quote": fact.quote, **place},
        }
        message.annotations.append(annotation)
        self._delta(b'"value":"","annotations":[%b]' % _json(annotation))

    async def end_message(
        self,
        incomplete: IncompleteReason | None = None,
        step_status: StepStatus = "completed",
        error: LastError | None = None,
    ) -> None:
        """Commit the open message, if there is one, and then say so. What the store holds already wins: an earlier owner may have
        committed it before it died."""
        message = self.progress.message
        if message is None:
            return
        stored = await self._commit_message(message, incomplete)
        if not message.told:
            self._writer.append(f"thread.message.{stored.status}", stored.wire_json())
            message.told = True
        await self.end_step(self._message_step(message, step_status, error))
        self.progress.message = None

    async def _commit_message(self, message: OpenMessage, incomplete: IncompleteReason | None) -> Message:
        scope = Scope(self.run.owner)
        final = self._message(message, "incomplete" if incomplete else "completed", incomplete)
        try:
            stored = await self._store.get(Message, final.id, scope=scope)
        except NotFound:
            pass
        else:
            await self._announce(stored)  # who stored it may not have come to this
            return stored
        try:
            thread = await self._store.update(Thread, final.thread_id, {"last_seq": Inc()}, scope=scope)
            placed = final.model_copy(update={"seq": thread.last_seq})
            await self._store.add(placed)
        except NotFound:
            return final  # the thread was deleted under the run: there is nowhere to keep it
        except AlreadyExists:
            placed = await self._store.get(Message, final.id, scope=scope)
        await self._announce(placed)
        return placed

    async def _announce(self, message: Message) -> None:
        """Tell the thread's followers, under the message's own number: it may be repeated."""
        told: dict[str, JsonValue] = {"message": message.wire(), "runId": self.run.id}
        await self._thread_log.append(message.owner, message.thread_id, message.seq, MESSAGE_ADDED, told)

    async def end_step(self, step: RunStep) -> None:
        """Store a step that has ended, whatever was stored of it, and say so."""
        fields = step.model_dump(exclude={"id", "owner", "seq", "created_at", "run_id"})
        try:
            await self._store.add(step)
        except AlreadyExists:
            await self._store.update(RunStep, step.id, fields, scope=Scope(step.owner))
        self._writer.append(f"thread.run.step.{step.status}", step.wire_json())

    async def pause(self) -> Run | None:
        """Let the run wait for the client's tool outputs, if it waits for any. Its step stays open; nobody has to live for it."""
        tools = self.progress.tools
        if tools is None:
            return None
        tools.turn_usage = self.progress.take_turn_usage()
        with suppress(AlreadyExists):
            await self._store.add(tools.step("in_progress"))
        action = tools.required_action()
        waiting = self.run.model_copy(update={"status": "requires_action", "required_action": action})
        self.run = await self._writer.commit(
            [("thread.run.requires_action", waiting.wire_json())],
            {"status": "requires_action", "required_action": action, "lease_until": None, "worker": None},
            {"status": In(may_become("requires_action"))},
        )
        return self.run

    async def end(
        self,
        status: EndStatus,
        *,
        error: LastError | None = None,
        incomplete: RunIncomplete | None = None,
        model: str | None = None,
        refused: bool = False,
        announce_cancelling: bool = True,
    ) -> Run:
        """End the run in the protocol's order: the open message, the open step, the run. Each write may be repeated, under this
        owner or the next. Raises ConditionFailed when the run has another owner or has ended: then nothing of the end counts.
        """
        if status == "cancelled" and announce_cancelling and not self._cancelling:
            self._cancelling = True
            self._writer.append("thread.run.cancelling", self.run.model_copy(update={"status": "cancelling"}).wire_json())
        step_status: StepStatus = "completed" if status == "incomplete" else status
        step_error = _of_step(error)
        await self.end_message(_ENDED_BY.get(status), step_status, step_error)
        if self.progress.tools is not None:
            await self.end_step(self.progress.tools.step(step_status, error=step_error))
            self.progress.tools = None
        changes = {**self._end_changes(status, error, incomplete, model), "refused": refused}
        ended = Run.model_validate({**self.run.model_dump(), **changes})
        self.run = await self._writer.commit(
            [(f"thread.run.{status}", ended.wire_json())], changes, {"status": In(may_become(status))}
        )
        return self.run

    def _end_changes(
        self, status: EndStatus, error: LastError | None, incomplete: RunIncomplete | None, model: str | None
    ) -> dict[str, object]:
        now = int(time.time())
        stamp = {"completed": "completed_at", "cancelled": "cancelled_at", "failed": "failed_at"}.get(status)
        return {
            "status": status,
            "last_error": error,
            "incomplete_details": incomplete,
            "usage": self.progress.usage(),
            "required_action": None,
            "expires_at": None,
            "deadline": None,
            **({stamp: now} if stamp else {}),
            **({"model": model} if model else {}),
        }

    def _tool_call(self, fact: ToolCallDelta) -> None:
        tools = self.progress.tools
        if tools is None:
            place = self.progress.steps
            tools = OpenToolStep(self.run, step_id(self.run.id, place), place + 1, self._server_tools)
            self.progress.tools = tools
            self.progress.steps = place + 1
            begun = tools.step("in_progress").wire_json()
            self._writer.append("thread.run.step.created", begun)
            self._writer.append("thread.run.step.in_progress", begun)
        delta = tools.add(fact)
        if delta is not None:
            data: dict[str, JsonValue] = {
                "id": tools.id,
                "object": "thread.run.step.delta",
                "delta": {"step_details": {"type": "tool_calls", "tool_calls": [delta]}},
            }
            self._writer.append("thread.run.step.delta", _json(data))

    async def _tools_answered(self, fact: ToolsAnswered) -> None:
        tools = self.progress.tools
        if tools is None:
            return
        for call_id, result in fact.results.items():
            tools.answer(call_id, result)
        if tools.complete:
            tools.turn_usage = self.progress.take_turn_usage()
            await self.end_step(tools.step("completed"))
            self.progress.tools = None

    def _message(self, message: OpenMessage, status: str, incomplete: IncompleteReason | None = None) -> Message:
        now = int(time.time())
        content = [] if status == "in_progress" else [TextPart(text=Text(value=message.value, annotations=message.citations()))]
        return Message.model_validate(
            {
                "id": message.id,
                "owner": self.run.owner,
                "created_at": message.created_at,
                "thread_id": self.run.thread_id,
                "status": status,
                "incomplete_details": IncompleteDetails(reason=incomplete) if incomplete else None,
                "completed_at": now if status == "completed" else None,
                "incomplete_at": now if status == "incomplete" else None,
                "role": "assistant",
                "content": content,
                "assistant_id": self.run.assistant_id,
                "run_id": self.run.id,
            }
        )

    def _message_step(self, message: OpenMessage, status: StepStatus, error: LastError | None = None) -> RunStep:
        now = int(time.time())
        return RunStep(
            id=message.step_id,
            owner=self.run.owner,
            seq=message.step_place,
            created_at=message.created_at,
            assistant_id=self.run.assistant_id,
            thread_id=self.run.thread_id,
            run_id=self.run.id,
            type="message_creation",
            status=status,
            step_details=MessageCreationDetails(message_creation=CreatedMessage(message_id=message.id)),
            last_error=error,
            completed_at=now if status == "completed" else None,
            cancelled_at=now if status == "cancelled" else None,
            failed_at=now if status == "failed" else None,
            expired_at=now if status == "expired" else None,
            expires_at=self.run.expires_at,
            usage=self.progress.take_turn_usage() if status == "completed" else None,
        )


def _of_step(error: LastError | None) -> LastError | None:
    """A step's error has two codes only; a run's has a third."""
    return error.model_copy(update={"code": "server_error"}) if error is not None and error.code == "invalid_prompt" else error
