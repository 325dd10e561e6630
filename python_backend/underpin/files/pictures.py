"""Files that are pictures, as models take them: as a `data:` address, since no model's server can reach this one's files."""

import base64
from collections.abc import AsyncIterator

from ..errors import NotFound
from ..objects.file import File
from .files import Files

MOST_BYTES = 20_000_000
"""What OpenAI takes for one picture; it is held in memory while a model is asked."""
KINDS = "PNG, JPEG, GIF and WebP"

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def picture_type(beginning: bytes) -> str | None:
    """The media type of what begins so; None when it is no picture that models read. A file's name decides nothing."""
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _BEGINNINGS if beginning.startswith(magic)), None)


async def is_picture(files: Files, file: File) -> bool:
    """Whether a model can be shown the file. Raises NotFound when it is gone."""
    if file.bytes > MOST_BYTES:
        return False
    async with files.content(file) as pieces:
        return picture_type(await anext(pieces, b"")) is not None


async def picture_address(files: Files, owner: str, id: str) -> str | None:
    """The picture as a `data:` address; None when it was deleted, or is none."""
    try:
        file = await files.get(owner, id)
        if file.bytes > MOST_BYTES:
            return None
        async with files.content(file) as pieces:
            content = await _whole(pieces)
    except NotFound:
        return None
    kind = picture_type(content)
    return None if kind is None else f"data:{kind};base64,{base64.b64encode(content).decode()}"


async def _whole(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])
