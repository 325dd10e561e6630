"""Multipart bodies however they are cut, broken or stuffed: the same fields and bytes, or a sentence with the parameter."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from starlette.requests import Request

from underpin.api.v1.envelope import InvalidRequest
from underpin.api.v1.form import FRAME_BYTES, MOST_TEXT_BYTES, FileField, read_form
from underpin.errors import TooLarge

MOST = 1000
B = b"boundary"
FILE = b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain'


def part(head: bytes, body: bytes) -> bytes:
    return b"--" + B + b"\r\n" + head + b"\r\n\r\n" + body + b"\r\n"


def text(name: str, value: bytes) -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"'.encode(), value)


END = b"--" + B + b"--\r\n"


def request(
    chunks: Sequence[bytes], content_type: str = 'multipart/form-data; boundary="boundary"', *, then="end", **headers: str
):
    """A request whose body comes in these chunks; `then` it ends, or the client is `gone`, or `silent`."""
    waiting = list(chunks)

    async def receive():
        if waiting:
            chunk = waiting.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(waiting) or then != "end"}
        if then == "silent":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"} if then == "gone" else {"type": "http.request", "body": b"", "more_body": False}

    named = {"content-type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    return Request({"type": "http", "method": "POST", "path": "/v1/files", "headers": encoded}, receive)


async def read(*chunks: bytes, gap_s: float = 5, **options) -> tuple[dict[str, str], str | None, bytes]:
    """The fields, and the file's name and bytes."""
    got: list[tuple[str | None, bytes]] = []

    async def take(name, pieces) -> None:
        got.append((name, b"".join([piece async for piece in pieces])))

    fields = await read_form(request(chunks, **options), FileField("file", MOST, "Too large.", gap_s), take)
    [(name, data)] = got
    return fields, name, data


async def refused(*chunks: bytes, **options) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        await read(*chunks, **options)
    assert 20 < len(caught.value.message) < 300
    return caught.value


WHOLE = text("purpose", b"assistants") + part(FILE, b"\r\n--bound\r\n--boundar\0\xff" * 10) + text("x", "粘土".encode()) + END


async def test_fields_and_file_are_read() -> None:
    fields, name, data = await read(WHOLE)
    assert fields == {"purpose": "assistants", "x": "粘土"}
    assert (name, data) == ("a.txt", b"\r\n--bound\r\n--boundar\0\xff" * 10)


async def test_a_body_reads_the_same_however_it_is_cut() -> None:
    chance, whole = random.Random(5), await read(WHOLE)
    assert await read(*(WHOLE[at : at + 1] for at in range(len(WHOLE)))) == whole
    for _ in range(500):
        cuts = sorted(chance.sample(range(1, len(WHOLE)), chance.randrange(1, 9)))
        assert await read(*(WHOLE[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True))) == whole


@pytest.mark.parametrize("end", [len(WHOLE) - cut for cut in (3, 4, 5, 12, 20, 60, 150)] + [0, 1, 10, 40])
async def test_a_truncated_body_is_refused(end: int) -> None:
    await refused(WHOLE[:end])


@pytest.mark.parametrize(
    ("name", "read_as"),
    [
        (b"a.txt", "a.txt"),
        ("粘土.txt".encode(), "粘土.txt"),
        (b"a%22b%0D%0A.txt", 'a"b\r\n.txt'),
        (b'a\\"b', 'a"b'),
        (b"../../etc/passwd", "../../etc/passwd"),
        (b"a;b=c.txt", "a;b=c.txt"),
        (b"", ""),
    ],
)
async def test_a_files_name_is_read_as_browsers_write_it(name: bytes, read_as: str) -> None:
    head = b'Content-Disposition: form-data; name="file"; filename="' + name + b'"'
    assert (await read(part(head, b"x") + END))[1] == read_as


async def test_a_file_without_a_name_is_told_apart_from_one_with_an_empty_name() -> None:
    assert (await read(text("file", b"x") + END))[1] is None


@pytest.mark.parametrize(
    "given",
    [
        "", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=boundary",
        "application/x-www-form-urlencoded", "multipart/form-data; boundary=\xff", "multipart/form-data; boundary=" + "b" * 5000,
    ],
)  # fmt: skip
async def test_another_content_type_is_refused(given: str) -> None:
    await refused(WHOLE, content_type=given)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\r\n", b"{}", b"--boundary", b"--boundary\r\n", b"--boundary\n" + FILE + b"\n\nx\n--boundary--\n", END,
        part(b"Content-Disposition: attachment; name=file; filename=x", b"x") + END, part(b"No: disposition", b"x") + END,
        part(b"Content-Disposition: form-data; name=\"\xff\"", b"x") + END, part(b"X" * 20_000 + b": y", b"x") + END,
        part(b"broken", b"x") + END, b"x" * 5000, text("a", b"x") * 33 + END, part(b"A: b\r\n" * 20 + FILE, b"x") + END,
        part(FILE, b"x") + b"--boundaryX" + END,
    ],
    ids=lambda body: repr(body[:30]),
)  # fmt: skip
async def test_a_broken_body_is_refused(body: bytes) -> None:
    await refused(body)


