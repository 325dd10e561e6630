"""A model without a model: it does what a script says, offline and every time the same. `OPENAI_MODEL=scripted` selects it."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from ..errors import ModelError
from ..ids import new_id
from .base import CitationDelta, Fact, Finish, FinishReason, ModelRequest, TextDelta, ToolCallDelta, UsageFact
from .script import Batch, Call, Cite, Delay, Fail, FinishWith, Say, Step, Turn, Usage, Wait, parse, turn

_TOKEN = re.compile(r"\s*\S+|\s+")
_ARGUMENT_PIECE = 8
_OUTPUT = re.compile(r"\$(\d+)")


@dataclass(frozen=True)
class _Pause:
    """Seconds; None: for ever."""

    pause_s: float | None


_Beat = list[Fact] | _Pause | ModelError


class Scripted:
    """Plays a script: the one given here, or the last user message when every line of it is a command. Any other message is
    said back, word by word. The commands, one a line:

        say "Clay is a soil."                a text in words; $1, $2, ... in it are the outputs of the tools called so far
        words 200                            word1 word2 ... word200
        call get_weather {"city": "Paris"}   a tool call; several in a row are parallel. A JSON text is sent as it is: "{bro"
        cite file-abc "the quoted text"      a marker such as 【1†source】, and its citation
        delay 20                             from here on, milliseconds before each batch
        batch 5                              from here on, tokens in a batch (a batch stands for one read from a server)
        wait 500                             milliseconds, once
        hang                                 nothing more comes until the stream is closed
        usage 12 34                          the tokens to report (`usage none`: no report; else words are counted)
        finish length                        the reason to end with: stop, length, content_filter
        fail rate_limited "Not now." 20      an error: key, unknown, rate_limited, refused, unreachable, broken; the text and
                                             the seconds to wait are optional

    A row of calls ends the turn. When their outputs have come, the script goes on behind them; when nothing stands there, the
    outputs are said. `max_completion_tokens` counts words. All is the same every time but the ids of calls.
    """

    searches = True
    sees = True
    writes = True

    def __init__(self, script: str | None = None, *, delay_s: float = 0.0) -> None:
        """`delay_s` stands before each batch until the script says otherwise. Raises ValueError for a script that is none."""
        self._steps = None if script is None else parse(script)
        self._delay_s = delay_s

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
        """See Model."""
        for beat in _Performance(self._turn(request), request, self._delay_s).beats():
            match beat:
                case _Pause(None):
                    await asyncio.Event().wait()
                case _Pause(pause_s):
                    await asyncio.sleep(pause_s or 0)
                case ModelError():
                    raise beat
                case _:
                    yield beat

    async def close(self) -> None:
        """Nothing is held."""

    def _turn(self, request: ModelRequest) -> Turn:
        asked = max((at for at, message in enumerate(request.messages) if message.role == "user"), default=-1)
        text = request.messages[asked].text if asked >= 0 else ""
        done = sum(bool(message.tool_calls) for message in request.messages[asked + 1 :])
        try:
            steps = parse(text) if self._steps is None else self._steps
        except ValueError:
            return Turn((Say(text),))
        return turn(steps, done) or Turn((Say("\n".join(_outputs(request))),), tuple(steps))


def _outputs(request: ModelRequest) -> list[str]:
    """The outputs of the tools called since the last user message."""
    outputs: list[str] = []
    for message in request.messages:
        if message.role == "user":
            outputs.clear()
        elif message.role == "tool":
            outputs.append(message.text)
    return outputs


class _Performance:
    """One turn, as the beats that make it: batches, pauses, an error."""

    def __init__(self, turn: Turn, request: ModelRequest, delay_s: float) -> None:
        self._turn = turn
        self._request = request
        self._delay_s = delay_s
        self._batch_tokens = 1
        self._batch: list[Fact] = []
        self._text_length = 0
        self._tokens = 0
        self._citations = 0
        self._calls = 0
        self._usage: tuple[int, int] | None = None
        self._reports_usage = True
        self._reason: FinishReason | None = None
        self._cut_off = False
        for step in turn.before:
            if isinstance(step, Delay | Batch):
                list(self._play(step))

    def beats(self) -> Iterator[_Beat]:
        for step in self._turn.steps:
            yield from self._play(step)
            if self._cut_off:
                self._reason = "length"
                break
            if isinstance(step, Fail):
                return
        yield from self._flush()
        yield self._last_facts()

    def _play(self, step: Step) -> Iterator[_Beat]:
        match step:
            case Say(text):
                for token in _TOKEN.findall(self._with_outputs(text)):
                    if self._tokens == self._request.max_completion_tokens:
                        self._cut_off = True
                        return
                    yield from self._add(TextDelta(token), token)
            case Cite():
                yield from self._cite(step)
            case Call():
                yield from self._call(step)
            case Wait(wait_s):
                yield from self._flush()
                yield _Pause(wait_s)
            case Fail():
                yield from self._flush()
                yield step.error()
            case Delay(delay_s):
                self._delay_s = delay_s
            case Batch(tokens):
                self._batch_tokens = tokens
            case Usage(counts):
                self._usage, self._reports_usage = counts, counts is not None
            case FinishWith(reason):
                self._reason = reason
            case _:
                assert_never(step)

    def _with_outputs(self, text: str) -> str:
        outputs = dict(enumerate(_outputs(self._request), start=1))
        return _OUTPUT.sub(lambda match: outputs.get(int(match[1]), match[0]), text)

    def _cite(self, step: Cite) -> Iterator[_Beat]:
        self._citations += 1
        marker = f"【{self._citations}†source】"
        begin = self._text_length
        yield from self._add(TextDelta(marker), marker, whole=False)
        yield from self._add(CitationDelta(marker, begin, begin + len(marker), step.file_id, step.quote))

    def _call(self, step: Call) -> Iterator[_Beat]:
        index = self._calls
        self._calls += 1
        yield from self._add(ToolCallDelta(index, new_id("call_"), step.name, ""))
        for at in range(0, len(step.arguments), _ARGUMENT_PIECE):
            yield from self._add(ToolCallDelta(index, None, None, step.arguments[at : at + _ARGUMENT_PIECE]))

    def _add(self, fact: Fact, text: str = "", *, whole: bool = True) -> Iterator[_Beat]:
        """One more fact in the batch; with `whole`, the batch may end behind it."""
        self._batch.append(fact)
        self._tokens += bool(text)
        self._text_length += len(text)
        if whole and len(self._batch) >= self._batch_tokens:
            yield from self._flush()

    def _flush(self) -> Iterator[_Beat]:
        if self._batch:
            # Also without a delay: whoever plays a long script must leave room for others.
            yield _Pause(self._delay_s)
            yield self._batch
            self._batch = []

    def _last_facts(self) -> list[Fact]:
        facts: list[Fact] = []
        if self._reports_usage:
            asked = sum(len(message.text.split()) for message in self._request.messages)
            facts.append(UsageFact(*(self._usage or (asked, self._tokens))))
        facts.append(Finish(self._reason or ("tool_calls" if self._calls else "stop")))
        return facts
