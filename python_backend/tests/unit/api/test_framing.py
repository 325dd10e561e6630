"""Which form a client gets, and what the bytes of a form are."""

import json

import pytest
from starlette.datastructures import Headers

from underpin.api.framing import GUIDE_SSE, LINES, choose_framing
from underpin.eventlog.base import Event, event_line

EVENTS = [
    Event(7, "thread.run.created", event_line("thread.run.created", b'{"id":"run_a"}')),
    Event(8, "x", event_line("x", b"1")),
]


def test_the_guides_form_numbers_each_event():
    assert GUIDE_SSE.frame(EVENTS) == (
        b'id: 7\ndata: {"event":"thread.run.created","data":{"id":"run_a"}}\n\nid: 8\ndata: {"event":"x","data":1}\n\n'
    )


def test_lines_carry_the_number_inside():
    assert LINES.frame(EVENTS) == b'{"event":"thread.run.created","data":{"id":"run_a"},"id":7}\n{"event":"x","data":1,"id":8}\n'


@pytest.mark.parametrize("framing", [GUIDE_SSE, LINES])
def test_an_event_is_one_line_to_every_reader_of_lines(framing):
    text = "a\u2028b\u2029c\x85d\ne\rf\x0bg\x0ch\x1ci粘🪨"
    event = Event(1, "x", event_line("x", json.dumps(text, ensure_ascii=False).encode()))
    framed = framing.frame([event]).decode()
    assert framed.splitlines() == framed.rstrip("\n").split("\n") + ([""] if framing is GUIDE_SSE else [])
    [line] = [line for line in framed.splitlines() if "{" in line]
    assert json.loads(line.removeprefix("data: "))["data"] == text


@pytest.mark.parametrize(
    ("accept", "browser", "other"),
    [
        (None, "lines", "sse"),
        ("", "lines", "sse"),
        ("*/*", "lines", "sse"),
        ("text/event-stream", "sse", "sse"),
        ("TEXT/Event-Stream", "sse", "sse"),
        ("application/x-ndjson", "lines", "lines"),
        ("application/x-ndjson; charset=utf-8", "lines", "lines"),
        ("text/event-stream, application/x-ndjson", "sse", "sse"),
        ("application/x-ndjson, text/event-stream", "lines", "lines"),
        ("text/event-stream;q=0.5, application/x-ndjson;q=0.9", "lines", "lines"),
        ("application/x-ndjson;q=0.5, text/event-stream;q=0.50001", "sse", "sse"),
        ("application/x-ndjson;q=0.5,*/*", "lines", "lines"),
        ("text/event-stream;q=0", "lines", "sse"),
        ("text/event-stream;q=broken", "lines", "sse"),
        ("text/event-stream;q=nan", "lines", "sse"),
        ("application/x-ndjson;q=0, text/event-stream;q=0.1", "sse", "sse"),
        ("application/json", "lines", "sse"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "lines", "sse"),
        (",;,;;q=,", "lines", "sse"),
    ],
)
def test_accept_decides_and_else_who_asks(accept, browser, other):
    def chosen(**more: str) -> str:
        given = {} if accept is None else {"accept": accept}
        return {GUIDE_SSE: "sse", LINES: "lines"}[choose_framing(Headers(given | more))]

    assert chosen(**{"sec-fetch-mode": "cors"}) == browser
    assert chosen(origin="http://localhost:3000") == browser
    assert chosen() == other


def test_accept_may_come_in_several_headers():
    headers = Headers(raw=[(b"accept", b"application/json"), (b"accept", b"application/x-ndjson")])
    assert choose_framing(headers) is LINES
