"""The server's own search tool, seen through /v1: its step, its deltas and its citations, in the document's shapes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import AssistantEventHandler

from tests.server_process import ServerProcess
from tests.wire.v1.asking import names, stream
from tests.wire.v1.clients import sync_client
from tests.wire.v1.surface import Surface

CONTENT = ["step_details.tool_calls[*].file_search.results[*].content"]
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


def test_what_was_found_is_told_where_it_is_asked_for(quoting: openai.OpenAI):
    [own] = quoting.beta.assistants.list().data
    events = stream(quoting, own, "What is clay?", include=CONTENT)
    run = events[-1].data
    [streamed] = [event.data for event in events if event.event == "thread.run.step.completed"][:1]
    steps = quoting.beta.threads.runs.steps
    where = {"thread_id": run.thread_id}
    listed = steps.list(run.id, **where, order="asc", include=CONTENT).data[0]
    retrieved = steps.retrieve(streamed.id, **where, run_id=run.id, include=CONTENT)
    assert streamed == listed == retrieved
    for result in results(listed):
        assert [part.type for part in result.content] == ["text"]
        assert result.content[0].text
    plain = [
        steps.list(run.id, **where, order="asc").data[0],
        steps.retrieve(streamed.id, **where, run_id=run.id),
        *(event.data for event in stream(quoting, own, "What is clay?") if event.event == "thread.run.step.completed")
    ][:3]  # fmt: skip
    assert [[result.content for result in results(step)] for step in plain] == [[None] * len(results(listed))] * 3
    [message] = quoting.beta.threads.messages.list(run.thread_id, run_id=run.id).data
    note = message.content[0].text.annotations[0]
    [cited] = [one for one in results(listed) if one.content[0].text.count(note.file_citation.quote)][:1]
    assert cited.file_id == note.file_citation.file_id


def test_a_citation_leads_to_its_passage(quoting: openai.OpenAI):
    [own] = quoting.beta.assistants.list().data
    run = stream(quoting, own, "What is clay?")[-1].data
    [message] = quoting.beta.threads.messages.list(run.thread_id, run_id=run.id).data
    cited = message.content[0].text.annotations[0].file_citation.to_dict()
    assert set(cited) >= {"file_id", "quote", "chunk"}
    passages = f"{quoting.base_url}files/{cited['file_id']}/passages"
    found = httpx.get(passages, params={"chunk": cited["chunk"], "quote": cited["quote"]})
    assert found.status_code == 200, found.text
    assert cited["quote"] in found.json()["text"]


def test_a_thread_that_is_made_with_its_run_tells_what_was_found_too(quoting: openai.OpenAI):
    [own] = quoting.beta.assistants.list().data
    thread: Any = {"messages": [{"role": "user", "content": "What is clay?"}]}
    events = quoting.beta.threads.create_and_run(
        assistant_id=own.id, thread=thread, stream=True, extra_query={"include": CONTENT}
    )
    step = next(event.data for event in events if event.event == "thread.run.step.completed")
    assert all(result.content[0].text for result in results(step))


def test_what_cannot_be_included_is_named(quoting: openai.OpenAI):
    [own] = quoting.beta.assistants.list().data
    thread = quoting.beta.threads.create(messages=[{"role": "user", "content": "What is clay?"}])
    with pytest.raises(openai.BadRequestError) as refused:
        quoting.beta.threads.runs.create(thread.id, assistant_id=own.id, include=["everything"])  # type: ignore[list-item]
    assert refused.value.body == {
        "message": f"Invalid value: 'everything'. Supported values are: '{CONTENT[0]}'.",
        "type": "invalid_request_error", "param": "include[0]", "code": "invalid_value",
    }  # fmt: skip


def test_the_streaming_helper_follows_a_search_and_its_citations(quoting: openai.OpenAI):
    [own] = quoting.beta.assistants.list().data
    thread = quoting.beta.threads.create(messages=[{"role": "user", "content": "What is clay?"}])
    seen = Seen()
    with quoting.beta.threads.runs.stream(thread_id=thread.id, assistant_id=own.id, event_handler=seen) as helper:
        helper.until_done()
    assert seen.called == ["file_search"]
    [message] = seen.messages
    text = message.content[0].text
    assert seen.text == text.value
    assert len(seen.annotations) == len(text.annotations) > 0
    for note in text.annotations:
        assert text.value[note.start_index : note.end_index] == note.text


class Seen(AssistantEventHandler):
    """What the SDK's helper tells of a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[str] = []
        self.text = ""
        self.annotations: list[Any] = []
        self.messages: list[Any] = []

    def on_tool_call_created(self, tool_call: Any) -> None:
        self.called.append(tool_call.type)

    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text += delta.value or ""
        self.annotations += delta.annotations or []

    def on_message_done(self, message: Any) -> None:
        self.messages.append(message)


