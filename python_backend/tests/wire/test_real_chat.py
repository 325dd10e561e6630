"""The whole way with a real model behind it: llama.cpp streams, this server keeps and passes on, the Node SDK and Python read.
What the model says is its own affair: it is small."""

from collections.abc import Iterator

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import parse_sse, run_node, text_of
from tests.wire.conftest import new_thread
from tests.wire.real_model import NAME, RealModel, real_model  # noqa: F401


@pytest.fixture(scope="module")
def server(real_model: RealModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:  # noqa: F811
    """No model is named: the first one that the upstream lists is asked."""
    settings = {"OPENAI_BASE_URL": real_model.base_url, "OPENAI_API_KEY": "sk-not-looked-at", "MAX_COMPLETION_TOKENS": 16}
    with ServerProcess(tmp_path_factory.mktemp("real") / "data", **settings) as process:
        yield process


@pytest.fixture(scope="module")
def http(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, timeout=60) as client:
        yield client


def test_it_streams_a_real_answer_and_reports_its_usage(http: httpx.Client, thread, stored):
    with http.stream(
        "POST", "/chat/stream", json={"content": "Tell me a long story about clay.", "threadId": thread}
    ) as response:
        assert response.status_code == 200
        events = list(parse_sse(response.iter_lines()))
    end = events[-1]
    assert end.name in ("thread.run.completed", "thread.run.incomplete")
    assert end.data["model"] == NAME
    assert end.data["usage"]["prompt_tokens"] > 10
    assert 1 < end.data["usage"]["completion_tokens"] <= 16
    assert end.data["usage"]["total_tokens"] == end.data["usage"]["prompt_tokens"] + end.data["usage"]["completion_tokens"]
    deltas = [event for event in events if event.name == "thread.message.delta"]
    assert len(deltas) > 1, "it came in pieces"
    [_, answer] = stored(thread)
    assert answer["content"][0]["text"]["value"] == text_of(events) != ""


def test_stop_reaches_the_model_in_the_middle_of_its_answer(server, real_model: RealModel, tmp_path):  # noqa: F811
    settings = {"OPENAI_BASE_URL": real_model.base_url, "OPENAI_MODEL": NAME, "MAX_COMPLETION_TOKENS": 4000}
    with ServerProcess(tmp_path / "data", **settings) as patient, httpx.Client(base_url=patient.base_url, timeout=60) as http:
        thread = new_thread(http)
        body = {"content": "Count from 1 to 1000, one number a line.", "threadId": thread}
        with http.stream("POST", "/chat/stream", json=body) as response:
            events = parse_sse(response.iter_lines())
            seen = [next(event for event in events if event.name == "thread.message.delta")]
            assert real_model.answers_in_work() == 1
            assert http.post(f"/threads/{thread}/stop").json()["status"] == "cancelled"
            seen += events
        real_model.wait_until_idle(within_s=5)
        assert seen[-1].name == "thread.run.cancelled"
        [answer, _] = http.get(f"/threads/{thread}/history").json()["messages"]
        assert answer["status"] == "incomplete"
        assert answer["content"][0]["text"]["value"] == text_of(seen) != ""


def test_a_thread_remembers_what_was_said(http: httpx.Client, thread):
    def prompt_tokens(content: str, thread: str) -> int:
        answer = http.post("/chat/stream", json={"content": content, "threadId": thread})
        return int(list(parse_sse(answer.text.split("\n")))[-1].data["usage"]["prompt_tokens"])

    prompt_tokens("My name is Ada.", thread)
    assert prompt_tokens("What is my name?", thread) > prompt_tokens("What is my name?", new_thread(http))


def test_the_model_writes_a_title(http: httpx.Client, thread, server):
    answer = http.post(f"/threads/{thread}/title", json={"message": "What are the main types of soil?"})
    title = answer.json()["title"]
    assert 0 < len(title) <= 60
    assert "\n" not in title
    assert "No title from the model" not in server.log


def test_it_is_ready(http: httpx.Client):
    assert http.get("/ready").json() == {"status": "ready", "parts": {"store": "ok", "model": "ok", "sweep": "ok"}}


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("sdk", ["openai-4", "openai-6"])
def test_the_node_sdk_reads_it(server: ServerProcess, thread, stored, sdk):
    [seen] = run_node(
        "chat.mjs", {"sdk": sdk, "form": "guide", "baseUrl": server.base_url, "threadId": thread, "content": "Hello!"}
    )
    assert seen["events"][-1] in ("thread.run.completed", "thread.run.incomplete")
    assert seen["messages"] == stored(thread)[1:]
    assert seen["text"] == seen["messages"][0]["content"][0]["text"]["value"]
