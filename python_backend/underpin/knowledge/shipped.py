"""Files of a folder → documents. Blocks: a few milliseconds for the documents that come with the server."""

from pathlib import Path

from ..ids import derived_id
from .base import Document

SUFFIXES = (".md", ".txt")
NOT_DOCUMENTS = frozenset({"about.md", "readme.md"})
"""Pages about a folder."""


def read_folder(folder: Path) -> list[Document]:
    """The folder's documents by name. A file's id comes from its name alone, so that a citation leads to it after a restart too.
    Bytes that are not UTF-8 are replaced."""
    files = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name.lower() not in NOT_DOCUMENTS
    )
    return [
        Document(file_id(path.name), path.name, path.read_text(encoding="utf-8-sig", errors="replace"))
        for path in files
        if path.is_file()
    ]


def file_id(name: str) -> str:
    """The id of the shipped document of that name."""
    return derived_id("file-", "shipped", name)
