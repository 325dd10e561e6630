"""Assistants, threads, messages, runs and steps: made, read, changed, deleted, listed. Shapes are checked by the client."""

import json
from typing import Any

import httpx
import openai
import pytest
from openai.types.beta import Assistant, Thread

from tests.wire.v1.asking import answer, ask, outputs, run, stream
from tests.wire.v1.conftest import WEATHER

SCHEMA = {"type": "json_schema", "json_schema": {"name": "soil", "schema": {"type": "object"}, "strict": True}}


# Assistants


def test_an_assistant_has_openais_defaults(client: openai.OpenAI):
    made = client.beta.assistants.create(model="gpt-4o").to_dict()
    assert made.pop("id").startswith("asst_")
    assert made.pop("created_at") > 1_700_000_000
    assert made == {
        "object": "assistant", "name": None, "description": None, "model": "gpt-4o", "instructions": None, "tools": [],
        "tool_resources": {}, "metadata": {}, "temperature": 1.0, "top_p": 1.0, "response_format": "auto",
        "reasoning_effort": None,
    }  # fmt: skip


def test_an_assistant_is_kept_as_it_was_given(client: openai.OpenAI):
    store = client.vector_stores.create()
    given: dict[str, Any] = {
        "model": "gpt-4o", "name": "Soil 粘土", "description": "Knows.", "instructions": "Be brief.",
        "tools": [{"type": "code_interpreter"}, {"type": "file_search", "file_search": {"max_num_results": 5}}, WEATHER],
        "tool_resources": {"code_interpreter": {"file_ids": ["file-a"]}, "file_search": {"vector_store_ids": [store.id]}},
        "metadata": {"team": "geo"}, "temperature": 0.2, "top_p": 0.9, "response_format": SCHEMA, "reasoning_effort": "low",
    }  # fmt: skip
    made = client.beta.assistants.create(**given)
    assert made.to_dict() | given == made.to_dict()
    assert client.beta.assistants.retrieve(made.id) == made


def test_an_update_changes_what_is_given_and_nothing_else(client: openai.OpenAI, assistant: Assistant):
    changed = client.beta.assistants.update(assistant.id, name=None, metadata={"a": "1", "b": "2"})
    assert changed.to_dict() == assistant.to_dict() | {"name": None, "metadata": {"a": "1", "b": "2"}}
    changed = client.beta.assistants.update(assistant.id, metadata={"c": "3"}, tools=[], model="other", temperature=None)
    assert changed.metadata == {"c": "3"}, "metadata is replaced whole"
    assert (changed.tools, changed.model, changed.temperature) == ([], "other", 1.0)
    assert client.beta.assistants.update(assistant.id) == changed


def test_a_deleted_assistant_is_gone(client: openai.OpenAI, assistant: Assistant):
    deleted = client.beta.assistants.delete(assistant.id)
    assert deleted.to_dict() == {"id": assistant.id, "object": "assistant.deleted", "deleted": True}
    with pytest.raises(openai.NotFoundError):
        client.beta.assistants.retrieve(assistant.id)


# Threads


def test_a_thread_is_made_changed_and_deleted(client: openai.OpenAI):
    resources = {"code_interpreter": {"file_ids": ["file-a"]}}
    thread = client.beta.threads.create(metadata={"a": "b"}, tool_resources=resources)
    assert thread.to_dict()["tool_resources"] == resources
    assert client.beta.threads.retrieve(thread.id) == thread
    changed = client.beta.threads.update(thread.id, metadata={"c": "d"})
    assert (changed.metadata, changed.tool_resources) == ({"c": "d"}, thread.tool_resources)
    store = client.vector_stores.create()
    changed = client.beta.threads.update(thread.id, tool_resources={"file_search": {"vector_store_ids": [store.id]}})
    assert changed.tool_resources.file_search.vector_store_ids == [store.id]
    deleted = client.beta.threads.delete(thread.id)
    assert deleted.to_dict() == {"id": thread.id, "object": "thread.deleted", "deleted": True}
    with pytest.raises(openai.NotFoundError):
        client.beta.threads.retrieve(thread.id)


def test_a_deleted_thread_takes_its_run_with_it(client: openai.OpenAI, assistant: Assistant):
    waiting = stream(client, assistant, "call get_weather {}")[-1].data
    client.beta.threads.delete(waiting.thread_id)
    with pytest.raises(openai.NotFoundError):
        client.beta.threads.runs.retrieve(waiting.id, thread_id=waiting.thread_id)


def test_threads_can_be_listed(client: openai.OpenAI):
    made = [client.beta.threads.create().id for _ in range(3)]
    page = client.get("/threads?limit=2", cast_to=httpx.Response)
    listed = json.loads(page.text)
    assert [thread["id"] for thread in listed["data"]] == [made[2], made[1]]
    assert listed["has_more"] is True


def test_the_chat_and_the_api_see_the_same_thread(client: openai.OpenAI, http: httpx.Client, assistant: Assistant):
    thread = ask(client, "Hello.")
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    told = http.get(f"/threads/{thread.id}/history").json()["messages"]
    assert told == json.loads(client.get(f"/threads/{thread.id}/messages", cast_to=httpx.Response).text)["data"]


