import random
from pathlib import Path

import pytest

from tests.unit.parsing.made import DOCUMENTS, parsed
from underpin.parsing.base import Unparsable, UnparsableCode
from underpin.parsing.limits import Limits
from underpin.parsing.reading import read

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("name", "content", "code", "sentence"),
    [
        ("a.txt", b"", "invalid_file", "This file is empty."),
        ("a.txt", b" \n\t\r\n", "invalid_file", "nothing but blanks"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "unsupported_file", "a picture"),
        ("a.zip", b"7z\xbc\xaf\x27\x1c" + bytes(range(256)), "unsupported_file", "a compressed archive"),
        ("a.mp4", b"\0\0\0\x18ftypmp42" + bytes(200), "unsupported_file", "a recording"),
        ("a.bin", bytes(range(256)) * 20, "unsupported_file", "unknown binary format"),
        ("a.pdf", b"<html><body>404 Not Found</body></html>", "invalid_file", "is named .pdf but is no PDF"),
        ("a.docx", b"just words", "invalid_file", "is named .docx but is no Word document"),
        ("a.pdf", bytes(range(256)) * 20, "invalid_file", "damaged or something else"),
        ("a.rtf", b"{\\rtf1 words}", "unsupported_file", "Save it as .docx or .pdf"),
        ("a.doc", OLE, "unsupported_file", "Office before 2007"),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "invalid_file", "locked by a password"),
    ],
)
def test_what_cannot_be_read_is_told_with_a_remedy(
    tmp_path: Path, name: str, content: bytes, code: UnparsableCode, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Unparsable, match=sentence) as refused:
        parsed(tmp_path / name)
    assert refused.value.code == code


@pytest.mark.parametrize("wrong", ["a.txt", "a.docx", "a.png", "a"])
@pytest.mark.parametrize("document", ["report.pdf", "report.docx", "borings.xlsx", "ground.pptx"])
def test_the_bytes_count_and_not_the_extension(document: str, wrong: str) -> None:
    path = DOCUMENTS / document
    assert read(path, wrong, Limits()) == read(path, document, Limits())


def test_random_bytes_are_never_text(tmp_path: Path) -> None:
    source = random.Random(5)
    for size in (200, 5000, 100_000):
        (tmp_path / "a.txt").write_bytes(source.randbytes(size))
        with pytest.raises(Unparsable):
            parsed(tmp_path / "a.txt")
