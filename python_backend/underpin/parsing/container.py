"""Zip containers and the XML in them. What is inflated is counted as it comes out: no size that a directory tells is believed."""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self
from xml.etree import ElementTree as ET

from .base import Unparsable
from .limits import MOST_ENTRIES, Limits, too_much_inflated

_END = b"PK\x05\x06"
_END_SIZE = 22
_LONGEST_COMMENT = 65_535
_PIECE = 65_536
# The directory's own size: 10,000 entries with long names and extra fields take no more.
_LARGEST_DIRECTORY = 8_000_000
# Elements of a long part beside its paragraphs or rows: large sheets have some 100,000 merged cells and links.
_MOST_UNWANTED = 1_000_000
# Elements within each other in a paragraph or a table: Python's own limit is met at about a thousand.
_DEEPEST = 2000
_STRICT = {
    b"officeDocument/": b"officeDocument/2006/",
    b"wordprocessingml/main": b"wordprocessingml/2006/main",
    b"spreadsheetml/main": b"spreadsheetml/2006/main",
    b"presentationml/main": b"presentationml/2006/main",
    b"drawingml/main": b"drawingml/2006/main",
}
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


def damaged() -> Unparsable:
    return Unparsable(
        "invalid_file", "This file is damaged or incomplete. Open it in the program that made it, save it again and upload that."
    )


class Container:
    """An opened zip file. Every read raises Unparsable when it is damaged, locked, or inflates beyond the limits."""

    def __init__(self, path: Path, limits: Limits) -> None:
        _look_at_directory(path)
        self._limits = limits
        self._left = limits.inflated_bytes
        with _troubles():
            self._zip = zipfile.ZipFile(path)
        self.names = frozenset(self._zip.namelist())

    def pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of a part, a piece at a time; none where there is no such part."""
        if name not in self.names:
            return
        info = self._zip.getinfo(name)
        if info.flag_bits & 1:
            raise Unparsable("invalid_file", "This file is locked by a password. Remove the password and upload it again.")
        with _troubles(), self._zip.open(info) as part:
            while piece := part.read(_PIECE):
                self._left -= len(piece)
                if self._left < 0:
                    raise too_much_inflated(self._limits)
                yield piece

    def tree(self, name: str) -> ET.Element | None:
        """A part as XML, whole; None where there is no such part."""
        return self._parse(name, Tree()) if name in self.names else None

    def stream(self, name: str, tags: frozenset[str], take: Callable[[ET.Element], None]) -> None:
        """Give every element of `tags` that is in no other of them to `take`, as it ends, and forget it."""
        if name in self.names:
            self._parse(name, Outermost(tags, take))

    def relations(self, name: str) -> dict[str, tuple[str, str]]:
        """Of a part: the id of each relation, its kind (the last word of its type) and the part it leads to."""
        part = PurePosixPath(name)
        tree = self.tree(str(part.parent / "_rels" / f"{part.name}.rels"))
        return {
            found.get("Id", ""): (found.get("Type", "").rpartition("/")[2], _joined(part.parent, found.get("Target", "")))
            for found in (tree if tree is not None else ())
            if found.tag == _RELATIONS and found.get("TargetMode") != "External"
        }

    def _parse(self, name: str, target: "Tree") -> ET.Element:
        parser = ET.XMLParser(target=target)
        try:
            for number, piece in enumerate(self.pieces(name)):
                parser.feed(piece if number else _usual_names(piece))
            return parser.close()  # type: ignore[no-any-return, unused-ignore]
        except (ET.ParseError, LookupError, ValueError, AssertionError) as error:
            raise damaged() from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._zip.close()


class Tree(ET.TreeBuilder):
    """XML without a document type: office programs write none, and entities that grow are declared in one."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise Unparsable("invalid_file", "This file holds XML that declares a document type, as no office program writes it.")


class Outermost(Tree):
    """Hands elements of some tags over as they end, and keeps nothing of them, so that a long part takes little memory."""

    def __init__(self, tags: frozenset[str], take: Callable[[ET.Element], None]) -> None:
        super().__init__()
        self._tags = tags
        self._take = take
        self._begin = super().start
        self._finish = super().end
        self._around: list[ET.Element] = []
        self._unwanted = 0
        self._depth = 0
        """How deep in an element that is wanted; 0 outside."""

    def start(self, tag: str, attrs: dict[str, str], /) -> ET.Element:
        element = self._begin(tag, attrs)
        if self._depth or tag in self._tags:
            self._depth += 1
            if self._depth > _DEEPEST:
                raise RecursionError
        else:
            self._around.append(element)
            self._unwanted += 1
            if self._unwanted > _MOST_UNWANTED:
                raise damaged()
        return element

    def end(self, tag: str, /) -> ET.Element:
        element = self._finish(tag)
        if not self._depth:
            self._around.pop()
            return element
        self._depth -= 1
        if not self._depth:
            self._take(element)
            if self._around:
                self._around[-1].remove(element)
        return element


def _look_at_directory(path: Path) -> None:
    """Refuse a directory that would itself fill the memory, before anything reads it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise damaged()
    entries = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if entries > MOST_ENTRIES or directory > _LARGEST_DIRECTORY:
        raise Unparsable("invalid_file", f"This file is an archive of more than {MOST_ENTRIES:,} parts, which no document has.")


def _usual_names(start: bytes) -> bytes:
    """The first piece of a part, which declares its namespaces: those of a file saved as "Strict" have the usual names."""
    if b"http://purl.oclc.org/ooxml/" not in start:
        return start
    for strict, usual in _STRICT.items():
        start = start.replace(b"http://purl.oclc.org/ooxml/" + strict, b"http://schemas.openxmlformats.org/" + usual)
    return start


def _joined(folder: PurePosixPath, target: str) -> str:
    """Where a relation leads: relative to the folder of its part, or from the container's root."""
    steps: list[str] = [] if target.startswith("/") else list(folder.parts)
    for step in target.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


@contextmanager
def _troubles() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, OverflowError) as error:
        raise damaged() from error
