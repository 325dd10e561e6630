"""Runs, and the table of their legal moves. A status changes only along it, by a conditional update of the store."""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from ..errors import LastErrorCode
from .message import ContentPart
from .stored import Stored

RunStatus = Literal[
    "queued",
    "in_progress",
    "requires_action",
    "cancelling",
    "cancelled",
    "failed",
    "completed",
    "incomplete",
    "expired",
]

LEGAL_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    "queued": frozenset({"in_progress", "cancelling", "cancelled", "failed", "expired"}),
    "in_progress": frozenset({"requires_action", "cancelling", "cancelled", "failed", "completed", "incomplete", "expired"}),
    "requires_action": frozenset({"queued", "cancelling", "cancelled", "failed", "expired"}),
    "cancelling": frozenset({"cancelled", "failed", "completed", "incomplete", "expired"}),
    "cancelled": frozenset(),
    "failed": frozenset(),
    "completed": frozenset(),
    "incomplete": frozenset(),
    "expired": frozenset(),
}
OPEN: tuple[RunStatus, ...] = tuple(status for status, moves in LEGAL_MOVES.items() if moves)
ENDED: tuple[RunStatus, ...] = tuple(status for status, moves in LEGAL_MOVES.items() if not moves)


def may_become(status: RunStatus) -> tuple[RunStatus, ...]:
    """The statuses from which a run may move to `status`: the condition of every update that writes it."""
    return tuple(before for before, after in LEGAL_MOVES.items() if status in after)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class LastError(_Value):
    code: LastErrorCode
    message: str


class Usage(_Value):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class FunctionCall(_Value):
    name: str
    arguments: str


class RequiredCall(_Value):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class RequiredCalls(_Value):
    tool_calls: list[RequiredCall]


class RequiredAction(_Value):
    type: Literal["submit_tool_outputs"] = "submit_tool_outputs"
    submit_tool_outputs: RequiredCalls


class RunIncomplete(_Value):
    reason: Literal["max_completion_tokens", "max_prompt_tokens"]


class TruncationStrategy(_Value):
    type: Literal["auto", "last_messages"] = "auto"
    last_messages: int | None = None


class RunInput(_Value):
    """A message that came with the run, carried by it until it stands in the thread, so that a crash between the two loses
    nothing."""

    message_id: str
    content: list[ContentPart]
    role: Literal["user", "assistant"] = "user"
    attachments: list[dict[str, JsonValue]] = []
    metadata: dict[str, str] = {}


class Head(_Value):
    """How far the journal of one claim counts: event numbers up to `last` are part of the run's log, later ones never were."""

    claim_no: int
    last: int


EVENTS_A_CLAIM = 1_000_000_000
"""Room for one owner's event numbers. No run has a thousand million events, and 9 million claims stay exact in JavaScript."""


class Run(Stored):
    kind: ClassVar[str] = "runs"
    parent: ClassVar[str | None] = "thread_id"
    bookkeeping: ClassVar[frozenset[str]] = Stored.bookkeeping | {
        "input",
        "additional",
        "waiting",
        "claim",
        "claim_no",
        "worker",
        "lease_until",
        "deadline",
        "journal_last",
        "past_heads",
        "settled",
        "refused",
        "log_until",
        "vector_stores",
        "awaited_stores",
    }
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("settled", "lease_until"),
        ("settled", "deadline"),
        ("log_until",),
        ("thread_id", "waiting"),
    )

    object: Literal["thread.run"] = "thread.run"
    created_at: int
    thread_id: str
    assistant_id: str
    status: RunStatus = "queued"
    required_action: RequiredAction | None = None
    last_error: LastError | None = None
    expires_at: int | None = None
    started_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    incomplete_details: RunIncomplete | None = None
    model: str
    instructions: str = ""
    tools: list[dict[str, JsonValue]] = []
    metadata: dict[str, str] = {}
    usage: Usage | None = None
    temperature: float | None = 1.0
    top_p: float | None = 1.0
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    truncation_strategy: TruncationStrategy = TruncationStrategy()
    tool_choice: str | dict[str, Any] = "auto"
    parallel_tool_calls: bool = True
    response_format: str | dict[str, Any] = "auto"
    reasoning_effort: str | None = None

    input: RunInput | None = None
    """The chat's message, which this run answers."""
    additional: list[RunInput] = []
    """The messages that stand in the thread before the run begins, beside `input`."""
    vector_stores: list[str] = []
    """What its file_search searches, fixed when it was made."""
    awaited_stores: list[str] = []
    """Those of them whose new files it waits for: what came with the messages of its thread."""
    waiting: bool = False
    """In a group thread: it waits for its turn and does not hold the thread yet."""
    claim: str | None = None
    """Token of the owner. Every write of an owner carries it; a new owner writes a new one, and the old is fenced off."""
    claim_no: int = 1
    """How many owners there were. An owner numbers its events from (claim_no - 1) * EVENTS_A_CLAIM + 1."""
    worker: str | None = None
    lease_until: float | None = None
    """Store time; None when nobody has to be alive (requires_action, ended)."""
    deadline: float | None = None
    """Store time at which the run expires, whatever it does."""
    journal_last: int = 0
    """The number of the last event of this claim that counts."""
    past_heads: list[Head] = []
    settled: bool = False
    """It has ended and nothing is left to do for it: message, last event, free thread."""
    refused: bool = False
    """The model refused before it said a word: the same message may be tried again."""
    log_until: float | None = None
    """Store time after which the sweep clears the journal of the ended run."""

    @property
    def inputs(self) -> list[RunInput]:
        """All messages that came with the run, in their order."""
        return [*([self.input] if self.input is not None else []), *self.additional]

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def first_number(self) -> int:
        """The number with which the present claim begins: beyond anything that an earlier owner can have sent."""
        return (self.claim_no - 1) * EVENTS_A_CLAIM + 1

    @property
    def last_number(self) -> int:
        """Number of the last event of the run that counts; 0 when there is none."""
        return self.journal_last or max((head.last for head in self.past_heads), default=0)
