"""Files by the official SDK: what goes in comes out, and every answer fits OpenAI's document."""

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import openai
import pytest

from tests.server_process import ServerProcess
from tests.wire.v1.clients import KEY, sync_client
from tests.wire.v1.surface import Surface


@pytest.fixture
def plain(server: ServerProcess) -> Iterator[openai.OpenAI]:
    """Without the judge: for bytes, and for what OpenAI's document forgot."""
    with openai.OpenAI(base_url=server.base_url + "/v1", api_key=KEY, max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture
async def aplain(server: ServerProcess) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=server.base_url + "/v1", api_key=KEY, max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """One that holds nobody else's files."""
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted", MAX_FILE_BYTES=1000) as process:
        yield process


def test_a_file_comes_back_as_it_went_in(client: openai.OpenAI, plain: openai.OpenAI) -> None:
    data = bytes(range(256)) * 1000
    file = client.files.create(file=("soil classes 粘土.bin", data), purpose="assistants")
    assert (file.bytes, file.filename, file.purpose, file.status) == (256_000, "soil classes 粘土.bin", "assistants", "processed")
    assert file.id.removeprefix("file-").isalnum()
    assert file.expires_at is None
    assert client.files.retrieve(file.id) == file
    assert plain.files.content(file.id).content == data


def test_a_file_may_be_given_in_every_way_of_the_sdk(client: openai.OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "a b.txt"
    path.write_text("bytes")
    with path.open("rb") as opened:
        for given, name in [
            (path, "a b.txt"), (opened, "a b.txt"), (b"bytes", "upload"), (io.BytesIO(b"bytes"), "upload"),
            (("x.txt", b"bytes", "text/plain"), "x.txt"), (('a"b\\c%22.txt', b"bytes"), "c\".txt"),
        ]:  # fmt: skip
            file = client.files.create(file=given, purpose="user_data")
            assert (file.filename, file.bytes) == (name, 5)


def test_an_empty_file_is_a_file(client: openai.OpenAI, plain: openai.OpenAI) -> None:
    file = client.files.create(file=("empty.txt", b""), purpose="assistants")
    assert file.bytes == 0
    assert plain.files.content(file.id).content == b""


@pytest.mark.parametrize("purpose", ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"])
def test_every_purpose_of_the_document_is_taken(plain: openai.OpenAI, purpose) -> None:
    file = plain.files.create(file=b"x", purpose=purpose)
    assert plain.files.retrieve(file.id).purpose == purpose
    # OpenAI's document takes `evals`, and forgot it among what a file may have: a list with one would not fit.
    plain.files.delete(file.id)


@pytest.mark.parametrize("purpose", ["assistants_output", "batch_output", "fine-tune-results", "", "Assistants", "x" * 1000])
def test_another_purpose_is_refused(client: openai.OpenAI, purpose) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=b"x", purpose=purpose)
    assert refused.value.param == "purpose"
    assert refused.value.code == "invalid_value"


def test_a_file_expires_when_it_is_told_to(client: openai.OpenAI) -> None:
    file = client.files.create(file=b"x", purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600})
    assert file.expires_at == file.created_at + 3600
    batch = client.files.create(file=b"x", purpose="batch")
    assert batch.expires_at == batch.created_at + 30 * 86_400


@pytest.mark.parametrize(
    ("after", "param"),
    [
        ({"anchor": "created_at", "seconds": 3599}, "expires_after.seconds"),
        ({"anchor": "created_at", "seconds": 2_592_001}, "expires_after.seconds"),
        ({"anchor": "last_active_at", "seconds": 3600}, "expires_after.anchor"),
        ({"anchor": "created_at"}, "expires_after.seconds"),
        ({"seconds": 3600}, "expires_after.anchor"),
        ({"anchor": "created_at", "seconds": "soon"}, "expires_after.seconds"),
        ("3600", "expires_after"),
    ],
)
def test_an_expiry_that_cannot_be_is_refused(client: openai.OpenAI, after, param) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=b"x", purpose="user_data", expires_after=after)
    assert refused.value.param == param