def results(step: Any) -> list[Any]:
    [call] = step.step_details.tool_calls
    return call.file_search.results


# Documents of the user's own


SOIL = (
    b"# Site report\n\n## Boreholes\n\nThe borehole BH-7 met stiff clay at 4.2 m below ground. Groundwater stood at 1.9 m.\n\n"
    b"## Laboratory\n\nThe liquid limit of sample Q17 is 63 percent.\n"
)


@pytest.fixture
def report(quoting: openai.OpenAI) -> str:
    return quoting.files.create(file=("report.md", SOIL), purpose="assistants").id


def cited_files(client: openai.OpenAI, run: Any) -> tuple[str, set[str]]:
    """What a run said, and the files that it cites."""
    assert run.status == "completed", run.last_error
    [message] = client.beta.threads.messages.list(run.thread_id, run_id=run.id).data
    text = message.content[0].text
    for note in text.annotations:
        assert text.value[note.start_index : note.end_index] == note.text
    return text.value, {note.file_citation.file_id for note in text.annotations}


def test_an_attached_file_is_answered_from_at_once_and_cited(quoting: openai.OpenAI, report: str):
    """The run waits until the file can be searched."""
    assistant = quoting.beta.assistants.create(model="gpt-4o", tools=[{"type": "file_search"}])
    attachment: Any = [{"file_id": report, "tools": [{"type": "file_search"}]}]
    question: Any = {"role": "user", "content": "What is the liquid limit of sample Q17?", "attachments": attachment}
    thread = quoting.beta.threads.create(messages=[question])
    run = quoting.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    said, files = cited_files(quoting, run)
    assert "63 percent" in said
    assert files == {report}
    [message] = quoting.beta.threads.messages.list(run.thread_id, run_id=run.id).data
    cited = message.content[0].text.annotations[0].file_citation.to_dict()
    passage = httpx.get(f"{quoting.base_url}files/{report}/passages", params={"chunk": cited["chunk"]})
    assert cited["quote"] in passage.json()["text"]


def test_the_assistants_store_is_searched_unless_the_request_names_another(quoting: openai.OpenAI, report: str):
    other = quoting.files.create(
        file=("other.md", b"# Other\n\nThe liquid limit of sample Q17 is 11 percent.\n"), purpose="assistants"
    ).id
    stores = [quoting.vector_stores.create() for _ in range(2)]
    for store, file in zip(stores, (report, other), strict=True):
        assert quoting.vector_stores.files.create_and_poll(file, vector_store_id=store.id).status == "completed"
    resources: list[Any] = [{"file_search": {"vector_store_ids": [store.id]}} for store in stores]
    assistant = quoting.beta.assistants.create(model="gpt-4o", tools=[{"type": "file_search"}], tool_resources=resources[0])
    thread: Any = {"messages": [{"role": "user", "content": "What is the liquid limit of sample Q17?"}]}
    runs = quoting.beta.threads
    said, files = cited_files(quoting, runs.create_and_run_poll(assistant_id=assistant.id, thread=thread))
    assert ("63 percent" in said, files) == (True, {report})
    run = runs.create_and_run_poll(assistant_id=assistant.id, thread=thread, tool_resources=resources[1])
    said, files = cited_files(quoting, run)
    assert ("11 percent" in said, files) == (True, {other})
    both = quoting.beta.threads.create(**thread, tool_resources=resources[1])
    run = runs.runs.create_and_poll(thread_id=both.id, assistant_id=assistant.id)
    [step, _] = runs.runs.steps.list(run.id, thread_id=both.id, order="asc").data
    assert {result.file_id for result in results(step)} == {report, other}
