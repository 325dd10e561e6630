"""Run steps: what a run did, one message or one round of tool calls each."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from .run import LastError, Usage
from .stored import Stored

StepStatus = Literal["in_progress", "cancelled", "failed", "completed", "expired"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class FunctionOutput(_Value):
    name: str
    arguments: str
    output: str | None = None


class FunctionToolCall(_Value):
    id: str
    type: Literal["function"] = "function"
    function: FunctionOutput


class FileSearchToolCall(_Value):
    """`file_search` holds `ranking_options` and `results`, as OpenAI's did; their content is in the step's bookkeeping."""

    id: str
    type: Literal["file_search"] = "file_search"
    file_search: dict[str, JsonValue] = {}

    @classmethod
    def told(cls, id: str, details: Mapping[str, JsonValue], *, content: bool = False) -> Self:
        """The call with what is kept of it, as it is shown: with the passages' text where it is asked for."""
        fields = ("file_id", "file_name", "score", *(("content",) if content else ()))
        results = details.get("results")
        shown: list[JsonValue] = [
            {name: result[name] for name in fields if name in result}
            for result in (results if isinstance(results, list) else ())
            if isinstance(result, dict)
        ]
        searched = {"ranking_options": details["ranking_options"], "results": shown} if details else {}
        return cls(id=id, file_search=searched)


ToolCall = FunctionToolCall | FileSearchToolCall


class ToolCallsDetails(_Value):
    type: Literal["tool_calls"] = "tool_calls"
    tool_calls: list[ToolCall] = []


class CreatedMessage(_Value):
    message_id: str


class MessageCreationDetails(_Value):
    type: Literal["message_creation"] = "message_creation"
    message_creation: CreatedMessage


class RunStep(Stored):
    kind: ClassVar[str] = "run_steps"
    parent: ClassVar[str | None] = "run_id"
    bookkeeping: ClassVar[frozenset[str]] = Stored.bookkeeping | {"model_calls", "turn_usage"}

    object: Literal["thread.run.step"] = "thread.run.step"
    created_at: int
    assistant_id: str
    thread_id: str
    run_id: str
    type: Literal["message_creation", "tool_calls"]
    status: StepStatus = "in_progress"
    step_details: MessageCreationDetails | ToolCallsDetails
    last_error: LastError | None = None
    expired_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    expires_at: int | None = None
    metadata: dict[str, str] = {}
    usage: Usage | None = None

    model_calls: list[dict[str, JsonValue]] = []
    """The calls and their outputs as the model is told of them in the next turn, `{id, name, arguments, output}`, with what else
    is kept of them: `details` as `ToolResult` has them."""
    turn_usage: Usage | None = None
    """What the model used for the turn that made the calls, while the step waits for outputs."""

    def with_content(self) -> "RunStep":
        """The step with the text of what its searches found, for who asks with `include[]`."""
        if not isinstance(self.step_details, ToolCallsDetails):
            return self
        details = {call["id"]: kept for call in self.model_calls if isinstance(kept := call.get("details"), dict)}
        calls = [
            FileSearchToolCall.told(call.id, details.get(call.id, {}), content=True)
            if isinstance(call, FileSearchToolCall)
            else call
            for call in self.step_details.tool_calls
        ]
        return self.model_copy(update={"step_details": ToolCallsDetails(tool_calls=calls)})
