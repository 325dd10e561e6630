"""The Parser seam: the bytes of a file, as Markdown. What cannot be read is one error, with a sentence that helps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from underpin.errors import UnderpinError

UnparsableCode = Literal["unsupported_file", "invalid_file", "server_error"]
"""The codes of a vector store file's `last_error`."""


@dataclass(frozen=True)
class Parsed:
    """What a file says.

    `text` is Markdown: headings as `#`, tables as pipe tables with their header, lists; source code and plain text as they
    are. It is valid Unicode without NUL, and holds more than blanks. `pages` are the offsets in `text`, in code points, at
    which page 1, 2, … begin, never descending; a page without text begins where the next one does. They are the slides of a
    presentation, and empty where the format has no pages.
    """

    text: str
    pages: tuple[int, ...] = ()


class Unparsable(UnderpinError):
    """A file that cannot be read as text.

    `unsupported_file`: a format that is not read. `invalid_file`: broken, locked, empty, without text, or beyond the limits,
    which the message names. `server_error`: nothing is wrong with the file as far as is known; trying again may help.
    """

    def __init__(self, code: UnparsableCode, message: str) -> None:
        super().__init__(message)
        self.code: UnparsableCode = code


class Parser(Protocol):
    """Reads files, each independent of the others; may be called from many tasks at once, which then wait their turn."""

    async def parse(self, path: Path, filename: str) -> Parsed:
        """The text of the file at `path`, whose user calls it `filename`; the name's extension says what it claims to be.

        Never blocks the event loop. Raises Unparsable, also after the parser was closed. When cancelled, the work is given up.
        """
        ...

    async def close(self) -> None:
        """End what runs; whoever waits in `parse` gets Unparsable with `server_error`. May be called again."""
        ...
