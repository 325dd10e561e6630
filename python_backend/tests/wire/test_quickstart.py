"""An unmodified front end of the quickstart: every handler that it has, and outputs that come while the first stream is open."""

import json

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import Event, parse_sse, run_node, text_of
from tests.wire.conftest import new_thread

A_CLAIM = 1_000_000_000
"""Numbers of the next owner of a run begin this much higher."""


@pytest.mark.usefixtures("node", "functions")
@pytest.mark.parametrize("sdk", ["openai-4", "openai-6"])
def test_the_screen_shows_what_the_thread_holds(server: ServerProcess, http: httpx.Client, sdk):
    content = (
        'say "Let me look, 土."\ncall get_weather {"location": "Paris"}\ncall get_time {"zone": "CET"}\n'
        'say "It is $1 at $2."\ncite file-a "quote"\ncall get_weather {"location": "Rome"}\nsay "In Rome $3."'
    )
    job = {
        "sdk": sdk,
        "baseUrl": server.base_url,
        "content": content,
        "functions": {"get_weather": "sunny ☀️", "get_time": "noon"},
    }
    screen = run_node("quickstart.mjs", job)
    assert screen["inputDisabled"] is False
    assert screen["messages"] == [
        {"role": "user", "text": content},
        {"role": "assistant", "text": "Let me look, 土.", "annotations": 0},
        {"role": "assistant", "text": "It is sunny ☀️ at noon.【1†source】", "annotations": 1},
        {"role": "assistant", "text": "In Rome sunny ☀️.", "annotations": 0},
    ]
    kept = http.get(f"/threads/{screen['threadId']}/messages-history").json()["messages"]
    assert [(message["role"], message["text"]) for message in screen["messages"]] == [
        (told["role"], told["text"]) for told in kept
    ]
    assert screen["handled"].pop("textDelta") > 10
    assert screen["handled"].pop("toolCallDelta") > 5
    assert screen["handled"] == {"textCreated": 3, "toolCallCreated": 3, "requires_action": 2, "completed": 1}


def outputs_for(event: Event) -> dict[str, object]:
    calls = event.data["required_action"]["submit_tool_outputs"]["tool_calls"]
    return {"runId": event.data["id"], "toolCallOutputs": [{"tool_call_id": call["id"], "output": "x"} for call in calls]}


@pytest.mark.usefixtures("functions")
def test_outputs_come_in_the_moment_in_which_they_are_asked_for(server: ServerProcess, http: httpx.Client):
    """The one who asked is still tidying up then: nothing of that may touch the one who goes on."""
    before = len(server.log)
    for _ in range(30):
        thread = new_thread(http)
        script = 'call look {}\nsay "Found."\nhang'
        with http.stream("POST", "/chat/stream", json={"content": script, "threadId": thread}) as asked:
            asking = next(event for event in parse_sse(asked.iter_lines()) if event.name == "thread.run.requires_action")
            with http.stream("POST", f"/threads/{thread}/actions", json=outputs_for(asking)) as answered:
                assert answered.status_code == 200
                events = parse_sse(answered.iter_lines())
                seen = [next(event for event in events if event.name == "thread.message.delta")]
                assert http.post(f"/threads/{thread}/stop").json()["status"] == "cancelled"
                seen += events
        assert text_of(seen) == "Found."
        assert seen[-1].name == "thread.run.cancelled"
        assert A_CLAIM < seen[0].number < seen[-1].number < 2 * A_CLAIM, "its own owner ended it, not one who took it away"
    said = server.log[before:]
    assert "⚠️" not in said
    assert "❌" not in said


@pytest.mark.usefixtures("functions")
def test_a_question_that_waits_for_outputs_is_taken_over(http: httpx.Client):
    thread = new_thread(http)
    with http.stream("POST", "/chat/stream", json={"content": "call look {}", "threadId": thread}) as asked:
        asking = next(event for event in parse_sse(asked.iter_lines()) if event.name == "thread.run.requires_action")
    answer = http.post("/chat/stream", json={"content": "Never mind.", "threadId": thread})
    assert text_of(parse_sse(answer.text.split("\n"))) == "Never mind."
    late = http.post(f"/threads/{thread}/actions", json=outputs_for(asking))
    assert late.status_code == 400
    assert json.loads(late.text)["error"] == 'Runs in status "cancelled" do not accept tool outputs.'
