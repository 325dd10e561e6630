"""Uploads in parts by the official SDK."""

import hashlib
from pathlib import Path

import openai
import pytest

from tests.wire.v1.test_files import aplain, plain

__all__ = ["aplain", "plain"]

TEXT = b"".join(b"%06d\n" % number for number in range(20_000))


def begin(client: openai.OpenAI, size: int = len(TEXT), **given):
    return client.uploads.create(
        **{"bytes": size, "filename": "a.txt", "mime_type": "text/plain", "purpose": "assistants", **given}
    )


def refused(call, **given) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as caught:
        call(**given)
    return caught.value


def test_parts_become_a_file(client: openai.OpenAI, plain: openai.OpenAI) -> None:
    upload = begin(client)
    assert (upload.status, upload.bytes, upload.filename, upload.purpose) == ("pending", len(TEXT), "a.txt", "assistants")
    assert upload.expires_at == upload.created_at + 3600
    assert upload.file is None
    second = client.uploads.parts.create(upload.id, data=TEXT[100_000:])
    first = client.uploads.parts.create(upload.id, data=TEXT[:100_000])
    assert (first.upload_id, first.object) == (upload.id, "upload.part")
    done = client.uploads.complete(upload.id, part_ids=[first.id, second.id], md5=hashlib.md5(TEXT).hexdigest())
    assert done.status == "completed"
    assert done.file is not None
    assert (done.file.bytes, done.file.filename, done.file.purpose) == (len(TEXT), "a.txt", "assistants")
    assert plain.files.content(done.file.id).content == TEXT
    assert client.files.retrieve(done.file.id) == done.file
    assert client.uploads.complete(upload.id, part_ids=[first.id, second.id]) == done


def test_the_sdk_cuts_and_uploads_a_large_file(client: openai.OpenAI, plain: openai.OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(TEXT)
    done = client.uploads.upload_file_chunked(file=path, mime_type="text/plain", purpose="user_data", part_size=30_000)
    assert done.file is not None
    assert plain.files.content(done.file.id).content == TEXT


async def test_the_asynchronous_client_does_the_same(aclient: openai.AsyncOpenAI, aplain: openai.AsyncOpenAI) -> None:
    done = await aclient.uploads.upload_file_chunked(
        file=TEXT, filename="b.txt", bytes=len(TEXT), mime_type="text/plain", purpose="assistants", part_size=100_000
    )
    assert done.file is not None
    assert (await aplain.files.content(done.file.id)).content == TEXT
    upload = await aclient.uploads.create(bytes=1, filename="c", mime_type="x/y", purpose="vision")
    assert (await aclient.uploads.cancel(upload.id)).status == "cancelled"


def test_the_files_expiry_counts_from_its_creation(client: openai.OpenAI) -> None:
    upload = begin(client, 1, expires_after={"anchor": "created_at", "seconds": 7200})
    part = client.uploads.parts.create(upload.id, data=b"x")
    file = client.uploads.complete(upload.id, part_ids=[part.id]).file
    assert file is not None
    assert file.expires_at == file.created_at + 7200


def test_a_cancelled_upload_takes_no_more(client: openai.OpenAI) -> None:
    upload = begin(client)
    part = client.uploads.parts.create(upload.id, data=TEXT)
    assert client.uploads.cancel(upload.id).status == "cancelled"
    assert client.uploads.cancel(upload.id).status == "cancelled"
    ended = f"Upload '{upload.id}' has status 'cancelled': only a pending one takes parts, is completed or cancelled."
    for call, given in [(client.uploads.parts.create, {"data": b"x"}), (client.uploads.complete, {"part_ids": [part.id]})]:
        assert refused(call, upload_id=upload.id, **given).body["message"] == ended


def test_a_wrong_completion_says_what_is_wrong_and_may_be_repeated(client: openai.OpenAI) -> None:
    upload = begin(client, 6)
    a, b = (client.uploads.parts.create(upload.id, data=data).id for data in (b"abc", b"def"))
    wrong = [
        ({"part_ids": []}, "part_ids"), ({"part_ids": [a]}, "part_ids"), ({"part_ids": [a, a]}, "part_ids[1]"),
        ({"part_ids": [a, "part_x"]}, "part_ids[1]"), ({"part_ids": [a, b], "md5": "0" * 32}, "md5"),
        ({"part_ids": a}, "part_ids"),
        ({"part_ids": [a, 5]}, "part_ids[1]"), ({"part_ids": [a, b], "md5": 5}, "md5"), ({"part_ids": None}, "part_ids"),
    ]  # fmt: skip
    for given, param in wrong:
        assert refused(client.uploads.complete, upload_id=upload.id, **given).param == param
    assert client.uploads.complete(upload.id, part_ids=[a, b]).status == "completed"


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"bytes": 0}, "bytes"), ({"bytes": -1}, "bytes"), ({"bytes": 536_870_913}, "bytes"), ({"bytes": 10**30}, "bytes"),
        ({"bytes": "5"}, "bytes"), ({"bytes": 1.5}, "bytes"), ({"bytes": True}, "bytes"), ({"bytes": None}, "bytes"),
        ({"filename": ""}, "filename"), ({"filename": ".."}, "filename"), ({"filename": "x" * 10_240}, "filename"),
        ({"filename": "a\0"}, "filename"), ({"filename": "a\u202eb"}, "filename"), ({"filename": 5}, "filename"),
        ({"purpose": "assistants_output"}, "purpose"), ({"purpose": None}, "purpose"), ({"mime_type": ""}, "mime_type"),
        ({"mime_type": None}, "mime_type"), ({"expires_after": {"anchor": "created_at", "seconds": 1}}, "expires_after.seconds"),
    ],
)  # fmt: skip
def test_an_upload_that_cannot_be_is_refused(client: openai.OpenAI, given, param) -> None:
    assert refused(begin, client=client, **given).param == param


def test_an_unknown_upload_is_not_found(client: openai.OpenAI) -> None:
    for call, given in [
        (client.uploads.parts.create, {"data": b"x"}), (client.uploads.complete, {"part_ids": ["x"]}),
        (client.uploads.cancel, {}),
    ]:  # fmt: skip
        with pytest.raises(openai.NotFoundError, match="No upload found with id 'upload_x'"):
            call(upload_id="upload_x", **given)


def test_a_part_may_have_64_mb_and_no_more(client: openai.OpenAI) -> None:
    upload = begin(client, 100_000_000)
    client.uploads.parts.create(upload.id, data=b"x" * (64 << 20))
    with pytest.raises(openai.APIStatusError) as too_large:
        client.uploads.parts.create(upload.id, data=b"x" * ((64 << 20) + 1))
    assert (too_large.value.status_code, too_large.value.param) == (413, "data")
    client.uploads.cancel(upload.id)
