"""A message while it is written: listed and read with what it says so far, once, under the id that it keeps."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.beta import Assistant, Thread

from tests.server_process import ServerProcess
from tests.wire.v1.asking import answer


class Writing:
    """A thread of the messages 1 to 4 and the script, whose answer, shown as 6, says "One two" and hangs."""

    def __init__(self, client: openai.OpenAI, assistant: Assistant) -> None:
        self.client = client
        given = [{"role": "user", "content": text} for text in ("1", "2", "3", "4", 'say "One two"\nhang')]
        self.thread: Thread = client.beta.threads.create(messages=given)
        self.stream = client.beta.threads.runs.create(self.thread.id, assistant_id=assistant.id, stream=True)
        self.run_id = self.message_id = ""
        deltas = 0
        for event in self.stream:
            if event.event == "thread.run.created":
                self.run_id = event.data.id
            elif event.event == "thread.message.created":
                self.message_id = event.data.id
            elif event.event == "thread.message.delta":
                deltas += 1
                if deltas == 2:
                    break

    def list(self, **query: Any) -> Any:
        return self.client.beta.threads.messages.list(self.thread.id, **query)

    def end(self) -> None:
        self.client.beta.threads.runs.cancel(self.run_id, thread_id=self.thread.id)
        for _ in self.stream:
            pass


@pytest.fixture(scope="module")
def writing(server: ServerProcess, client: openai.OpenAI) -> Iterator[Writing]:
    writing = Writing(client, client.beta.assistants.create(model="gpt-4o"))
    yield writing
    writing.end()


@pytest.fixture(scope="module")
def numbers(writing: Writing) -> dict[str, str]:
    """Message id → its number, the oldest is 1."""
    return {message.id: str(number) for number, message in enumerate(writing.list(order="asc", limit=100).data, start=1)}


def test_it_is_listed_with_what_it_says_so_far(writing: Writing) -> None:
    newest = writing.list().data[0]
    assert (newest.id, newest.status, newest.role) == (writing.message_id, "in_progress", "assistant")
    assert newest.content[0].text.value == "One two"
    assert (newest.run_id, newest.completed_at, newest.incomplete_details) == (writing.run_id, None, None)
    assert writing.client.beta.threads.messages.retrieve(newest.id, thread_id=writing.thread.id) == newest


def test_a_list_of_its_run_has_it_and_one_of_another_run_has_not(writing: Writing) -> None:
    assert [message.id for message in writing.list(run_id=writing.run_id).data] == [writing.message_id]
    assert writing.list(run_id="run_x").data == []


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, "654321"),
        ({"order": "asc"}, "123456"),
        ({"limit": 1}, "6+"),
        ({"limit": 2}, "65+"),
        ({"limit": 6}, "654321"),
        ({"limit": 5}, "65432+"),
        ({"limit": 5, "order": "asc"}, "12345+"),
        ({"limit": 6, "order": "asc"}, "123456"),
        ({"after": 6}, "54321"),
        ({"after": 6, "limit": 2}, "54+"),
        ({"after": 5}, "4321"),
        ({"after": 6, "order": "asc"}, ""),
        ({"after": 5, "order": "asc"}, "6"),
        ({"after": 4, "order": "asc", "limit": 1}, "5+"),
        ({"before": 6}, ""),
        ({"before": 5}, "6"),
        ({"before": 3}, "654"),
        ({"before": 3, "limit": 2}, "54+"),
        ({"before": 3, "limit": 3}, "654"),
        ({"before": 6, "order": "asc"}, "12345"),
        ({"before": 6, "order": "asc", "limit": 2}, "45+"),
        ({"before": 4, "order": "asc"}, "123"),
        ({"after": 6, "before": 3}, "54"),
        ({"after": 2, "before": 6, "order": "asc"}, "345"),
    ],
)
def test_a_page(writing: Writing, numbers: dict[str, str], query: dict[str, Any], page: str) -> None:
    ids = {number: message_id for message_id, number in numbers.items()}
    asked = {name: ids[str(value)] if name in ("after", "before") else value for name, value in query.items()}
    listed = writing.list(**asked)
    assert "".join(numbers[message.id] for message in listed.data) + ("+" if listed.has_more else "") == page


def test_the_sdks_iterator_meets_it_once(writing: Writing, numbers: dict[str, str]) -> None:
    assert [numbers[message.id] for message in writing.list(limit=2)] == list("654321")
    assert [numbers[message.id] for message in writing.list(limit=3, order="asc")] == list("123456")


def test_it_cannot_be_changed_or_deleted_yet(writing: Writing) -> None:
    text = f"Message {writing.message_id} is still being written by run {writing.run_id}: wait until it has ended."
    messages = writing.client.beta.threads.messages
    for call, given in ((messages.update, {"metadata": {"a": "b"}}), (messages.delete, {})):
        with pytest.raises(openai.BadRequestError) as refused:
            call(writing.message_id, thread_id=writing.thread.id, **given)
        assert refused.value.body["message"] == text


def test_once_it_has_ended_it_is_the_same_message(client: openai.OpenAI, assistant: Assistant) -> None:
    writing = Writing(client, assistant)
    before = [message.id for message in writing.list()]
    writing.end()
    after = writing.list().data
    assert [message.id for message in after] == before
    assert (after[0].id, after[0].status) == (writing.message_id, "incomplete")
    assert after[0].content[0].text.value == "One two"
    messages = client.beta.threads.messages
    assert messages.update(writing.message_id, thread_id=writing.thread.id, metadata={"a": "b"}).metadata == {"a": "b"}


def test_before_its_first_word_nothing_is_listed(client: openai.OpenAI, assistant: Assistant) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "hang"}])
    run = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    assert [message.role for message in client.beta.threads.messages.list(thread.id)] == ["user"]
    client.beta.threads.runs.cancel(run.id, thread_id=thread.id)


def test_while_the_client_runs_a_tool_the_text_before_it_is_complete(client: openai.OpenAI, assistant: Assistant) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": 'say "Let me look."\ncall get_weather {}'}])
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "requires_action"
    assert [message.status for message in client.beta.threads.messages.list(thread.id, run_id=run.id)] == ["completed"]
    assert answer(client, run) == "Let me look."