def test_files_are_listed_page_by_page(own_server: ServerProcess, surface: Surface) -> None:
    with sync_client(own_server.base_url, surface) as client:
        assert client.files.list().data == []
        ids = [client.files.create(file=b"x", purpose="vision" if n % 2 else "user_data").id for n in range(5)]
        assert [file.id for file in client.files.list()] == ids[::-1]
        assert [file.id for file in client.files.list(limit=2, order="asc")] == ids  # the iterator goes from page to page
        assert [file.id for file in client.files.list(purpose="vision", order="asc")] == ids[1::2]
        page = client.files.list(limit=2, order="asc", after=ids[0])
        assert ([file.id for file in page.data], page.has_more) == (ids[1:3], True)
        assert page.has_more
        assert client.files.list(after=ids[0]).data == []
        assert client.files.list(purpose="nobody's").data == []


@pytest.mark.parametrize(("asked", "param"), [({"limit": 0}, "limit"), ({"limit": 10_001}, "limit"), ({"order": "up"}, "order")])
def test_a_list_that_cannot_be_is_refused(client: openai.OpenAI, asked, param) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.list(**asked)
    assert refused.value.param == param


def test_a_deleted_file_is_gone(client: openai.OpenAI, plain: openai.OpenAI) -> None:
    file = client.files.create(file=b"x", purpose="user_data")
    deleted = client.files.delete(file.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (file.id, "file", True)
    for call in (
        client.files.retrieve,
        client.files.delete,
        plain.files.content,
        lambda file_id: client.files.list(after=file_id),
    ):
        with pytest.raises(openai.NotFoundError) as gone:
            call(file.id)
        assert gone.value.body == {
            "message": f"No such File object: {file.id}", "type": "invalid_request_error", "param": "id", "code": None,
        }  # fmt: skip
    assert file.id not in {one.id for one in client.files.list()}


def test_a_download_is_an_attachment_whatever_it_is(plain: openai.OpenAI) -> None:
    file = plain.files.create(file=('粘土".html', b"<script>alert(1)</script>", "text/html"), purpose="user_data")
    headers = plain.files.content(file.id).response.headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == "attachment; filename=\"___.html\"; filename*=UTF-8''%E7%B2%98%E5%9C%9F%22.html"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-length"] == str(file.bytes)
    assert headers["x-request-id"].startswith("req_")


async def test_the_asynchronous_client_does_the_same(aclient: openai.AsyncOpenAI, aplain: openai.AsyncOpenAI) -> None:
    file = await aclient.files.create(file=("a.txt", b"bytes"), purpose="assistants")
    assert await aclient.files.retrieve(file.id) == file
    assert (await aplain.files.content(file.id)).text == "bytes"
    assert file.id in {one.id async for one in aclient.files.list()}
    assert (await aclient.files.delete(file.id)).deleted
    assert (await aclient.files.create(file=b"x", purpose="vision")).purpose == "vision"


async def test_the_sdk_waits_for_processing_and_need_not(aclient: openai.AsyncOpenAI) -> None:
    file = await aclient.files.create(file=b"x", purpose="fine-tune")
    assert (await aclient.files.wait_for_processing(file.id, max_wait_seconds=5)).status == "processed"


def test_a_file_that_is_too_large_is_refused_and_nothing_stays(own_server: ServerProcess, surface: Surface) -> None:
    with sync_client(own_server.base_url, surface) as client:
        assert client.files.create(file=b"x" * 1000, purpose="user_data").bytes == 1000
        for size in (1001, 900_000, 8_000_000):
            with pytest.raises(openai.APIStatusError) as refused:
                client.files.create(file=b"x" * size, purpose="user_data")
            assert (refused.value.status_code, refused.value.param) == (413, "file")
            assert "1,000 bytes" in refused.value.message
            assert "MAX_FILE_BYTES" in refused.value.message
        assert len(list((own_server.data_dir / "blobs").iterdir())) == len(client.files.list().data) == 1
