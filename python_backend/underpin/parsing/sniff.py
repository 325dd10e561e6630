"""What a file is, by its first bytes; its name is only asked where the bytes are text."""

from pathlib import Path, PurePath
from typing import Literal

from .base import Unparsable

Kind = Literal["pdf", "zip", "html", "table", "text"]

HEAD = 65_536
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WEB = frozenset({".html", ".htm", ".xhtml"})
_TABLES = frozenset({".csv", ".tsv"})
_DOCUMENTS = {".pdf": "PDF", ".docx": "Word document", ".pptx": "presentation", ".xlsx": "workbook"}
_READ = "PDF, Word (.docx), PowerPoint (.pptx), Excel (.xlsx), HTML, Markdown, CSV, JSON, plain text and source code can be read."

# First bytes of what is often uploaded and cannot be read, and what to say of it.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"BM", "a picture"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"BZh", "a compressed archive"),
    (b"\xfd7zXZ", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"\x28\xb5\x2f\xfd", "a compressed archive"),
    (b"ID3", "a sound recording"),
    (b"OggS", "a sound recording"),
    (b"fLaC", "a sound recording"),
    (b"RIFF", "a recording or a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3\0", "a database"),
)


def unsupported(what: str) -> Unparsable:
    return Unparsable("unsupported_file", f"This file is {what}. {_READ}")


def kind_of(path: Path, filename: str) -> Kind:
    """Raises Unparsable for what is empty, is of no format that is read, or is not what its name says."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.strip(b"\0 \t\r\n"):
        raise Unparsable("invalid_file", "This file is empty." if not head else "This file holds nothing but blanks.")
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(_OLE):
        raise _old_office(path)
    if head.startswith(b"{\\rtf"):
        raise Unparsable("unsupported_file", "This file is in Rich Text Format. Save it as .docx or .pdf and upload that.")
    suffix = PurePath(filename).suffix.lower()
    if not looks_like_text(head):
        raise _other(head, suffix)
    if suffix in _DOCUMENTS:
        raise Unparsable(
            "invalid_file",
            f"This file is named {suffix} but is no {_DOCUMENTS[suffix]}: it is text, perhaps the error page of a download.",
        )
    if suffix in _WEB or (not suffix and head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))):
        return "html"
    return "table" if suffix in _TABLES else "text"


def looks_like_text(head: bytes) -> bool:
    """Text in UTF-8, UTF-16, UTF-32 or an eight-bit encoding; a control or two in it may be."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")) or is_utf16(head):
        return True
    controls = len(head) - len(head.translate(None, bytes(set(range(32)) - {8, 9, 10, 12, 13, 27})))
    return controls <= len(head) // 50 + 1


def is_utf16(head: bytes) -> Literal["utf-16-le", "utf-16-be"] | None:
    """UTF-16 without a mark of its byte order, told by where its zero bytes are: Western text has one in every pair."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    most, pairs = max(even, odd), len(head) // 2
    if pairs < 2 or most < pairs * 0.7 or min(even, odd) > pairs * 0.05:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _old_office(path: Path) -> Unparsable:
    with path.open("rb") as file:
        if "EncryptedPackage".encode("utf-16-le") in file.read(16_000_000):
            return Unparsable("invalid_file", "This file is locked by a password. Remove the password and upload it again.")
    return Unparsable(
        "unsupported_file",
        "This file is of Office before 2007 (.doc, .xls, .ppt). Save it as .docx, .xlsx, .pptx or .pdf and upload that.",
    )


def _other(head: bytes, suffix: str) -> Unparsable:
    if suffix in _DOCUMENTS:
        return Unparsable(
            "invalid_file",
            f"This file is named {suffix} but its content is no {_DOCUMENTS[suffix]}: it is damaged or something else.",
        )
    known = next((what for start, what in _OTHERS if head.startswith(start)), None)
    return unsupported(known or ("a recording" if head[4:8] == b"ftyp" else "of an unknown binary format"))
