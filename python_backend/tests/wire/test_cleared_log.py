"""A run whose log was cleared still answers whoever asks for it: with what it came to."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import parse_sse, run_node, text_of
from tests.wire.conftest import new_thread


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server that keeps a run's events for no longer than it must."""
    folder = tmp_path_factory.mktemp("forgetful")
    with (
        ServerProcess(folder / "data", OPENAI_MODEL="scripted", RUN_LOG_KEEP_S=0.05, SWEEP_S=0.05) as process,
        httpx.Client(base_url=process.base_url, timeout=30) as client,
    ):
        yield client


def cleared(http: httpx.Client, content: str) -> tuple[str, str, int]:
    """The thread and run of a message, and the number of its last event, once its log is gone."""
    thread = new_thread(http)
    answer = http.post("/chat/stream", json={"content": content, "threadId": thread})
    run, last = answer.headers["x-run-id"], list(parse_sse(answer.text.split("\n")))[-1].number
    deadline = time.monotonic() + 20
    while "thread.run.queued" in http.get(f"/chat/stream/{run}").text:  # the sweep has no event for what it cleared
        assert time.monotonic() < deadline, "the log was never cleared"
    return thread, run, last


def test_it_is_told_as_a_whole(forgetful: httpx.Client):
    thread, run, last = cleared(forgetful, 'say "Clay 粘土 "\ncite file-a "quote"')
    events = list(parse_sse(forgetful.get(f"/chat/stream/{run}").text.split("\n")))
    assert {event.number for event in events} == {last}
    assert [event.name for event in events] == [
        "thread.message.created", "thread.message.delta", "thread.message.completed", "thread.run.completed",
    ]  # fmt: skip
    assert text_of(events) == "Clay 粘土 【1†source】"
    assert events[2].data == forgetful.get(f"/threads/{thread}/history").json()["messages"][0]


def test_a_client_that_shows_a_part_is_given_the_whole_once(forgetful: httpx.Client):
    _, run, last = cleared(forgetful, "Clay is a soil.")
    events = list(parse_sse(forgetful.get(f"/chat/stream/{run}?after=9").text.split("\n")))
    assert [event.name for event in events] == ["thread.message.completed", "thread.run.completed"]
    assert forgetful.get(f"/chat/stream/{run}?after={last}").text == ""


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("sdk", ["openai-4", "openai-6"])
def test_the_node_sdk_reads_what_it_came_to(forgetful: httpx.Client, sdk, tmp_path):
    _, run, _ = cleared(forgetful, 'say "Clay 粘土 "\ncite file-a "quote"\nsay "."\ncite file-b "more"')
    kept = tmp_path / "told.ndjson"
    kept.write_bytes(forgetful.get(f"/chat/stream/{run}", headers={"Accept": "application/x-ndjson"}).content)
    seen = run_node("rechunk.mjs", {"sdk": sdk, "file": str(kept), "sizes": [1], "every": 99, "random": 1, "seed": 1})["seen"]
    assert seen["error"] is None
    assert seen["text"] == "Clay 粘土 【1†source】.【2†source】"
    assert len(seen["annotations"]) == 2
    assert seen["run"]["status"] == "completed"


def test_a_run_without_a_word_is_told_too(forgetful: httpx.Client):
    _, run, _ = cleared(forgetful, "usage 1 0")
    events = list(parse_sse(forgetful.get(f"/chat/stream/{run}").text.split("\n")))
    assert [event.name for event in events] == ["thread.run.completed"]
