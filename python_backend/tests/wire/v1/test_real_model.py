"""The same with a real model behind it: the protocol holds whatever a model says."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.server_process import ServerProcess
from tests.wire.real_model import NAME, RealModel, real_model  # noqa: F401
from tests.wire.v1.asking import answer, ask, stream
from tests.wire.v1.clients import sync_client
from tests.wire.v1.conftest import WEATHER
from tests.wire.v1.surface import Surface


@pytest.fixture
def real(tmp_path: Path, surface: Surface, real_model: RealModel) -> Iterator[openai.OpenAI]:  # noqa: F811
    """A client of a server that asks the real model."""
    settings = {"OPENAI_BASE_URL": real_model.base_url, "OPENAI_MODEL": NAME}
    with ServerProcess(tmp_path / "data", **settings) as server, sync_client(server.base_url, surface) as client:
        yield client


def test_it_answers_streamed_and_polled(real: openai.OpenAI):
    assistant = real.beta.assistants.create(model=NAME, instructions="Answer in a few words.")
    limits = {"max_completion_tokens": 256, "temperature": 0}
    events = stream(real, assistant, "What is clay?", **limits)
    run = events[-1].data
    assert run.status in ("completed", "incomplete")
    assert run.usage.prompt_tokens > 10
    said = "".join(e.data.delta.content[0].text.value for e in events if e.event == "thread.message.delta")
    assert said == answer(real, run) != ""
    real.beta.threads.messages.create(run.thread_id, role="user", content="And silt?")
    polled = real.beta.threads.runs.create_and_poll(thread_id=run.thread_id, assistant_id=assistant.id, **limits)
    assert polled.usage.prompt_tokens > run.usage.prompt_tokens, "it reads what was said before"


def test_tools_are_taken_whether_or_not_it_calls_one(real: openai.OpenAI):
    assistant = real.beta.assistants.create(model=NAME, tools=[WEATHER])
    events = stream(real, assistant, "What is clay?", temperature=0, max_completion_tokens=256, tool_choice="auto")
    assert events[-1].data.last_error is None
    assert events[-1].data.status in ("completed", "incomplete", "requires_action")


def test_a_cancelled_answer_is_kept(real: openai.OpenAI):
    assistant = real.beta.assistants.create(model=NAME)
    thread = ask(real, "Tell me a long story about a geologist.")
    runs = real.beta.threads.runs
    with runs.stream(thread_id=thread.id, assistant_id=assistant.id) as events:
        for event in events:
            if event.event == "thread.message.delta":
                runs.cancel(events.current_run.id, thread_id=thread.id)
                break
        events.until_done()
        assert events.get_final_run().status == "cancelled"
    [message] = real.beta.threads.messages.list(thread.id, run_id=events.current_run.id).data
    assert message.incomplete_details.reason == "run_cancelled"
    assert message.content[0].text.value
