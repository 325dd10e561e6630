"""The child process: reads one file after another for its parent, within limits, until its standard input ends."""

import json
import os
import sys
from typing import BinaryIO

from . import wire
from .base import Unparsable
from .confine import allow_cpu, confine, peak_memory_bytes
from .limits import Limits
from .reading import read


def main(arguments: list[str]) -> None:
    """Arguments: the limits as JSON, and the parent's process id."""
    numbers = json.loads(arguments[0])
    limits = Limits(**{name: type(getattr(Limits, name))(value) for name, value in numbers.items()})
    # Replies go where standard output went; what a library prints there goes nowhere.
    replies = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    confine(limits.memory_bytes, int(arguments[1]))
    replies.write(wire.READY)
    replies.flush()
    for line in sys.stdin.buffer:
        allow_cpu(limits.cpu_s)
        _answer(line, limits, replies)


def _answer(line: bytes, limits: Limits, replies: BinaryIO) -> None:
    path, filename = wire.decode_request(line)
    body = b""
    try:
        head, body = wire.encode_text(read(path, filename, limits), spent=_spent(limits))
    except Unparsable as refusal:
        head = wire.encode_refusal(refusal, spent=_spent(limits))
    except Exception as error:  # a fault of a parser: told to the parent, which logs it, and this process is not used again
        head = wire.encode_refusal(_fault(), spent=True, fault=_where(error))
    replies.write(head)
    replies.write(body)
    replies.flush()


def _fault() -> Unparsable:
    return Unparsable(
        "server_error",
        "This file could not be read because of a fault in the server, which is in its log. Try to save the file anew.",
    )


def _spent(limits: Limits) -> bool:
    """Memory that was once taken is rarely given back, and the next file needs its share."""
    return peak_memory_bytes() > limits.memory_bytes // 3


def _where(error: Exception) -> str:
    """The kind of an error and the line of ours that raised it; its words may be the file's and stay out of the log."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}" if place is not None else "unknown"
    return f"{type(error).__name__} at {where}"


if __name__ == "__main__":
    main(sys.argv[1:])
