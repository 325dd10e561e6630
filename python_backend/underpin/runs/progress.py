"""Where a run stands: what is open, what was counted. It can be made again from the run's journal, by whoever takes over."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from pydantic import JsonValue, TypeAdapter

from ..eventlog.base import Event
from ..ids import derived_id
from ..models.base import UsageFact
from ..objects.message import FileCitation
from ..objects.run import Run, Usage
from ..objects.run_step import RunStep
from .tool_step import OpenToolStep

_citations = TypeAdapter(list[FileCitation])
_STEP_ENDS = tuple(f"thread.run.step.{end}" for end in ("completed", "cancelled", "failed", "expired"))


def message_id(run_id: str, number: int) -> str:
    """The id of a run's message, fixed before the run begins: whoever ends the run writes under it."""
    return derived_id("msg_", run_id, "message", number)


def step_id(run_id: str, number: int) -> str:
    """The same for its steps."""
    return derived_id("step_", run_id, number)


@dataclass
class OpenMessage:
    """An answer while it is written."""

    id: str
    step_id: str
    step_place: int
    created_at: int
    text: list[str] = field(default_factory=list)
    annotations: list[dict[str, JsonValue]] = field(default_factory=list)
    told: bool = False
    """Its end was said; only its step is still open."""

    @property
    def value(self) -> str:
        return "".join(self.text)

    def citations(self) -> list[FileCitation]:
        return _citations.validate_python(self.annotations)


@dataclass
class Progress:
    """`messages` and `steps` count what was begun, the open ones included."""

    messages: int = 0
    steps: int = 0
    message: OpenMessage | None = None
    tools: OpenToolStep | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    answered: bool = False
    """The last thing that happened is that a message was completed."""
    _turn: UsageFact | None = None

    def add_usage(self, fact: UsageFact) -> None:
        self.prompt_tokens += fact.prompt_tokens
        self.completion_tokens += fact.completion_tokens
        self._turn = fact

    def take_turn_usage(self) -> Usage | None:
        """What the model reported for the turn that ends, once: for its step."""
        turn, self._turn = self._turn, None
        return None if turn is None else _usage(turn.prompt_tokens, turn.completion_tokens)

    def end_step(self, id: str) -> None:
        """The step of that id is no longer open, nor is what it made."""
        if self.message is not None and self.message.step_id == id:
            self.message = None
        if self.tools is not None and self.tools.id == id:
            self.tools = None

    def usage(self) -> Usage:
        """All turns together."""
        return _usage(self.prompt_tokens, self.completion_tokens)


def _usage(prompt: int, completion: int) -> Usage:
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


def progress_after(run: Run, steps: Iterable[RunStep], server_tools: frozenset[str]) -> Progress:
    """Where a run stands that begins anew after its steps so far: the outputs of its tools came."""
    steps = list(steps)
    used = [usage for step in steps if (usage := step.usage or step.turn_usage) is not None]
    return Progress(
        messages=sum(step.type == "message_creation" for step in steps),
        steps=len(steps),
        tools=next((OpenToolStep.again(run, step, server_tools) for step in steps if step.status == "in_progress"), None),
        prompt_tokens=sum(usage.prompt_tokens for usage in used),
        completion_tokens=sum(usage.completion_tokens for usage in used),
    )


def replay(progress: Progress, run: Run, events: Iterable[Event], server_tools: frozenset[str]) -> None:
    """Bring `progress` up to what the journal tells: text that no message holds yet, and the step that is open."""
    for event in events:
        if event.name == "thread.message.delta":
            _replay_delta(progress, msgspec.json.decode(event.data))
        elif event.name == "thread.run.step.created":
            step = RunStep.model_validate_json(event.data)
            step = step.model_copy(update={"seq": step_place(run.id, step.id)})  # the wire does not carry it
            progress.answered = False
            progress.steps = max(progress.steps, step.seq)
            if step.type == "tool_calls":
                progress.tools = OpenToolStep.again(run, step, server_tools)
        elif event.name == "thread.message.created":
            _replay_message(progress, run, msgspec.json.decode(event.data))
        elif event.name == "thread.run.step.delta" and progress.tools is not None:
            progress.tools.replay(msgspec.json.decode(event.data))
        elif event.name in ("thread.message.completed", "thread.message.incomplete"):
            progress.answered = True
            if progress.message is not None:
                progress.message.told = True
        elif event.name in _STEP_ENDS:
            progress.end_step(msgspec.json.decode(event.data)["id"])


def step_place(run_id: str, step: str) -> int:
    """A step's place in its run, from 1. Bounded: a run has at most a few dozen."""
    return next((number + 1 for number in range(1000) if step_id(run_id, number) == step), 1000)


def _replay_message(progress: Progress, run: Run, data: dict[str, JsonValue]) -> None:
    number = next((n for n in range(1000) if message_id(run.id, n) == data["id"]), 0)
    progress.messages = max(progress.messages, number + 1)
    created_at = data["created_at"]
    place = max(progress.steps, 1)
    progress.message = OpenMessage(
        str(data["id"]), step_id(run.id, place - 1), place, created_at if isinstance(created_at, int) else run.created_at
    )


def _replay_delta(progress: Progress, data: dict[str, dict[str, list[dict[str, dict[str, JsonValue]]]]]) -> None:
    message = progress.message
    if message is None:
        return
    text = data["delta"]["content"][0]["text"]
    message.text.append(str(text.get("value", "")))
    annotations = text.get("annotations")
    if isinstance(annotations, list):
        message.annotations += [dict(one) for one in annotations if isinstance(one, dict)]
