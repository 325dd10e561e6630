"""OpenAI's framing of the log, byte by byte."""

import json

from underpin.api.framing import OPENAI_SSE
from underpin.errors import ModelRateLimited, StoreUnavailable
from underpin.eventlog.base import Event, event_line


def test_an_event_has_a_name_a_number_and_its_data_alone() -> None:
    events = [
        Event(7, "thread.run.created", event_line("thread.run.created", b'{"id":"run_a"}')),
        Event(8, "x", event_line("x", b"1")),
    ]
    assert OPENAI_SSE.frame(events) == (b'event: thread.run.created\nid: 7\ndata: {"id":"run_a"}\n\nevent: x\nid: 8\ndata: 1\n\n')
    assert OPENAI_SSE.end == b"event: done\ndata: [DONE]\n\n"


def test_no_character_of_a_text_ends_a_line() -> None:
    text = "a\u2028b\u2029c\x85d\ne\rf 粘🪨"
    framed = OPENAI_SSE.frame([Event(1, "x", event_line("x", json.dumps(text, ensure_ascii=False).encode()))]).decode()
    assert framed.splitlines() == [*framed.rstrip("\n").split("\n"), ""]
    assert json.loads(framed.splitlines()[2].removeprefix("data: ")) == text


def test_an_error_has_the_form_that_every_sdk_reads() -> None:
    """Flat for the document and Node's newest, nested for Python's: measured, each is missed by some version."""
    [name, data, *_] = OPENAI_SSE.broken(StoreUnavailable("The database does not answer.")).decode().split("\n")
    error = {
        "message": "The database does not answer.", "type": "server_error", "param": None, "code": "store_unavailable",
    }  # fmt: skip
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: ")) == {"error": error, **error}
    told = json.loads(OPENAI_SSE.broken(ModelRateLimited("Later.")).decode().split("data: ")[1])
    assert (told["type"], told["code"]) == ("requests", "rate_limit_exceeded")
