from pathlib import Path

import pytest

from tests.unit.parsing.made import parsed
from underpin.parsing.base import Unparsable

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_is_read_in_any_common_encoding(tmp_path: Path, encoding: str) -> None:
    text = "Bodenklasse für Böschungen: 20 °C, 5 m²\nzweite Zeile, ohne Umlaut, mit mehr Text"
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert parsed(tmp_path / "a.txt").text == text


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_table_of_values_is_read_in_any_common_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes("Tiefe;Böden\r\n1,5;Lößlehm\r\n3,0;Kies\r\n".encode(encoding))
    assert parsed(tmp_path / "a.csv").text == "| Tiefe | Böden |\n| --- | --- |\n| 1,5 | Lößlehm |\n| 3,0 | Kies |"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "# Title\n\n- one\n  - two\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"),
        ("a.py", "def f(x):\n    return x  # |no table|"),
        ("a.json", '{"depth": [1.5, 3], "nested": {"a": null}}'),
        ("Makefile", "all:\n\techo done"),
        ("a.tex", "\\section{Ground} $\\sigma' = \\sigma - u$"),
    ],
)
def test_text_and_code_stay_as_they_are(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text + "\n", "utf-8")
    assert parsed(tmp_path / name).text == text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_a_table_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = [["Boring", "Depth, m", "N; blows"], ["BH-1", "1,5", "8"], ["BH-2", "3,0", "14"]]
    lines = "\n".join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) for row in rows)
    (tmp_path / "a.csv").write_text(lines, "utf-8")
    assert parsed(tmp_path / "a.csv").text.splitlines()[0] == "| Boring | Depth, m | N; blows |"
    assert parsed(tmp_path / "a.csv").text.count("\n") == 3


def test_a_cell_may_hold_line_ends_and_rows_may_be_short(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n"first\nsecond",2\n\n3\n', "utf-8")
    assert parsed(tmp_path / "a.csv").text == "| a | b |\n| --- | --- |\n| first second | 2 |\n| 3 |  |"


def test_a_nul_here_and_there_is_taken_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one line and \0 more of it, which is long enough to be text\n" * 3)
    assert "\0" not in parsed(tmp_path / "a.txt").text


def test_a_text_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"word " * 13_000_000)
    with pytest.raises(Unparsable, match="more than 16 MB of text"):
        parsed(tmp_path / "a.txt")


def test_a_table_is_refused_at_the_limit_and_not_cut(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n" * 1000, "utf-8")
    with pytest.raises(Unparsable, match="Split it into smaller files"):
        parsed(tmp_path / "a.csv", text_bytes=5000)
