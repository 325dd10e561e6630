import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.parsing.made import DOCUMENTS, W, docx, office, parsed, words
from underpin.parsing.base import Unparsable

START = f"<w:document {W}><w:body><w:p><w:r><w:t>".encode()
END = b"</w:t></w:r></w:p></w:body></w:document>"


def blanks() -> Iterator[bytes]:
    """Five hundred megabytes that a zip file keeps in half a one."""
    yield START
    for _ in range(500):
        yield b" " * 1_000_000
    yield END


def refused(path: Path, **limits: float) -> str:
    with pytest.raises(Unparsable) as error:
        parsed(path, **limits)
    assert error.value.code in ("invalid_file", "unsupported_file")
    return error.value.message


def test_what_is_inflated_is_counted(tmp_path: Path) -> None:
    assert "Unpacked, this file is larger than 100 MB" in refused(docx(tmp_path / "a.docx", blanks))


def test_a_size_that_the_directory_lies_about_is_not_believed(tmp_path: Path) -> None:
    path = docx(tmp_path / "a.docx", blanks)
    data = bytearray(path.read_bytes())
    at = data.find(b"word/document.xml", data.find(b"PK\x01\x02")) - 46
    assert struct.unpack_from("<I", data, at + 24) == (500_000_000 + len(START + END),)
    struct.pack_into("<I", data, at + 24, 1000)
    path.write_bytes(data)
    assert "damaged" in refused(path)


def test_more_parts_than_any_document_has_are_refused_unread(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        for number in range(10_001):
            archive.writestr(str(number), b"")
    assert "more than 10,000 parts" in refused(tmp_path / "a.docx")


@pytest.mark.parametrize(
    "declared",
    [
        "<!DOCTYPE w [" + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(10)) + "]>",
        '<!DOCTYPE w [<!ENTITY e9 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE w SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
    ids=["billion laughs", "a file of the host", "an address"],
)
def test_xml_that_declares_anything_is_refused(tmp_path: Path, declared: str) -> None:
    def body() -> Iterator[bytes]:
        yield declared.encode() + START + b"&e9;" + END

    assert "declares a document type" in refused(docx(tmp_path / "a.docx", body))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_xml_in_another_encoding_is_read_and_its_entities_are_refused(tmp_path: Path, encoding: str) -> None:
    def body(head: str) -> Iterator[bytes]:
        yield (head + (START + b"words" + END).decode()).encode(encoding)

    assert parsed(docx(tmp_path / "a.docx", lambda: body(""))).text == "words"
    assert "declares a document type" in refused(docx(tmp_path / "b.docx", lambda: body('<!DOCTYPE w [<!ENTITY a "b">]>')))


def test_xml_nested_without_end_is_refused(tmp_path: Path) -> None:
    def body() -> Iterator[bytes]:
        yield f"<w:document {W}><w:body><w:p>".encode() + b"<w:ins>" * 100_000 + b"<w:r><w:t>x</w:t></w:r>"
        yield b"</w:ins>" * 100_000 + b"</w:p></w:body></w:document>"

    assert "nested deeper" in refused(docx(tmp_path / "a.docx", body))


def test_a_zip_within_is_not_opened(tmp_path: Path) -> None:
    inner = docx(tmp_path / "inner.docx", words("hidden"))
    path = docx(tmp_path / "a.docx", words("shown"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(inner, "word/embeddings/inner.docx")
    assert parsed(path).text == "shown"


def test_an_archive_and_other_containers_are_told_apart(tmp_path: Path) -> None:
    for name, content in (("report.txt", b"words"), ("mimetype", b"application/vnd.oasis.opendocument.text")):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr(name, content)
    assert "unpack it and upload the files in it" in refused(tmp_path / "report.txt.zip")
    assert "OpenDocument or e-book" in refused(tmp_path / "mimetype.zip")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("document", ["report.docx", "borings.xlsx", "ground.pptx"])
def test_a_truncated_file_is_damaged(tmp_path: Path, document: str, kept: float) -> None:
    data = (DOCUMENTS / document).read_bytes()
    (tmp_path / document).write_bytes(data[: int(len(data) * kept)])
    assert "damaged" in refused(tmp_path / document)


@pytest.mark.parametrize("document", ["report.docx", "borings.xlsx", "ground.pptx", "report.pdf"])
def test_flipped_bytes_are_read_or_refused_but_no_fault(tmp_path: Path, document: str) -> None:
    data = (DOCUMENTS / document).read_bytes()
    codes: set[str] = set()
    for place in range(97, len(data), max(1, len(data) // 60)):
        broken = bytearray(data)
        broken[place : place + 3] = b"\xff\x00<"
        (tmp_path / document).write_bytes(broken)
        try:
            assert parsed(tmp_path / document).text.strip()
        except Unparsable as error:
            codes.add(error.code)
    assert codes <= {"invalid_file", "unsupported_file"}


def test_a_locked_part_is_told(tmp_path: Path) -> None:
    path = docx(tmp_path / "a.docx", words("x"))
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 1)
    path.write_bytes(data)
    assert "locked by a password" in refused(path)


def test_a_file_that_was_saved_as_strict_is_read(tmp_path: Path) -> None:
    def body() -> Iterator[bytes]:
        strict = 'xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"'
        yield f"<w:document {strict}><w:body>{words('strictly said')}</w:body></w:document>".encode()

    assert parsed(docx(tmp_path / "a.docx", body)).text == "strictly said"


def test_a_binary_workbook_is_told(tmp_path: Path) -> None:
    path = office(tmp_path / "a.xlsb", "xl/workbook.bin", {"xl/workbook.bin": b"\x83\x01\x00"})
    assert "Save it as .xlsx" in refused(path)
