"""The server's own search tool, seen through /v1: its step, its deltas and its citations, in the document's shapes."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.server_process import ServerProcess
from tests.wire.v1.asking import names, stream
from tests.wire.v1.clients import sync_client
from tests.wire.v1.surface import Surface

BEGUN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
CALLED = ["thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta", "thread.run.step.completed"]
SAID = [
    "thread.run.step.created", "thread.run.step.in_progress", "thread.message.created", "thread.message.in_progress",
    "thread.message.delta", "thread.message.completed", "thread.run.step.completed",
]  # fmt: skip


@pytest.fixture
def quoting(tmp_path: Path, surface: Surface) -> Iterator[openai.OpenAI]:
    """A server without a language model: it answers from the example documents."""
    with ServerProcess(tmp_path / "data") as server, sync_client(server.base_url, surface) as client:
        yield client


def test_a_search_is_a_step_and_its_answer_cites(quoting: openai.OpenAI):
    [own] = quoting.beta.assistants.list().data
    events = stream(quoting, own, "What is clay?")
    assert names(events) == [*BEGUN, *CALLED, *SAID, "thread.run.completed"]
    run = events[-1].data
    search, answer = quoting.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc").data
    assert (search.type, answer.type) == ("tool_calls", "message_creation")
    [call] = search.step_details.tool_calls
    assert call.type == "file_search"
    assert call.file_search.results
    [message] = quoting.beta.threads.messages.list(run.thread_id, run_id=run.id).data
    text = message.content[0].text
    note = text.annotations[0]
    assert text.value[note.start_index : note.end_index] == note.text
    assert note.file_citation.file_id in {result.file_id for result in call.file_search.results}


def test_an_assistant_without_vector_stores_finds_nothing(quoting: openai.OpenAI):
    """The example documents are the server's own assistant's."""
    assistant = quoting.beta.assistants.create(model="gpt-4o", tools=[{"type": "file_search"}])
    run = stream(quoting, assistant, "What is clay?")[-1].data
    search, _ = quoting.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc").data
    assert search.step_details.tool_calls[0].file_search.results == []


def test_what_is_to_be_included_is_taken(quoting: openai.OpenAI):
    [assistant] = quoting.beta.assistants.list().data
    include = ["step_details.tool_calls[*].file_search.results[*].content"]
    run = stream(quoting, assistant, "What is clay?", include=include)[-1].data
    assert run.status == "completed"
    assert quoting.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, include=include).data
