"""A round of tool calls while it is open: pieces come in, results come in, and it becomes a run step."""

import time
from collections.abc import Mapping

from pydantic import JsonValue

from ..models.base import ToolCallDelta
from ..objects.run import FunctionCall, LastError, RequiredAction, RequiredCall, RequiredCalls, Run, Usage
from ..objects.run_step import (
    FileSearchToolCall,
    FunctionOutput,
    FunctionToolCall,
    RunStep,
    StepStatus,
    ToolCall,
    ToolCallsDetails,
)
from ..tools.base import ToolResult


class _Call:
    def __init__(self, id: str, name: str, server_side: bool) -> None:
        self.id = id
        self.name = name
        self.server_side = server_side
        self.arguments = ""
        self.output: str | None = None
        self.details: Mapping[str, JsonValue] = {}
        self.extra: dict[str, JsonValue] | None = None


class OpenToolStep:
    """`place` is the step's number in its run, from 1; `server_tools` are the names that the server runs itself."""

    def __init__(self, run: Run, id: str, place: int, server_tools: frozenset[str], created_at: int | None = None) -> None:
        self.id = id
        self.place = place
        self.turn_usage: Usage | None = None
        self._run = run
        self._server_tools = server_tools
        self._created_at = created_at or int(time.time())
        self._calls: dict[int, _Call] = {}

    @classmethod
    def again(cls, run: Run, step: RunStep, server_tools: frozenset[str]) -> "OpenToolStep":
        """The open step that a stored or journalled step describes."""
        again = cls(run, step.id, step.seq, server_tools, step.created_at)
        again.turn_usage = step.turn_usage
        for at, told in enumerate(step.model_calls):
            call = again._calls[at] = _Call(str(told["id"]), str(told["name"]), str(told["name"]) in server_tools)
            call.arguments = str(told["arguments"])
            call.output = None if told["output"] is None else str(told["output"])
            details = told.get("details")
            call.details = details if isinstance(details, dict) else {}
            extra = told.get("extra")
            call.extra = extra if isinstance(extra, dict) else None
        return again

    def add(self, fact: ToolCallDelta) -> dict[str, JsonValue] | None:
        """Take a piece, and return it as the step delta shows it; None when there is nothing to show."""
        call = self._calls.get(fact.index)
        if call is None:
            name = fact.name or ""
            call = self._calls[fact.index] = _Call(fact.id or "", name, name in self._server_tools)
            call.arguments, call.extra = fact.arguments, fact.extra
            if call.server_side:
                return {"index": fact.index, "id": call.id, "type": call.name, call.name: {}}
            function: dict[str, JsonValue] = {"name": call.name, "arguments": fact.arguments, "output": None}
            return {"index": fact.index, "id": call.id, "type": "function", "function": function}
        call.arguments += fact.arguments
        call.extra = fact.extra or call.extra
        if call.server_side or not fact.arguments:
            return None
        return {"index": fact.index, "type": "function", "function": {"arguments": fact.arguments}}

    def replay(self, data: Mapping[str, JsonValue]) -> None:
        """Take what a journalled step delta shows."""
        delta = data["delta"]
        details = delta["step_details"] if isinstance(delta, dict) else None
        calls = details["tool_calls"] if isinstance(details, dict) else None
        for shown in calls if isinstance(calls, list) else ():
            if isinstance(shown, dict) and isinstance(shown["index"], int):
                function = shown.get("function")
                name = str(function.get("name", "")) if isinstance(function, dict) else str(shown["type"])
                arguments = str(function.get("arguments", "")) if isinstance(function, dict) else ""
                self.add(ToolCallDelta(shown["index"], str(shown.get("id", "")), name, arguments))

    def answer(self, call_id: str, result: ToolResult) -> None:
        """The server's own tool has run."""
        for call in self._calls.values():
            if call.id == call_id:
                call.output, call.details = result.output, result.details

    def submit(self, outputs: Mapping[str, str]) -> None:
        """The client's functions have run: call id → output."""
        for call in self._calls.values():
            if call.id in outputs:
                call.output = outputs[call.id]

    @property
    def complete(self) -> bool:
        return all(call.output is not None for call in self._calls.values())

    def awaited(self) -> list[str]:
        """Ids of the calls whose outputs the client owes."""
        return [call.id for call in self._calls.values() if call.output is None and not call.server_side]

    def required_action(self) -> RequiredAction:
        """What the client has to do."""
        calls = [
            RequiredCall(id=call.id, function=FunctionCall(name=call.name, arguments=call.arguments))
            for call in self._calls.values()
            if call.output is None
        ]
        return RequiredAction(submit_tool_outputs=RequiredCalls(tool_calls=calls))

    def step(self, status: StepStatus, *, error: LastError | None = None) -> RunStep:
        """The run step as it is now."""
        now = int(time.time())
        return RunStep(
            id=self.id,
            owner=self._run.owner,
            seq=self.place,
            created_at=self._created_at,
            assistant_id=self._run.assistant_id,
            thread_id=self._run.thread_id,
            run_id=self._run.id,
            type="tool_calls",
            status=status,
            step_details=ToolCallsDetails(tool_calls=[_shown(call) for call in self._calls.values()]),
            last_error=error,
            completed_at=now if status == "completed" else None,
            cancelled_at=now if status == "cancelled" else None,
            failed_at=now if status == "failed" else None,
            expired_at=now if status == "expired" else None,
            expires_at=self._run.expires_at,
            usage=self.turn_usage if status == "completed" else None,
            turn_usage=self.turn_usage,
            model_calls=[_told(call) for call in self._calls.values()],
        )


def _shown(call: _Call) -> ToolCall:
    if call.server_side:
        return FileSearchToolCall.told(call.id, call.details)
    return FunctionToolCall(id=call.id, function=FunctionOutput(name=call.name, arguments=call.arguments, output=call.output))


def _told(call: _Call) -> dict[str, JsonValue]:
    return {
        "id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "output": call.output,
        "details": dict(call.details),
        "extra": call.extra,
    }
