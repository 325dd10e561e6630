"""The names of files: what is safe to show is kept as it is, all else is refused."""

import pytest

from underpin.api.attachment import attachment_headers
from underpin.api.v1.body import Fields, checked
from underpin.api.v1.envelope import InvalidRequest
from underpin.api.v1.file_fields import ExpiresAfter, FileName
from underpin.api.v1.files import nested


class Named(Fields):
    file: FileName


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.txt", "a.txt"),
        ("粘土 🪨.pdf", "粘土 🪨.pdf"),
        ("שלום.txt", "שלום.txt"),
        ("مرحبا.pdf", "مرحبا.pdf"),
        ("👩‍👩‍👧.png", "👩‍👩‍👧.png"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\ann\\a.txt", "a.txt"),
        ("..\\..\\a.txt", "a.txt"),
        ("a/../b.txt", "b.txt"),
        (".env", ".env"),
        ("...", "..."),
        ("a" * 255, "a" * 255),
        ('a"b;c=d.txt', 'a"b;c=d.txt'),
        ("%2e%2e%2fa", "%2e%2e%2fa"),
        ("<script>.html", "<script>.html"),
    ],
)
def test_a_name_is_kept_without_its_folders(given: str, kept: str) -> None:
    assert checked(Named, {"file": given}).file == kept


@pytest.mark.parametrize(
    "given",
    [
        "", " ", "\t", ".", "..", "a/", "a/..", "\\", "x" * 256, "x" * 10_240, "a\0.txt", "\0", "a\r\nb",
        "a\x1b[31m", "a\x7f", "a\x85",
        "photo\u202egpj.exe", "\u2066a\u2069", "a\u2028b", "a\ud800",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_name_that_could_deceive_or_names_nothing_is_refused(given: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        checked(Named, {"file": given})
    assert refused.value.param == "file"
    assert refused.value.message.startswith("Invalid 'file': ")
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 200


@pytest.mark.parametrize("name", ["a.txt", "粘土 🪨.pdf", 'a"; filename="b.exe', "a\\b", "%00", "a;b", "ü'ü", "*"])
def test_a_download_header_holds_any_name_and_nothing_else(name: str) -> None:
    header = attachment_headers(name)["Content-Disposition"]
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert header.startswith('attachment; filename="')
    assert "\\" not in header


@pytest.mark.parametrize(
    "seconds", ["", "x", "1e5", "３６００", "3600.0", " 3600", "9" * 50, "--5", None, True, 3600.0, [], "-1", "3599", 2592001]
)
def test_an_expiry_that_is_no_number_in_range_is_refused(seconds: object) -> None:
    with pytest.raises(InvalidRequest):
        checked(ExpiresAfter, {"anchor": "created_at", "seconds": seconds})  # type: ignore[dict-item]


@pytest.mark.parametrize("seconds", ["3600", 3600, "2592000"])
def test_an_expiry_is_a_number_or_a_forms_text(seconds: object) -> None:
    assert checked(ExpiresAfter, {"anchor": "created_at", "seconds": seconds}).seconds == int(str(seconds))  # type: ignore[dict-item]


def test_a_forms_brackets_are_objects() -> None:
    fields = {"a": "1", "b[c]": "2", "b[d]": "3", "e[": "4", "a[x]": "5", "[y]": "6", "f[g][h]": "7"}
    assert nested(fields) == {"a": "1", "b": {"c": "2", "d": "3"}, "e[": "4", "": {"y": "6"}, "f": {"g][h": "7"}}
