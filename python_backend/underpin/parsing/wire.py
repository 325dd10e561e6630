"""What parent and child say to each other: a line of JSON for a file, and back a line of JSON, then the text as UTF-8.

The child reads hostile files, so the parent believes nothing of a reply before it has looked at it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from .base import Parsed, Unparsable, UnparsableCode

READY = b"ready\n"
LONGEST_LINE = 1_000_000
"""Bytes of a line: the offsets of 5,000 pages take less than 60,000."""
_LONGEST_MESSAGE = 1000
_CODES = ("unsupported_file", "invalid_file", "server_error")


class Garbled(Exception):
    """The child said what no reply is: its process is not to be used again."""


@dataclass(frozen=True)
class Text:
    """The head of a good reply; `size` bytes of text follow. A child that took much memory asks to be the last time used."""

    size: int
    pages: tuple[int, ...]
    spent: bool


@dataclass(frozen=True)
class Refusal:
    code: UnparsableCode
    message: str
    spent: bool
    fault: str
    """What went wrong in the parser itself, for the log; empty where the file is to blame."""


def encode_request(path: Path, filename: str) -> bytes:
    # As ASCII, so that names which are no valid Unicode come through; absolute, because the child stands in another folder.
    return json.dumps({"path": str(path.absolute()), "filename": filename}).encode() + b"\n"


def decode_request(line: bytes) -> tuple[Path, str]:
    asked: dict[str, str] = json.loads(line)
    return Path(asked["path"]), asked["filename"]


def encode_text(parsed: Parsed, *, spent: bool) -> tuple[bytes, bytes]:
    body = parsed.text.encode()
    return json.dumps({"size": len(body), "pages": parsed.pages, "spent": spent}).encode() + b"\n", body


def encode_refusal(error: Unparsable, *, spent: bool, fault: str = "") -> bytes:
    said = {"code": error.code, "message": error.message[:_LONGEST_MESSAGE], "spent": spent, "fault": fault[:_LONGEST_MESSAGE]}
    return json.dumps(said).encode() + b"\n"


def decode_reply(line: bytes, most_bytes: int) -> Text | Refusal:
    """Raises Garbled for anything but a reply within its bounds."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Garbled from error
    match said:
        case {"size": int(size), "pages": list(pages), "spent": bool(spent)} if 0 < size <= most_bytes and _ascending(pages):
            return Text(size, tuple(pages), spent)
        case {"code": str(code), "message": str(message), "spent": bool(spent), "fault": str(fault)} if code in _CODES:
            known = cast(Literal["unsupported_file", "invalid_file", "server_error"], code)
            return Refusal(known, message[:_LONGEST_MESSAGE], spent, fault[:_LONGEST_MESSAGE])
    raise Garbled


def _ascending(pages: list[object]) -> bool:
    last = 0
    for page in pages:
        if type(page) is not int or page < last:
            return False
        last = page
    return True
