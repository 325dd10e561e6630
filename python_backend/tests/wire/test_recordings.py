"""The recorded streams are what a server sends, and mean the same however their bytes are cut."""

import codecs
import json
import random
from itertools import pairwise
from typing import Any

import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import Event, parse_lines, parse_sse, run_node, text_of
from tests.wire.recordings import FOLDER, FORMS, HARD_TEXT, MESSAGES, NAMES, record

PARSE = {"ndjson": parse_lines, "sse": parse_sse}
WITH_MESSAGES = [name for name in NAMES if name != "tool-calls"]


def recorded(name: str, form: str) -> bytes:
    return (FOLDER / f"{name}.{form}").read_bytes()


def messages_after(name: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = json.loads((FOLDER / MESSAGES).read_text("utf-8"))[name]
    return messages


def read(chunks: list[bytes], form: str) -> list[Event]:
    """Bytes to events, as a client does that gets them in these pieces."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, rest = [], ""
    for chunk in chunks:
        *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        lines += whole
    assert rest == "", "the stream ends with a line end"
    return list(PARSE[form](lines))


def test_a_server_sends_what_is_recorded(server: ServerProcess):
    for name, content in record(server.base_url).items():
        kept = FOLDER / name
        assert kept.exists(), f"{name} is missing: python -m tests.wire.recordings"
        assert content == kept.read_bytes(), f"{name} is sent differently now: python -m tests.wire.recordings"


def test_nothing_else_is_kept():
    names = {f"{name}.{form}" for name in NAMES for form in FORMS} | {MESSAGES, "README.md"}
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == names


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_tell_the_same(name):
    lines, sse = (read([recorded(name, form)], form) for form in FORMS)
    assert lines == sse
    assert [event.number for event in lines] == list(range(lines[0].number, lines[0].number + len(lines))), "numbers without gaps"


def test_the_hard_text_came_through():
    assert text_of(read([recorded("answer", "sse")], "sse")) == HARD_TEXT
    assert messages_after("answer")[1]["content"][0]["text"]["value"] == HARD_TEXT


@pytest.mark.parametrize("name", WITH_MESSAGES)
def test_the_messages_of_a_stream_are_those_that_are_kept(name):
    ends = ("thread.message.completed", "thread.message.incomplete")
    said = [event.data for event in read([recorded(name, "ndjson")], "ndjson") if event.name in ends]
    kept = [message for message in messages_after(name) if message["role"] == "assistant"]
    assert said == (kept[1:] if name == "tool-outputs" else kept)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["answer", "citations", "tool-calls", "failed"])
def test_python_reads_it_however_it_is_cut(name, form):
    content = recorded(name, form)
    whole = read([content], form)
    dice = random.Random(20)
    assert read([content[at : at + 1] for at in range(len(content))], form) == whole
    for at in range(0, len(content), 37):
        assert read([content[:at], content[at:]], form) == whole
    for _ in range(5_000 if name == "answer" else 50):
        marks = sorted({0, len(content), *(dice.randrange(len(content)) for _ in range(dice.randrange(200)))})
        pieces = [content[begin:end] for begin, end in pairwise(marks)]
        assert read(pieces, form) == whole


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("sdk", ["openai-4", "openai-6"])
@pytest.mark.parametrize("name", NAMES)
def test_the_node_sdk_reads_it_however_it_is_cut(name, sdk):
    hard = name == "answer"
    job = {
        "sdk": sdk,
        "file": str(FOLDER / f"{name}.ndjson"),
        "sizes": [1, 2, 3, 5, 7, 64] if hard else [1, 17],
        "every": 41 if hard else 997,
        "random": 30 if hard else 10,
        "seed": 4,
    }
    read_by_node = run_node("rechunk.mjs", job)
    seen = read_by_node["seen"]
    assert read_by_node["differing"] == []
    assert read_by_node["count"] > (300 if hard else 10)
    events = read([recorded(name, "ndjson")], "ndjson")
    assert seen["events"] == [event.name for event in events]
    assert seen["text"] == text_of(events)
    assert seen["error"] == ("Error: Final run has not been received" if (name, sdk) == ("cut-short", "openai-4") else None)
