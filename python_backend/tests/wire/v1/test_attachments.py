"""Files that come with messages, and vector stores that come with assistants and threads."""

from typing import Any

import openai
import pytest
from openai.types.beta import Assistant, Thread

WEEK_S = 7 * 86_400


@pytest.fixture
def file(client: openai.OpenAI) -> str:
    return client.files.create(file=("soil.txt", b"Clay is a soft soil."), purpose="assistants").id


def attached(*files: str, tool: str = "file_search") -> Any:
    return [{"file_id": file, "tools": [{"type": tool}]} for file in files]


def store_of(client: openai.OpenAI, thread: Thread) -> str:
    """The thread's one vector store."""
    [store] = client.beta.threads.retrieve(thread.id).tool_resources.file_search.vector_store_ids
    return store


def files_of(client: openai.OpenAI, store: str) -> set[str]:
    return {one.id for one in client.vector_stores.files.list(store)}


# With messages


def test_an_attachment_makes_a_vector_store_of_the_thread_that_expires(client: openai.OpenAI, talk: Thread, file: str):
    message = client.beta.threads.messages.create(talk.id, role="user", content="Read it.", attachments=attached(file))
    assert [one.to_dict() for one in message.attachments] == attached(file)
    store = client.vector_stores.retrieve(store_of(client, talk))
    assert (store.expires_after.anchor, store.expires_after.days) == ("last_active_at", 7)
    assert store.expires_at == store.last_active_at + WEEK_S
    assert files_of(client, store.id) == {file}


def test_later_attachments_join_the_store_that_is_there(client: openai.OpenAI, talk: Thread, file: str):
    other = client.files.create(file=("sand.txt", b"Sand drains."), purpose="assistants").id
    own = client.vector_stores.create()
    client.beta.threads.update(talk.id, tool_resources={"file_search": {"vector_store_ids": [own.id]}})
    for one in (file, other, other):
        client.beta.threads.messages.create(talk.id, role="user", content="Read it.", attachments=attached(one))
    assert store_of(client, talk) == own.id
    assert files_of(client, own.id) == {file, other}


def test_a_store_that_was_deleted_gets_a_successor(client: openai.OpenAI, talk: Thread, file: str):
    client.beta.threads.messages.create(talk.id, role="user", content="Read it.", attachments=attached(file))
    first = store_of(client, talk)
    client.vector_stores.delete(first)
    client.beta.threads.messages.create(talk.id, role="user", content="Again.", attachments=attached(file))
    assert store_of(client, talk) != first
    assert files_of(client, store_of(client, talk)) == {file}


def test_a_new_thread_and_a_run_bring_attachments_too(client: openai.OpenAI, assistant: Assistant, file: str):
    message: Any = {"role": "user", "content": 'say "Yes."', "attachments": attached(file)}
    made = client.beta.threads.create(messages=[message])
    assert made.tool_resources.file_search.vector_store_ids == [store_of(client, made)]
    assert files_of(client, store_of(client, made)) == {file}
    talk = client.beta.threads.create()
    client.beta.threads.runs.create_and_poll(thread_id=talk.id, assistant_id=assistant.id, additional_messages=[message])
    assert files_of(client, store_of(client, talk)) == {file}
    run = client.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread={"messages": [message]})
    assert files_of(client, store_of(client, client.beta.threads.retrieve(run.thread_id))) == {file}


def test_a_file_for_another_tool_is_searched_by_nobody(client: openai.OpenAI, talk: Thread, file: str):
    client.beta.threads.messages.create(
        talk.id, role="user", content="Read it.", attachments=attached(file, tool="code_interpreter")
    )
    assert client.beta.threads.retrieve(talk.id).to_dict()["tool_resources"] == {}


def test_a_file_that_is_not_there_is_named_and_nothing_is_kept(client: openai.OpenAI, talk: Thread, file: str):
    with pytest.raises(openai.NotFoundError) as refused:
        client.beta.threads.messages.create(talk.id, role="user", content="x", attachments=attached(file, "file-none"))
    assert refused.value.body == {
        "message": "No such File object: file-none",
        "type": "invalid_request_error", "param": "attachments[1].file_id", "code": None,
    }  # fmt: skip
    assert client.beta.threads.messages.list(talk.id).data == []
    assert client.beta.threads.retrieve(talk.id).to_dict()["tool_resources"] == {}
    with pytest.raises(openai.NotFoundError) as refused:
        client.beta.threads.create(messages=[{"role": "user", "content": "x", "attachments": attached("file-none")}])
    assert refused.value.body["param"] == "messages[0].attachments[0].file_id"


# Tool resources


def test_a_vector_store_is_made_along_with_what_uses_it(client: openai.OpenAI, file: str):
    sizes = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0}
    new: Any = {"file_ids": [file], "metadata": {"a": "b"}, "chunking_strategy": {"type": "static", "static": sizes}}
    resources: Any = {"file_search": {"vector_stores": [new]}}
    for made in (
        client.beta.assistants.create(model="gpt-4o", tools=[{"type": "file_search"}], tool_resources=resources),
        client.beta.threads.create(tool_resources=resources),
    ):
        shown = made.to_dict()["tool_resources"]["file_search"]
        assert set(shown) == {"vector_store_ids"}
        [store] = shown["vector_store_ids"]
        assert client.vector_stores.retrieve(store).metadata == {"a": "b"}
        [kept] = client.vector_stores.files.list(store)
        assert kept.id == file
        assert kept.chunking_strategy.to_dict() == {"type": "static", "static": sizes}


@pytest.mark.parametrize(
    ("resources", "error", "text", "param"),
    [
        (
            {"vector_store_ids": ["vs_none"]}, openai.NotFoundError, "No vector store found with id 'vs_none'.",
            "tool_resources.file_search.vector_store_ids[0]",
        ),
        (
            {"vector_stores": [{"file_ids": ["file-none"]}]}, openai.NotFoundError, "No such File object: file-none",
            "tool_resources.file_search.vector_stores[0].file_ids[0]",
        ),
        (
            {"vector_stores": [{}, {}]}, openai.BadRequestError,
            "Invalid 'tool_resources.file_search.vector_stores': array too long. Expected an array with maximum length 1, but "
            "got an array with length 2 instead.",
            "tool_resources.file_search.vector_stores",
        ),
        (
            {"vector_store_ids": ["vs_a"], "vector_stores": [{}]}, openai.BadRequestError,
            "Invalid 'tool_resources.file_search': give 'vector_store_ids' or 'vector_stores', not both: there can be one vector "
            "store.",
            "tool_resources.file_search",
        ),
    ],
)  # fmt: skip
def test_what_resources_name_must_be_there(
    client: openai.OpenAI, resources: Any, error: type[openai.APIStatusError], text: str, param: str
):
    given: Any = {"file_search": resources}
    asks = (
        lambda: client.beta.assistants.create(model="gpt-4o", tool_resources=given),
        lambda: client.beta.threads.create(tool_resources=given),
        lambda: client.beta.threads.update(client.beta.threads.create().id, tool_resources=given),
    )
    for ask in asks:
        with pytest.raises(error) as refused:
            ask()
        assert (refused.value.body["message"], refused.value.body["param"]) == (text, param)
