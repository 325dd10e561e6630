"""One stream, three framings: how an event's bytes become a line, and which form a client gets.

A follower frames a whole batch into one piece of bytes, so that one read of the model is one send.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from starlette.datastructures import Headers

from ..errors import UnderpinError
from ..eventlog.base import Event
from .v1.envelope import stream_error

SSE = "text/event-stream"
NDJSON = "application/x-ndjson"

VARY = "Accept, Sec-Fetch-Mode"
"""What was looked at to choose; `Origin` is named on every answer by CORS."""


class Framing(Protocol):
    media_type: str
    keep_alive: bytes
    """Sent when nothing else was for a while. Carries no number."""
    end: bytes
    """Sent once, when the stream ends by itself."""

    def frame(self, events: Sequence[Event]) -> bytes:
        """The events as they go over the wire, whole lines only."""

    def broken(self, error: UnderpinError) -> bytes:
        """What is sent, before `end`, where the log could not be read on."""


class GuideSSE:
    """`id: N`, `data: {"event": NAME, "data": JSON}`: the guide's form, readable by every SSE client."""

    media_type = SSE
    keep_alive = b": keep-alive\n\n"
    end = b""

    def frame(self, events: Sequence[Event]) -> bytes:
        return _one_line_each(b"".join([b"id: %d\ndata: %b\n\n" % (event.number, event.line) for event in events]))

    def broken(self, error: UnderpinError) -> bytes:
        return b""  # a client sees that no last event came, and resumes


class Lines:
    """`{"event": NAME, "data": JSON, "id": N}` and a line end: what `AssistantStream.fromReadableStream()` reads, in every
    version measured; it ignores the number, with which others resume. An empty line keeps it alive: a comment would be an error.
    """

    media_type = NDJSON
    keep_alive = b"\n"
    end = b""

    def frame(self, events: Sequence[Event]) -> bytes:
        return _one_line_each(b"".join([b'%b,"id":%d}\n' % (event.line[:-1], event.number) for event in events]))

    def broken(self, error: UnderpinError) -> bytes:
        return b""


class OpenAISSE:
    """`event: NAME`, `id: N`, `data: JSON`, and `[DONE]` at the end: OpenAI's form. It had no numbers; the SDKs ignore them."""

    media_type = SSE
    keep_alive = b": keep-alive\n\n"
    end = b"event: done\ndata: [DONE]\n\n"

    def frame(self, events: Sequence[Event]) -> bytes:
        framed = [b"event: %b\nid: %d\ndata: %b\n\n" % (event.name.encode(), event.number, event.data) for event in events]
        return _one_line_each(b"".join(framed))

    def broken(self, error: UnderpinError) -> bytes:
        return b"event: error\ndata: %b\n\n" % msgspec.json.encode(stream_error(error))


GUIDE_SSE = GuideSSE()
LINES = Lines()
OPENAI_SSE = OpenAISSE()


def choose_framing(headers: Headers) -> Framing:
    """The form that a chat route answers in.

    `Accept` decides where it names one of the two (the greater q, then the first named). Else a `fetch` of a browser or of
    Node, which tells itself by `Sec-Fetch-Mode` or `Origin`, gets lines, because `AssistantStream` cannot read SSE; curl, Python
    and all others get SSE.
    """
    named = [(q, -at, kind) for at, (kind, q) in enumerate(_accepted(headers)) if kind in (SSE, NDJSON) and q > 0]
    if named:
        return GUIDE_SSE if max(named)[2] == SSE else LINES
    return LINES if "sec-fetch-mode" in headers or "origin" in headers else GUIDE_SSE


_LINE_ENDS = [("\u2028".encode(), b"\\u2028"), ("\u2029".encode(), b"\\u2029"), ("\x85".encode(), b"\\u0085")]


def _one_line_each(body: bytes) -> bytes:
    """Characters at which clients of some languages end a line (Python's `splitlines`, with it httpx), as JSON escapes: beyond
    ASCII there is nothing in a line but the insides of JSON strings."""
    if body.isascii():
        return body
    for raw, escaped in _LINE_ENDS:
        body = body.replace(raw, escaped)
    return body


def _accepted(headers: Headers) -> list[tuple[str, float]]:
    accepted = []
    for part in ",".join(headers.getlist("accept")).split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        accepted.append((kind.lower(), _quality(parameters)))
    return accepted


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        if parameter.lower().startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
