"""The recorded streams of /v1 are what a server sends, fit OpenAI's document, and mean the same however their bytes are cut."""

import random
from itertools import pairwise

import pytest
from openai._streaming import SSEDecoder

from tests.wire.clients import run_node
from tests.wire.v1.recordings import NAMES, V1, with_servers
from tests.wire.v1.surface import Surface, sse_events


def recorded(name: str) -> bytes:
    return (V1 / f"{name}.sse").read_bytes()


def test_a_server_sends_what_is_recorded():
    for name, content in with_servers().items():
        assert content == (V1 / name).read_bytes(), f"{name} is sent differently now: python -m tests.wire.v1.recordings"


def test_nothing_else_is_kept():
    assert {path.name for path in V1.iterdir()} == {f"{name}.sse" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_fits_openais_document(surface: Surface, name: str):
    surface.check_stream(recorded(name))


def test_every_event_that_is_ever_sent_is_recorded():
    sent = {event for name in NAMES for event, _, _ in sse_events(recorded(name))}
    assert sent == {
        "thread.created", "done", "thread.message.created", "thread.message.in_progress", "thread.message.delta",
        "thread.message.completed", "thread.message.incomplete",
        *(f"thread.run.{status}" for status in (
            "created", "queued", "in_progress", "requires_action", "completed", "incomplete", "failed", "cancelling",
            "cancelled", "expired",
        )),
        *(f"thread.run.step.{status}" for status in (
            "created", "in_progress", "delta", "completed", "failed", "cancelled", "expired",
        )),
    }  # fmt: skip


def test_the_python_sdk_reads_it_however_it_is_cut():
    content = recorded("answer")
    whole = list(SSEDecoder().iter_bytes(iter([content])))
    assert [event.event for event in whole] == [event for event, _, _ in sse_events(content)]
    dice = random.Random(7)
    for _ in range(10_000):
        marks = sorted({0, len(content), *(dice.randrange(len(content)) for _ in range(dice.randrange(1, 60)))})
        read = list(SSEDecoder().iter_bytes(content[begin:end] for begin, end in pairwise(marks)))
        assert [(event.event, event.data, event.id) for event in read] == [(event.event, event.data, event.id) for event in whole]


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("sdk", ["openai-6", "openai-7"])
@pytest.mark.parametrize("name", NAMES)
def test_the_node_sdk_reads_it_however_it_is_cut(name: str, sdk: str):
    job = {"sdk": sdk, "form": "v1", "file": str(V1 / f"{name}.sse"), "sizes": [1, 17], "every": 997, "random": 10, "seed": 4}
    read = run_node("rechunk.mjs", job)
    assert read["differing"] == []
    assert read["count"] > 10
    seen = read["seen"]
    events = sse_events(recorded(name))
    assert seen["error"] is None
    assert seen["events"] == [event for event, _, _ in events if event != "done"]
    assert seen["text"] == "".join(
        part["text"]["value"] for event, data, _ in events if event == "thread.message.delta" for part in data["delta"]["content"]
    )
    assert seen["run"]["status"] == events[-2][1]["status"]
