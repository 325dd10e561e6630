"""Reading multipart/form-data as it comes: a file's bytes are handed on piece by piece, and never held."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from ...errors import TooLarge
from .envelope import InvalidRequest

MOST_FIELDS = 32
MOST_TEXT_BYTES = 64 * 1024
"""All fields that are no file, together."""
MOST_HEADER_BYTES = 16 * 1024
"""A line of a part's head: it holds the file's name, and who sends a long one should hear of that."""
FRAME_BYTES = 1024 * 1024
"""What a body may have besides the file: other fields, boundaries, heads."""

BROKEN = "We could not parse the multipart body of your request: it is broken or incomplete."

Events = AsyncGenerator[MultipartSegment | bytes | bytearray | None, None]
Take = Callable[[str | None, AsyncIterator[bytes]], Awaitable[None]]
"""Gets the name of the file, None where none was sent, and its bytes, all of which it reads."""


@dataclass(frozen=True)
class FileField:
    """The field that holds the file: its name, the most bytes, the words for more, and how long the client may be silent. `many`
    is the name of a field that may come several times, up to `most_files` in all."""

    name: str
    most_bytes: int
    too_large: str
    gap_s: float
    many: str | None = None
    most_files: int = 1

    @property
    def most_body_bytes(self) -> int:
        return self.most_files * self.most_bytes + FRAME_BYTES


async def read_form(request: Request, file: FileField, take: Take) -> dict[str, str]:
    """Read the whole body; `take` gets each file when it comes. Returns the text fields; the last of equal names counts.

    Raises InvalidRequest with `param`, TooLarge, and what `take` raises.
    """
    fields: dict[str, str] = {}
    taken = 0
    async with aclosing(_events(request, file)) as events:
        async for event in events:
            assert isinstance(event, MultipartSegment)  # what follows one is read below
            if event.name not in (file.name, file.many or file.name):
                name = event.name or ""
                try:
                    fields[name] = await _text(name, events, sum(map(len, fields.values())))
                except InvalidRequest:
                    if event.filename is None:
                        raise
                    raise _no_file_field(name[:100], file) from None
            elif taken >= file.most_files:
                raise _too_many(file, event.name)
            else:
                taken += 1
                await take(event.filename, _pieces(events, file))
    if not taken:
        raise InvalidRequest(f"Missing required parameter: '{file.name}'.", param=file.name, code="missing_required_parameter")
    return fields


def _no_file_field(name: str, file: FileField) -> InvalidRequest:
    return InvalidRequest(f"Unknown parameter: '{name}'. Send a file as '{file.name}'.", param=name, code="unknown_parameter")


def _too_many(file: FileField, name: str) -> InvalidRequest:
    if file.most_files == 1:
        text = f"Duplicate parameter: '{name}'. Send one file."
    else:
        text = f"Too many files: at most {file.most_files} may come at once. Send the others in another request."
    return InvalidRequest(text, param=name, code="invalid_value")


async def _events(request: Request, file: FileField) -> Events:
    parser = _parser(request, file)
    try:
        async with aclosing(_body(request, file)) as body:
            async for chunk in body:
                for event in parser.parse(chunk):
                    yield event
        parser.close()
    except ParserLimitReached as error:
        raise InvalidRequest(f"The multipart body is not acceptable: {error}.") from None
    except MultipartError:
        raise InvalidRequest(BROKEN) from None


def _parser(request: Request, file: FileField) -> PushMultipartParser:
    given = request.headers.get("content-type", "")
    kind, options = parse_options_header(given)
    if kind != "multipart/form-data" or not options.get("boundary"):
        wanted = "expected 'multipart/form-data' with a boundary"
        raise InvalidRequest(f"Invalid Content-Type: {wanted}, but got '{given[:100]}' instead.")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > file.most_body_bytes:
        raise TooLarge(file.too_large, param=file.name)
    try:
        return PushMultipartParser(
            options["boundary"],
            max_segment_count=MOST_FIELDS + file.most_files - 1,
            max_header_size=MOST_HEADER_BYTES,
            strict=False,
        )
    except (MultipartError, UnicodeEncodeError):
        raise InvalidRequest("Invalid Content-Type: its boundary cannot be one.") from None


async def _body(request: Request, file: FileField) -> AsyncGenerator[bytes, None]:
    size = 0
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(file.gap_s):
                chunk = await anext(stream, b"")
        except TimeoutError:
            raise InvalidRequest(f"The body stopped half-way: nothing came for {file.gap_s:g} s. Send it again.") from None
        except ClientDisconnect:
            raise InvalidRequest("The connection was closed before the whole body had come.") from None
        if not chunk:
            return
        size += len(chunk)
        if size > file.most_body_bytes:
            raise TooLarge(file.too_large, param=file.name)
        yield chunk


async def _pieces(events: Events, file: FileField) -> AsyncGenerator[bytes, None]:
    size = 0
    async for event in events:
        if event is None:
            return
        assert isinstance(event, bytes | bytearray)
        size += len(event)
        if size > file.most_bytes:
            raise TooLarge(file.too_large, param=file.name)
        yield bytes(event)


async def _text(name: str, events: Events, before: int) -> str:
    shown = name[:100]
    value = bytearray()
    async for event in events:
        if event is None:
            break
        assert isinstance(event, bytes | bytearray)
        value += event
        if before + len(value) > MOST_TEXT_BYTES:
            raise InvalidRequest(f"Invalid '{shown}': the text fields are too long.", param=shown, code="string_above_max_length")
    if b"\0" in value:
        raise InvalidRequest(f"Invalid '{shown}': it contains a NUL character.", param=shown, code="invalid_value")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(f"Invalid '{shown}': it is not UTF-8 text.", param=shown, code="invalid_value") from None
