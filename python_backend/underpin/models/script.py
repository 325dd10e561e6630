"""The language of the scripted model: one command a line, bare words and JSON values. Its commands are told in scripted.py."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import (
    ModelBroken,
    ModelError,
    ModelKeyRejected,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelUnknown,
    ModelUnreachable,
)
from .base import FinishReason
from .refusals import KEY_REJECTED

FAILURES: dict[str, tuple[type[ModelError], str]] = {
    "key": (ModelKeyRejected, KEY_REJECTED),
    "unknown": (ModelUnknown, "The model's server has no such model. Set OPENAI_MODEL to a model that it has."),
    "rate_limited": (ModelRateLimited, "The model's server takes no more requests at the moment. Try again in a moment."),
    "refused": (ModelRefusedRequest, "The model's server refused the request."),
    "unreachable": (ModelUnreachable, "The model's server could not be reached."),
    "broken": (ModelBroken, "The model's server closed the connection in the middle of the answer."),
}
_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length", "content_filter": "content_filter"}


@dataclass(frozen=True)
class Say:
    text: str


@dataclass(frozen=True)
class Cite:
    file_id: str
    quote: str


@dataclass(frozen=True)
class Call:
    name: str
    arguments: str


@dataclass(frozen=True)
class Delay:
    """Seconds before each batch from here on."""

    delay_s: float


@dataclass(frozen=True)
class Batch:
    """Tokens in a batch from here on."""

    tokens: int


@dataclass(frozen=True)
class Wait:
    """Seconds, once; None: for ever."""

    wait_s: float | None


@dataclass(frozen=True)
class Usage:
    """None: the model reports none."""

    counts: tuple[int, int] | None


@dataclass(frozen=True)
class FinishWith:
    reason: FinishReason


@dataclass(frozen=True)
class Fail:
    kind: str
    message: str
    retry_after_s: float | None = None

    def error(self) -> ModelError:
        """A fresh error of this kind."""
        return FAILURES[self.kind][0](self.message, retry_after_s=self.retry_after_s)


Step = Say | Cite | Call | Delay | Batch | Wait | Usage | FinishWith | Fail


@dataclass(frozen=True)
class Turn:
    """What one request is answered with: steps up to the end of a row of calls. `before` holds the steps of earlier turns."""

    steps: tuple[Step, ...] = ()
    before: tuple[Step, ...] = field(default=(), repr=False)


class Word(str):
    """A bare word, unlike a JSON text."""


def parse(text: str) -> list[Step]:
    """The steps of a script. Raises ValueError that names the first line that is no command; an empty text is none either."""
    steps = []
    for number, line in enumerate(text.strip().splitlines(), start=1):
        if line.strip():
            try:
                steps.append(_step(list(_values(line))))
            except ValueError:
                raise ValueError(f"Line {number} of the script is no command: {line.strip()[:60]}") from None
    if not steps:
        raise ValueError("The script is empty.")
    return steps


def turn(steps: list[Step], number: int) -> Turn | None:
    """The turn of that number, counted from 0; None when the script is over."""
    begin = 0
    for _ in range(number):
        begin = _end(steps, begin)
        if begin >= len(steps):
            return None
    return Turn(tuple(steps[begin : _end(steps, begin)]), tuple(steps[:begin]))


def _end(steps: list[Step], begin: int) -> int:
    """Where a turn ends: behind its first row of calls."""
    for at in range(begin, len(steps)):
        if isinstance(steps[at], Call) and not isinstance(next(iter(steps[at + 1 : at + 2]), None), Call):
            return at + 1
    return len(steps)


def _values(line: str) -> Iterator[object]:
    """Bare words and JSON values, separated by blanks."""
    decoder = json.JSONDecoder()
    line = line.strip()
    while line:
        if line[0] in '"{[':
            value, end = decoder.raw_decode(line)
            yield value
            line = line[end:].lstrip()
        else:
            word, _, line = line.partition(" ")
            yield int(word) if word.isdecimal() else Word(word)
            line = line.lstrip()


def _step(values: list[object]) -> Step:
    match values:
        case ["say", str(text)] if not isinstance(text, Word):
            return Say(text)
        case ["words", int(count)]:
            return Say(" ".join(f"word{number}" for number in range(1, count + 1)))
        case ["call", Word() as name, dict() as arguments]:
            return Call(str(name), json.dumps(arguments, ensure_ascii=False))
        case ["call", Word() as name, str(arguments)] if not isinstance(arguments, Word):
            return Call(str(name), arguments)
        case ["cite", Word() as file_id, str(quote)] if not isinstance(quote, Word):
            return Cite(str(file_id), quote)
        case ["delay", int(ms)]:
            return Delay(ms / 1000)
        case ["batch", int(tokens)] if tokens > 0:
            return Batch(tokens)
        case ["wait", int(ms)]:
            return Wait(ms / 1000)
        case ["hang"]:
            return Wait(None)
        case ["usage", int(prompt), int(completion)]:
            return Usage((prompt, completion))
        case ["usage", "none"]:
            return Usage(None)
        case ["finish", str(reason)] if reason in _REASONS:
            return FinishWith(_REASONS[reason])
        case ["fail", str(kind), *more] if kind in FAILURES:
            return _fail(kind, more)
    raise ValueError("no command")


def _fail(kind: str, more: list[object]) -> Fail:
    match more:
        case []:
            return Fail(kind, FAILURES[kind][1])
        case [str(message)] if not isinstance(message, Word):
            return Fail(kind, message)
        case [str(message), int(seconds)] if not isinstance(message, Word):
            return Fail(kind, message, float(seconds))
    raise ValueError("no command")
