"""Which files a path on this machine means: itself, or what a folder holds that can be read."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({
    ".pdf", ".docx", ".pptx", ".xlsx", ".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".text", ".rst", ".adoc",
    ".org", ".tex", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".ini", ".log", ".py", ".ipynb",
    ".js", ".mjs", ".ts", ".jsx", ".tsx", ".java", ".kt", ".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".go", ".rs", ".rb",
    ".php", ".swift", ".scala", ".lua", ".r", ".jl", ".m", ".f90", ".sql", ".sh", ".ps1", ".bat", ".css",
})  # fmt: skip
"""What is taken from folders. A file that is named itself is taken whatever it is called."""

SOURCE, SHA256 = "source", "sha256"
"""The attributes by which a file is known again: where it came from, and what it held. The path itself stays on this machine."""

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class FolderFile:
    """`shown` is the path as it was asked for, for messages."""

    path: Path
    shown: str

    @property
    def name(self) -> str:
        """Its name in characters that every database and terminal takes."""
        readable = self.path.name.encode("utf-8", "replace").decode()
        return "".join(char if char.isprintable() else "_" for char in readable)

    @property
    def source(self) -> str:
        """The same for the same place of a machine's disk."""
        return hashlib.sha256(str(self.path).encode("utf-8", "surrogateescape")).hexdigest()[:32]


@dataclass(frozen=True)
class Missed:
    """A path that gives nothing, and why."""

    shown: str
    reason: str


def files_of(paths: Iterable[Path]) -> Iterator[FolderFile | Missed]:
    """Each file once, folders through and through in the order of their names. What is hidden or of another kind is left out,
    unless it is named itself."""
    seen: set[Path] = set()
    for path in paths:
        try:
            found = list(_below(path)) if path.is_dir() else [path] if path.is_file() else []
        except OSError as error:
            yield Missed(str(path), error.strerror or "It cannot be read.")
            continue
        if not found:
            yield Missed(str(path), "No file that can be read is in this folder." if path.is_dir() else "There is no such file.")
        for file in found:
            if (place := file.resolve()) not in seen:
                seen.add(place)
                yield FolderFile(place, str(file))


def sha256_of(path: Path) -> str:
    """The hash of what a file holds. Blocks. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _below(folder: Path) -> Iterator[Path]:
    # A link to a folder is not followed: it may lead back.
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _below(entry)
        elif entry.suffix.lower() in SUFFIXES and entry.is_file():
            yield entry
