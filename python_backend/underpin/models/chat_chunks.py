"""The bytes of a chat completion, streamed or in one piece, as facts. Tolerates what servers are known to do differently.

This is the hot path: one decode of the needed fields and one Struct for each token.
"""

import json
import re
from typing import Literal

import msgspec

from ..errors import ModelBroken, ModelError
from .base import Fact, Finish, FinishReason, TextDelta, UsageFact
from .sse import MAX_LINE_BYTES, DataLines
from .tool_call_pieces import ToolCallPiece, ToolCallPieces

CUT = "The model's server closed the connection in the middle of the answer. Send the message again."
NO_ANSWER = "The model's server sent no answer of a model. Check OPENAI_BASE_URL."
WEB_PAGE = "The address in OPENAI_BASE_URL answered with a web page instead of a model's answer. It usually ends in /v1."
MALFORMED = "The model's server sent something that is not a chat completion. Try again, or check OPENAI_BASE_URL."
FAILED = "The model's server reported a failure and ended the answer. Send the message again."
TOO_LONG = "The model's server sent more than two million characters, which is no model's answer."

MOST_CHARACTERS = 2_000_000
"""Half a million tokens, above what any model writes in one answer. Six times as many bytes, which is what JSON's escapes can
make of them, still fit into one document of MongoDB."""

_REASONS: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
}
_FAILURES = {"error", "abort"}

# Databases and terminals stumble over NUL, and no text has one. Behind an odd number of backslashes it is an escape.
_NUL_ESCAPE = rb"\u0000"
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


class _Part(msgspec.Struct, gc=False):
    type: str | None = None
    text: str | None = None


class _Delta(msgspec.Struct, gc=False):
    content: str | list[_Part] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallPiece] | None = None


class _Choice(msgspec.Struct, gc=False):
    index: int | None = None
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _BareError(msgspec.Struct):
    """vLLM's and SGLang's: an error that is not inside an `error`."""

    object: str | None = None
    message: str | None = None
    type: str | None = None
    code: str | int | None = None


_decode = msgspec.json.Decoder(_Chunk).decode
_decode_bare_error = msgspec.json.Decoder(_BareError).decode
_decode_usage = msgspec.json.Decoder(_Usage, strict=False).decode


class ErrorObject(Exception):
    """The upstream sent an `error` value where its answer should be."""

    def __init__(self, error: object) -> None:
        super().__init__()
        self.error = error


