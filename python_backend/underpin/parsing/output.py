"""The text that is being made: blocks of Markdown, the pages they stand on, and a bound that holds while it grows."""

import re

from .base import Parsed, Unparsable
from .limits import Limits, too_much_text

# Controls but tab and line feed; they say nothing, and NUL is refused by databases.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")
_LINE_ENDS = re.compile(r"\r\n?|[\x0c\x85\u2028\u2029]")


class Output:
    """Takes blocks in order. Raises Unparsable when they become more text than the limits allow."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pieces: list[str] = []
        self._length = 0
        self._bytes = 0
        self._pages: list[int] = []

    def begin_page(self) -> None:
        """What is added from here on stands on the next page."""
        self._pages.append(self._length + (2 if self._pieces else 0))

    def add(self, block: str, *, between: str = "\n\n") -> None:
        """Append a block; one without text is left out. Nothing of its form is changed but line ends and controls."""
        block = clean(block).strip("\n")
        if not block.strip():
            return
        if self._pieces:
            block = between + block
        self._bytes += len(block.encode())
        if self._bytes > self._limits.text_bytes:
            raise too_much_text(self._limits)
        self._pieces.append(block)
        self._length += len(block)

    def parsed(self, *, empty: str) -> Parsed:
        """All of it. Raises Unparsable with the sentence `empty` when there is no text."""
        text = "".join(self._pieces)
        if not text.strip():
            raise Unparsable("invalid_file", empty)
        return Parsed(text, tuple(min(page, len(text)) for page in self._pages))


def clean(text: str) -> str:
    """Valid Unicode with LF line ends: halves of a pair become one character, or U+FFFD where the other half is missing."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