async def test_a_missing_file_is_named() -> None:
    error = await refused(text("purpose", b"assistants") + END)
    assert (error.message, error.param, error.api_code) == (
        "Missing required parameter: 'file'.", "file", "missing_required_parameter",
    )  # fmt: skip


async def test_a_second_file_is_refused() -> None:
    assert (await refused(part(FILE, b"x") * 2 + END)).param == "file"


async def test_text_that_is_not_utf_8_is_refused() -> None:
    assert (await refused(text("purpose", b"\xff") + part(FILE, b"x") + END)).param == "purpose"


async def test_long_texts_are_refused_even_when_they_come_in_many_fields() -> None:
    assert (await refused(text("purpose", b"x" * (MOST_TEXT_BYTES + 1)) + part(FILE, b"x") + END)).param == "purpose"
    many = b"".join(text(f"field{number}", b"x" * (MOST_TEXT_BYTES // 10)) for number in range(20))
    assert (await refused(many + part(FILE, b"x") + END)).param == "field10"


async def test_a_file_may_have_the_most_bytes_and_no_more() -> None:
    assert len((await read(part(FILE, b"x" * MOST) + END))[2]) == MOST
    with pytest.raises(TooLarge, match="Too large") as caught:
        await read(part(FILE, b"x" * (MOST + 1)) + END)
    assert caught.value.param == "file"


async def test_a_body_that_announces_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge):
        await read(then="silent", content_length=str(MOST + FRAME_BYTES + 1))


async def test_what_follows_the_end_is_ignored_but_not_for_ever() -> None:
    assert await read(WHOLE, b"more", b"and more") == await read(WHOLE)
    with pytest.raises(TooLarge):
        await read(WHOLE, *[b"x" * 65536] * 17)


async def test_a_client_that_goes_away_is_told_so() -> None:
    assert "closed" in (await refused(WHOLE[:100], then="gone")).message


async def test_a_silent_client_is_given_up() -> None:
    assert "nothing came for 0.05 s" in (await refused(WHOLE[:100], then="silent", gap_s=0.05)).message


async def read_many(*chunks: bytes, most_files: int = 3) -> list[tuple[str | None, bytes]]:
    got: list[tuple[str | None, bytes]] = []

    async def take(name, pieces) -> None:
        got.append((name, b"".join([piece async for piece in pieces])))

    field = FileField("file", MOST, "Too large.", 5, many="files", most_files=most_files)
    await read_form(request(chunks), field, take)
    return got


def many(*names: str, size: int = 3) -> bytes:
    heads = (f'Content-Disposition: form-data; name="files"; filename="{name}"'.encode() for name in names)
    return b"".join(part(head, b"x" * size) for head in heads) + END


async def test_a_field_that_may_come_several_times_is_taken_each_time():
    assert await read_many(many("a", "b", "a")) == [("a", b"xxx"), ("b", b"xxx"), ("a", b"xxx")]
    assert await read_many(part(FILE, b"bytes") + many("b")) == [("a.txt", b"bytes"), ("b", b"xxx")]


async def test_more_files_than_may_come_are_refused():
    with pytest.raises(InvalidRequest, match="Too many files: at most 3") as raised:
        await read_many(many("a", "b", "c", "d"))
    assert raised.value.param == "files"


async def test_each_of_many_may_be_as_large_as_one_and_no_larger():
    assert [len(data) for _, data in await read_many(many("a", "b", "c", size=MOST))] == [MOST] * 3
    with pytest.raises(TooLarge):
        await read_many(many("a", size=MOST + 1))


@pytest.mark.parametrize("body", [b"\x50\x4b\0\x03", b"\xff\xfe", b"x" * (MOST_TEXT_BYTES + 1)])
async def test_a_file_under_another_name_is_told_by_which_name_to_send_it(body: bytes) -> None:
    document = part(b'Content-Disposition: form-data; name="document"; filename="a.docx"', body)

    with pytest.raises(InvalidRequest, match=r"'document'\. Send a file as 'file'") as refused:
        await read(document + END)

    assert refused.value.param == "document"
