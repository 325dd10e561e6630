"""What a run may use over all its turns: `max_prompt_tokens` and `max_completion_tokens`; and how much a text is worth before a
model has counted it.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from ..models.base import ChatMessage, FunctionSpec, ModelRequest, UsageFact
from ..objects.run import Run
from ..tokens import tokens
from .progress import Progress

Spent = Literal["max_prompt_tokens", "max_completion_tokens"]

TOKENS_A_MESSAGE = 4
TOKENS_AN_IMAGE = 800


class Budget:
    """`prompt_left` and `completion_left` are None where the run sets no limit."""

    def __init__(self, prompt_left: int | None = None, completion_left: int | None = None) -> None:
        self.prompt_left = prompt_left
        self.completion_left = completion_left

    @classmethod
    def of(cls, run: Run, progress: Progress) -> "Budget":
        """What is left to a run that has come so far."""
        return cls(
            None if run.max_prompt_tokens is None else run.max_prompt_tokens - progress.prompt_tokens,
            None if run.max_completion_tokens is None else run.max_completion_tokens - progress.completion_tokens,
        )

    def refuses(self, request: ModelRequest) -> Spent | None:
        """Which limit the next turn would break; None when it may be asked."""
        if self.completion_left is not None and self.completion_left <= 0:
            return "max_completion_tokens"
        if self.prompt_left is not None and tokens_of_request(request.messages, request.tools) > self.prompt_left:
            return "max_prompt_tokens"
        return None

    def take(self, request: ModelRequest, usage: UsageFact | None, said: Iterable[str]) -> None:
        """A turn was made. Where the model did not count, what it read and said is estimated."""
        prompt = usage.prompt_tokens if usage else tokens_of_request(request.messages, request.tools)
        completion = usage.completion_tokens if usage else tokens("".join(said))
        if self.prompt_left is not None:
            self.prompt_left -= prompt
        if self.completion_left is not None:
            self.completion_left -= completion


def tokens_of_message(message: ChatMessage) -> int:
    """The same for what the model reads as one message."""
    calls = sum(tokens(call.name) + tokens(call.arguments) for call in message.tool_calls)
    return TOKENS_A_MESSAGE + tokens(message.text) + calls + TOKENS_AN_IMAGE * len(message.images)


def tokens_of_request(messages: Sequence[ChatMessage], tools: Sequence[FunctionSpec]) -> int:
    """The same for all that a request brings."""
    described = sum(tokens(tool.name) + tokens(tool.description) + tokens(str(tool.parameters)) for tool in tools)
    return described + sum(tokens_of_message(message) for message in messages)


def that_fit(messages: Sequence[ChatMessage], room: int) -> list[ChatMessage]:
    """The messages without those in the middle that there is no room for: the newest always stay, then the first, then the others
    from the newest on, until one does not fit."""
    if not messages:
        return []
    first, *between, newest = messages if len(messages) > 1 else (None, messages[0])
    room -= tokens_of_message(newest)
    head = [first] if first is not None and tokens_of_message(first) <= room else []
    room -= sum(map(tokens_of_message, head))
    tail = [newest]
    for message in reversed(between):
        room -= tokens_of_message(message)
        if room < 0:
            break
        tail.append(message)
    return [*head, *reversed(tail)]