# Messages


def test_a_message_comes_back_as_it_was_given(client: openai.OpenAI, talk: Thread):
    content = [
        {"type": "text", "text": "Which soil? 粘土 🪨"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "text", "text": "And this?"},
    ]
    file = client.files.create(file=("soil.txt", b"Clay is soft."), purpose="assistants")
    attached = [{"file_id": file.id, "tools": [{"type": "file_search"}, {"type": "code_interpreter"}]}]
    message = client.beta.threads.messages.create(
        talk.id, role="user", content=content, attachments=attached, metadata={"a": "b"}
    )
    assert message.to_dict() == {
        "id": message.id, "object": "thread.message", "created_at": message.created_at, "thread_id": talk.id,
        "status": "completed", "incomplete_details": None, "completed_at": None, "incomplete_at": None, "role": "user",
        "content": [
            {"type": "text", "text": {"value": "Which soil? 粘土 🪨", "annotations": []}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "auto"}},
            {"type": "text", "text": {"value": "And this?", "annotations": []}},
        ],
        "assistant_id": None, "run_id": None, "attachments": attached, "metadata": {"a": "b"},
    }  # fmt: skip
    assert client.beta.threads.messages.retrieve(message.id, thread_id=talk.id) == message


def test_a_text_may_be_all_there_is(client: openai.OpenAI, talk: Thread):
    message = client.beta.threads.messages.create(talk.id, role="assistant", content="I said this elsewhere.")
    assert message.role == "assistant"
    assert message.content[0].text.value == "I said this elsewhere."


def test_a_messages_metadata_can_be_changed(client: openai.OpenAI, talk: Thread):
    messages = client.beta.threads.messages
    message = messages.create(talk.id, role="user", content="Hello.", metadata={"a": "b"})
    changed = messages.update(message.id, thread_id=talk.id, metadata={"c": "d"})
    assert changed.to_dict() == message.to_dict() | {"metadata": {"c": "d"}}
    assert messages.update(message.id, thread_id=talk.id) == changed


def test_a_deleted_message_is_read_by_nobody(client: openai.OpenAI, assistant: Assistant, http: httpx.Client):
    thread = ask(client, "One.")
    [first] = client.beta.threads.messages.list(thread.id).data
    client.beta.threads.messages.create(thread.id, role="user", content="Two.")
    deleted = client.beta.threads.messages.delete(first.id, thread_id=thread.id)
    assert deleted.to_dict() == {"id": first.id, "object": "thread.message.deleted", "deleted": True}
    assert [message.content[0].text.value for message in client.beta.threads.messages.list(thread.id)] == ["Two."]


def test_messages_are_filtered_by_their_run(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, "One.")
    runs = client.beta.threads.runs
    first = runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    [message] = client.beta.threads.messages.list(thread.id, run_id=first.id)
    assert (message.run_id, message.assistant_id) == (first.id, assistant.id)
    assert client.beta.threads.messages.list(thread.id, run_id="run_unknown").data == []


def test_citations_come_as_annotations(client: openai.OpenAI, assistant: Assistant):
    ended = run(client, assistant, 'say "土 is "\ncite file-soils "Clay is fine."')
    [message] = client.beta.threads.messages.list(ended.thread_id, run_id=ended.id)
    text = message.content[0].text
    [note] = text.annotations
    assert text.value[note.start_index : note.end_index] == note.text == "【1†source】"
    assert note.file_citation.file_id == "file-soils"


# Runs and steps


def test_a_run_has_openais_fields(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, "Hello.")
    made = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id).to_dict()
    assert made["id"].startswith("run_")
    assert made == {
        "id": made["id"], "object": "thread.run", "created_at": made["created_at"], "thread_id": thread.id,
        "assistant_id": assistant.id, "status": "queued", "required_action": None, "last_error": None,
        "expires_at": made["created_at"] + 600, "started_at": None, "cancelled_at": None, "failed_at": None,
        "completed_at": None, "incomplete_details": None, "model": "gpt-4o", "instructions": "Be brief.", "tools": [WEATHER],
        "metadata": {}, "usage": None, "temperature": 1.0, "top_p": 1.0, "max_prompt_tokens": None,
        "max_completion_tokens": None, "truncation_strategy": {"type": "auto", "last_messages": None}, "tool_choice": "auto",
        "parallel_tool_calls": True, "response_format": "auto", "reasoning_effort": None,
    }  # fmt: skip
    client.beta.threads.runs.poll(made["id"], thread_id=thread.id)


