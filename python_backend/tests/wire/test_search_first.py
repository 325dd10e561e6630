"""Models that call no tools: the server searches before they answer. With a model's server that refuses tools, and with a real,
small model that knows none."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.upstream import Chat, Status, Upstream
from tests.server_process import ServerProcess
from tests.wire.clients import Event, parse_sse
from tests.wire.in_process import serving
from tests.wire.real_model import NAME, RealModel, real_model  # noqa: F401

REFUSALS = [
    Status(400, {"error": {"message": "registry.ollama.ai/library/m:latest does not support tools", "type": "api_error"}}),
    Status(400, {"object": "error", "message": '"auto" tool choice requires --enable-auto-tool-choice', "code": 400}),
    Status(500, {"error": {"code": 500, "message": "tools param requires --jinja flag", "type": "server_error"}}),
]
QUESTION = "What is the liquid limit of clay?"
CITING = Chat("It is high ", "【0:", "0", "】, not low 【3:3†x】.")


async def asked(http: httpx.AsyncClient, content: str = QUESTION, thread: str | None = None) -> list[Event]:
    thread = thread or str((await http.post("/threads/create")).json()["threadId"])
    answer = await http.post("/chat/stream", json={"content": content, "threadId": thread})
    assert answer.status_code == 200, answer.text
    return list(parse_sse(answer.text.split("\n")))


def results(events: list[Event]) -> list[dict[str, Any]]:
    """What the first step of a run found."""
    step = next(event.data for event in events if event.name == "thread.run.step.completed")
    [call] = step["step_details"]["tool_calls"]
    return call["file_search"]["results"]


def text(events: list[Event]) -> dict[str, Any]:
    [message] = [event.data for event in events if event.name == "thread.message.completed"]
    return message["content"][0]["text"]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["ollama", "vllm", "llama.cpp"])
async def test_a_model_whose_server_refuses_tools_is_shown_passages_instead(tmp_path: Path, refusal: Status) -> None:
    async with Upstream(refusal, CITING) as upstream:
        settings = {"openai_base_url": upstream.base_url, "openai_model": "m"}
        async with serving(tmp_path / "data", **settings) as http:
            for _ in range(2):
                events = await asked(http)
                assert events[-1].name == "thread.run.completed"
                found, said = results(events), text(events)
                [note] = said["annotations"]
                marker = said["value"][note["start_index"] : note["end_index"]]
                assert said["value"] == f"It is high {marker}, not low."
                assert marker == f"【0:0†{found[0]['file_name']}】"
                assert note["file_citation"]["file_id"] == found[0]["file_id"]
        refused, *answered = [request.json for request in upstream.asked]
        assert [tool["function"]["name"] for tool in refused["tools"]] == ["file_search"]
        # It is remembered: the second run does not ask for tools again.
        assert len(answered) == 2
        for request in answered:
            assert "tools" not in request
            assert marker in request["messages"][0]["content"]
            assert request["messages"][-1] == {"role": "user", "content": QUESTION}


async def test_other_refusals_stay_what_they_are(tmp_path: Path) -> None:
    refusal = Status(
        400, {"error": {"message": "This model's maximum context length is 8 tokens.", "type": "invalid_request_error"}}
    )
    async with Upstream(refusal) as upstream:
        settings = {"openai_base_url": upstream.base_url, "openai_model": "m"}
        async with serving(tmp_path / "data", **settings) as http:
            thread = (await http.post("/threads/create")).json()["threadId"]
            answer = await http.post("/chat/stream", json={"content": QUESTION, "threadId": thread})
            assert answer.status_code == 400
            assert "maximum context length" in answer.text
        assert len(upstream.asked) == 1


def test_a_real_model_that_knows_no_tools_reads_what_was_found(real_model: RealModel, tmp_path: Path) -> None:  # noqa: F811
    settings = {"OPENAI_BASE_URL": real_model.base_url, "OPENAI_MODEL": NAME, "MAX_COMPLETION_TOKENS": 48}
    tokens: dict[str, int] = {}
    for mode in ("tool", "prompt"):
        with (
            ServerProcess(tmp_path / mode, FILE_SEARCH_MODE=mode, **settings) as server,
            httpx.Client(base_url=server.base_url, timeout=120) as http,
        ):
            thread = http.post("/threads/create").json()["threadId"]
            answer = http.post("/chat/stream", json={"content": QUESTION, "threadId": thread})
            events = list(parse_sse(answer.text.split("\n")))
        assert events[-1].name in ("thread.run.completed", "thread.run.incomplete")
        tokens[mode] = events[-1].data["usage"]["prompt_tokens"]
    found = results(events)
    assert 0 < len(found) <= 5
    # The passages are in what it read, and its window of 2048 tokens holds them.
    assert 500 < tokens["prompt"] < 2048
    [message] = [event.data for event in events if event.name in ("thread.message.completed", "thread.message.incomplete")]
    said = message["content"][0]["text"]
    for note in said["annotations"]:
        assert said["value"][note["start_index"] : note["end_index"]] == note["text"]
        assert note["file_citation"]["file_id"] in {one["file_id"] for one in found}
