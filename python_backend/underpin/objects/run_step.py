"""Run steps: what a run did, one message or one round of tool calls each."""

from typing import ClassVar, Literal

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
    """`file_search` holds `ranking_options` and `results`, as OpenAI's did."""

    id: str
    type: Literal["file_search"] = "file_search"
    file_search: dict[str, JsonValue] = {}


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
    """The calls and their outputs as the model is told of them in the next turn: `{id, name, arguments, output}`."""
    turn_usage: Usage | None = None
    """What the model used for the turn that made the calls, while the step waits for outputs."""