def test_options_of_a_run_are_told_back(client: openai.OpenAI, assistant: Assistant):
    given: dict[str, Any] = {
        "model": "other", "instructions": "Be long.", "tools": [], "metadata": {"a": "b"}, "temperature": 0.1, "top_p": 0.2,
        "max_prompt_tokens": 5000, "max_completion_tokens": 256, "tool_choice": {"type": "file_search"},
        "truncation_strategy": {"type": "last_messages", "last_messages": 3}, "parallel_tool_calls": False,
        "response_format": SCHEMA, "reasoning_effort": "high",
    }  # fmt: skip
    ended = run(client, assistant, "Hello.", **given).to_dict()
    del given["model"]
    assert ended | given == ended
    assert ended["model"] == "scripted", "the model that answered"


def test_a_runs_metadata_can_be_changed_while_it_runs(client: openai.OpenAI, assistant: Assistant):
    waiting = stream(client, assistant, 'call get_weather {}\nsay "Done."', metadata={"a": "b"})[-1].data
    runs = client.beta.threads.runs
    changed = runs.update(waiting.id, thread_id=waiting.thread_id, metadata={"c": "d"})
    assert changed.to_dict() == waiting.to_dict() | {"metadata": {"c": "d"}}
    events = list(
        runs.submit_tool_outputs(waiting.id, thread_id=waiting.thread_id, tool_outputs=outputs(waiting, "x"), stream=True)
    )
    assert events[-1].data.metadata == {"c": "d"}


def test_a_thread_and_its_run_in_one_request(client: openai.OpenAI, assistant: Assistant):
    thread = {"messages": [{"role": "user", "content": "Hello there."}]}
    made = client.beta.threads.create_and_run(assistant_id=assistant.id, thread=thread)
    assert made.status == "queued"
    ended = client.beta.threads.runs.poll(made.id, thread_id=made.thread_id)
    assert answer(client, ended) == "Hello there."
    bare = client.beta.threads.create_and_run_poll(assistant_id=assistant.id, instructions="Greet.")
    assert bare.status == "completed"


def test_steps_tell_what_a_run_did(client: openai.OpenAI, assistant: Assistant):
    script = 'say "Let me look."\ncall get_weather {"city": "Paris"}\ncall get_weather {"city": "Rome"}\nsay "$1 and $2."'
    waiting = run(client, assistant, script)
    runs = client.beta.threads.runs
    ended = runs.submit_tool_outputs_and_poll(
        run_id=waiting.id, thread_id=waiting.thread_id, tool_outputs=outputs(waiting, "rain", "sun")
    )
    assert answer(client, ended) == "rain and sun."
    steps = list(runs.steps.list(ended.id, thread_id=ended.thread_id, order="asc"))
    assert [step.type for step in steps] == ["message_creation", "tool_calls", "message_creation"]
    assert [step.status for step in steps] == ["completed"] * 3
    assert waiting.expires_at == waiting.created_at + 600
    assert [step.to_dict()["expires_at"] for step in steps] == [waiting.expires_at] * 3
    calls = steps[1].step_details.tool_calls
    assert [(call.function.name, call.function.arguments, call.function.output) for call in calls] == [
        ("get_weather", '{"city": "Paris"}', "rain"),
        ("get_weather", '{"city": "Rome"}', "sun"),
    ]
    used = [step.usage for step in steps if step.usage]
    assert sum(usage.total_tokens for usage in used) == ended.usage.total_tokens
    for step in steps:
        assert runs.steps.retrieve(step.id, run_id=ended.id, thread_id=ended.thread_id) == step
    said = client.beta.threads.messages.retrieve(steps[0].step_details.message_creation.message_id, thread_id=ended.thread_id)
    assert said.content[0].text.value == "Let me look."


def test_a_step_is_listed_while_it_is_open(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, 'say "One"\nhang')
    runs = client.beta.threads.runs
    with runs.stream(thread_id=thread.id, assistant_id=assistant.id) as events:
        for event in events:
            if event.event == "thread.message.delta":
                break
        run_id = events.current_run.id
        [step] = runs.steps.list(run_id, thread_id=thread.id).data
        assert (step.status, step.type) == ("in_progress", "message_creation")
        assert runs.steps.retrieve(step.id, run_id=run_id, thread_id=thread.id) == step
        runs.cancel(run_id, thread_id=thread.id)
        events.until_done()
    assert [step.status for step in runs.steps.list(run_id, thread_id=thread.id)] == ["cancelled"]


def test_runs_without_a_thread_of_their_own_are_listed_newest_first(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, "Hello.")
    made = [client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id).id for _ in range(3)]
    assert [run.id for run in client.beta.threads.runs.list(thread.id)] == made[::-1]
    assert [run.id for run in client.beta.threads.runs.list(thread.id, order="asc", limit=2)] == made


def test_the_same_idempotency_key_makes_one_run(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, "Hello.")
    key = {"Idempotency-Key": "k1"}
    runs = client.beta.threads.runs
    first = runs.create(thread.id, assistant_id=assistant.id, extra_headers=key)
    runs.poll(first.id, thread_id=thread.id)
    assert runs.create(thread.id, assistant_id=assistant.id, extra_headers=key).id == first.id
    assert len(runs.list(thread.id).data) == 1
    with pytest.raises(openai.BadRequestError):
        runs.create(thread.id, assistant_id=assistant.id, instructions="Other.", extra_headers=key)
