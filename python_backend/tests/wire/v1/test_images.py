"""Pictures in messages: by address and by file, shown to the model where it sees, refused where it cannot."""

import base64
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from openai.types.beta import Thread

from tests.faults.upstream import Upstream
from tests.server_process import ServerProcess
from tests.wire.v1.clients import async_client, sync_client
from tests.wire.v1.surface import Surface

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
BY_ADDRESS = {"type": "image_url", "image_url": {"url": "https://example.com/soil.png"}}


def by_file(file_id: str) -> dict[str, object]:
    return {"type": "image_file", "image_file": {"file_id": file_id, "detail": "low"}}


async def test_the_model_sees_a_picture_that_was_uploaded(tmp_path: Path, surface: Surface):
    async with Upstream() as upstream:
        with ServerProcess(tmp_path / "data", OPENAI_BASE_URL=upstream.base_url, OPENAI_MODEL="m") as server:
            async with async_client(server.base_url, surface) as client:
                file = await client.files.create(file=("soil.txt", PNG), purpose="vision")
                gone = await client.files.create(file=("soil.png", PNG), purpose="vision")
                content = [{"type": "text", "text": "Which soil?"}, by_file(file.id), by_file(gone.id), BY_ADDRESS]
                thread = await client.beta.threads.create(messages=[{"role": "user", "content": content}])
                await client.files.delete(gone.id)
                [message] = [one async for one in client.beta.threads.messages.list(thread.id)]
                assert message.content[1].to_dict() == by_file(file.id)
                assistant = await client.beta.assistants.create(model="m")
                run = await client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
                assert run.status == "completed"
    [asked] = upstream.asked
    text, first, second = asked.json["messages"][0]["content"]
    assert text["text"] == "Which soil?"
    assert first["image_url"] == {"url": "data:image/png;base64," + base64.b64encode(PNG).decode(), "detail": "low"}
    assert second["image_url"] == {"url": "https://example.com/soil.png"}


@pytest.mark.parametrize("place", ["message", "thread", "run", "thread and run"])
def test_a_file_that_is_no_picture_is_refused_and_nothing_is_stored(client: openai.OpenAI, talk: Thread, place: str):
    file = client.files.create(file=("soil.png", b"not a picture"), purpose="vision")
    message = {"role": "user", "content": [{"type": "text", "text": "This:"}, by_file(file.id)]}
    assistant = client.beta.assistants.create(model="gpt-4o")
    threads = client.beta.threads
    calls = {
        "message": (lambda: threads.messages.create(talk.id, **message), ""),
        "thread": (lambda: threads.create(messages=[message]), "messages[0]."),
        "run": (
            lambda: threads.runs.create(talk.id, assistant_id=assistant.id, additional_messages=[message]),
            "additional_messages[0].",
        ),
        "thread and run": (
            lambda: threads.create_and_run(assistant_id=assistant.id, thread={"messages": [message]}),
            "thread.messages[0].",
        ),
    }
    call, prefix = calls[place]
    with pytest.raises(openai.BadRequestError) as refused:
        call()
    assert refused.value.param == f"{prefix}content[1].image_file.file_id"
    assert "is no image that can be read" in refused.value.body["message"]
    assert threads.messages.list(talk.id).data == []
    assert threads.runs.list(talk.id).data == []


def test_a_file_that_is_not_there_is_named(client: openai.OpenAI, talk: Thread):
    with pytest.raises(openai.NotFoundError) as refused:
        client.beta.threads.messages.create(talk.id, role="user", content=[by_file("file-nobody")])
    assert refused.value.body["message"] == "No such File object: file-nobody"
    assert refused.value.param == "content[0].image_file.file_id"


@pytest.fixture
def blind(tmp_path: Path, surface: Surface) -> Iterator[openai.OpenAI]:
    """A server without a language model: it quotes documents."""
    with ServerProcess(tmp_path / "data") as server, sync_client(server.base_url, surface) as client:
        yield client


def test_a_model_that_cannot_see_is_told_at_once(blind: openai.OpenAI):
    thread = blind.beta.threads.create()
    file = blind.files.create(file=("soil.png", PNG), purpose="vision")
    for part in (BY_ADDRESS, by_file(file.id)):
        with pytest.raises(openai.BadRequestError) as refused:
            blind.beta.threads.messages.create(thread.id, role="user", content=[{"type": "text", "text": "What?"}, part])
        assert refused.value.body["message"].startswith("The model 'extractive' cannot see images. Send text")
        assert refused.value.param == "content[1]"
    assert blind.beta.threads.messages.list(thread.id).data == []