class ChatChunks:
    """Reads one answer. `feed` and `end` return the facts so far even when the input is broken: `failure` then says how."""

    def __init__(self) -> None:
        self._form: Literal["unknown", "events", "whole"] = "unknown"
        self._lines = DataLines()
        self._whole = bytearray()
        self._calls = ToolCallPieces()
        self._usage = b""
        self._characters = 0
        self._reason: str | None = None
        self._chunks = 0
        self.done = False
        """The upstream said that it has said everything."""
        self.failure: ModelError | ErrorObject | None = None

    @property
    def finishing(self) -> bool:
        """The model has given its reason to stop; at most usage is to come."""
        return self._reason is not None

    def feed(self, data: bytes) -> list[Fact]:
        """The facts that one read brought."""
        facts: list[Fact] = []
        try:
            if self._form != "events":
                data = self._recognise(data)
            for payload in self._lines.feed(data) if data else ():
                self._read(payload, facts)
        except (ModelError, ErrorObject) as failure:
            self.failure = failure
        return facts

    def end(self) -> list[Fact]:
        """The facts that are left at the end of the stream, of which the last is the Finish unless `failure` is set."""
        facts: list[Fact] = []
        try:
            self._read_rest(facts)
            facts += self._last_facts()
        except (ModelError, ErrorObject) as failure:
            self.failure = failure
        return facts

    def _recognise(self, data: bytes) -> bytes:
        """Tells events from a whole answer by the first character; what belongs to events comes back."""
        if self._form == "unknown":
            data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
            if data.startswith(b"<"):
                raise ModelBroken(WEB_PAGE)
            if data:
                self._form = "whole" if data.startswith((b"{", b"[")) else "events"
        if self._form == "whole":
            self._whole += data
            if len(self._whole) > MAX_LINE_BYTES:
                raise ModelBroken(MALFORMED)
            return b""
        return data

    def _read_rest(self, facts: list[Fact]) -> None:
        if self._form == "whole":
            # Google wraps an error that is not streamed in a list of one.
            self._read(bytes(self._whole).strip().removeprefix(b"[").removesuffix(b"]"), facts)
            return
        for payload in self._lines.end():
            try:
                self._read(payload, facts)
            except ModelBroken:
                # A last line without its end that cannot be read was cut.
                if not self.finishing:
                    raise ModelBroken(CUT) from None

    def _read(self, payload: bytes, facts: list[Fact]) -> None:
        if _NUL_ESCAPE in payload:
            payload = _NUL.sub(rb"\1\\ufffd", payload)
        try:
            chunk = _decode(payload)
        except (ValueError, RecursionError):
            if (text := payload.strip()) in (b"[DONE]", b""):
                self.done = self.done or bool(text)
                return
            chunk = _decode_repaired(payload)
        if bytes(chunk.error) and (error := msgspec.json.decode(chunk.error)):
            raise ErrorObject(error)
        if chunk.choices:
            self._chunks += 1
            for choice in chunk.choices:
                if not choice.index:
                    self._read_choice(choice, facts)
        elif chunk.choices is None:
            _raise_bare_error(payload)
        if (usage := bytes(chunk.usage)) not in (b"", b"null"):
            self._usage = usage

    def _read_choice(self, choice: _Choice, facts: list[Fact]) -> None:
        # Beside its deltas a server may send the message again as a whole: it counts only where there are no deltas.
        said = choice.message if self._form == "whole" else choice.delta
        if said is not None:
            if content := said.content:
                if not isinstance(content, str):
                    content = "".join(part.text or "" for part in content if part.type == "text")
                if content:
                    self._count(len(content))
                    facts.append(TextDelta(content))
            if said.refusal:
                self._count(len(said.refusal))
                facts.append(TextDelta(said.refusal))
            if said.tool_calls:
                for call in self._calls.deltas(said.tool_calls):
                    self._count(len(call.arguments))
                    facts.append(call)
        if choice.finish_reason:
            if choice.finish_reason in _FAILURES:
                raise ModelBroken(FAILED)
            self._reason = choice.finish_reason

    def _count(self, characters: int) -> None:
        self._characters += characters
        if self._characters > MOST_CHARACTERS:
            raise ModelBroken(TOO_LONG)

    def _last_facts(self) -> list[Fact]:
        if not self._chunks:
            raise ModelBroken(NO_ANSWER)
        if not (self.done or self.finishing or self._form == "whole"):
            raise ModelBroken(CUT)
        self._calls.check_named()
        last: list[Fact] = [usage] if (usage := _usage_fact(self._usage)) else []
        # Servers say `tool_calls` without one, and `stop` with one: what was called decides.
        otherwise: FinishReason = "tool_calls" if len(self._calls) else "stop"
        last.append(Finish(_REASONS.get((self._reason or "").lower(), otherwise)))
        return last


def _decode_repaired(payload: bytes) -> _Chunk:
    """Decodes a chunk whose text is not Unicode: what no character is becomes U+FFFD. Raises ModelBroken when it is no chunk."""
    try:
        text = json.dumps(json.loads(payload.decode("utf-8", "replace")), ensure_ascii=False)
        return _decode(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (ValueError, RecursionError):
        raise ModelBroken(MALFORMED) from None


def _raise_bare_error(payload: bytes) -> None:
    try:
        said = _decode_bare_error(payload)
    except ValueError:
        return
    if said.object == "error":
        raise ErrorObject({"message": said.message, "type": said.type, "code": said.code})


def _usage_fact(usage: bytes) -> UsageFact | None:
    """What was counted. Numbers that cannot be read are not worth an answer."""
    try:
        counted = _decode_usage(usage or b"{}")
    except ValueError:
        return None
    if counted.prompt_tokens is None and counted.completion_tokens is None:
        return None
    return UsageFact(max(0, counted.prompt_tokens or 0), max(0, counted.completion_tokens or 0))
