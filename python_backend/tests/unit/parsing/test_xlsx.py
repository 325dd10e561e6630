from pathlib import Path

import pytest

from tests.unit.parsing.made import DOCUMENTS, X, parsed, xlsx
from underpin.parsing.base import Unparsable

STYLES = (
    f'<styleSheet {X}><numFmts><numFmt numFmtId="164" formatCode="dd.mm.yyyy"/>'
    '<numFmt numFmtId="165" formatCode="0.00&quot; days&quot;"/>'
    '<numFmt numFmtId="166" formatCode="[Red]h:mm"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="10"/><xf numFmtId="165"/><xf numFmtId="22"/>'
    '<xf numFmtId="166"/></cellXfs></styleSheet>'
)


def row(number: int, *cells: str) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def value(place: str, text: object, style: int = 0) -> str:
    return f'<c r="{place}" s="{style}"><v>{text}</v></c>'


def test_libreoffices_sheets_are_headings_with_tables() -> None:
    assert parsed(DOCUMENTS / "borings.xlsx").text == (
        "## Borings\n\n| Boring | Depth (m) | SPT N | φ′ (°) | Day |\n| --- | --- | --- | --- | --- |\n"
        "| BH-1 | 1.5 | 8 | 29 | 2026-03-04 |\n| BH-1 | 3 | 14 | 32 | 2026-03-04 |\n| BH-2 | 4.5 | 31 | 36.5 | 2026-03-05 |\n"
        "| Sum |  | 53 |  |  |\n\n## Notes\n\n| Note |\n| --- |\n| The water stood at 2.4 m \\| measured twice |"
    )


@pytest.mark.parametrize(
    ("text", "style", "shown"),
    [
        ("46085", 1, "2026-03-04"),
        ("46085.5", 4, "2026-03-04 12:00:00"),
        ("0.25", 5, "06:00:00"),
        ("0.1234", 2, "12.34%"),
        ("1.5", 3, "1.5"),
        ("0.30000000000000004", 0, "0.3"),
        ("12345678901234567890", 0, "12345678901234567890"),
        ("1E-6", 0, "1e-06"),
        ("99999999999", 1, "99999999999"),
        ("no number", 0, "no number"),
    ],
)
def test_values_are_shown_as_people_see_them(tmp_path: Path, text: str, style: int, shown: str) -> None:
    path = xlsx(tmp_path / "a.xlsx", row(1, value("A1", text, style)), styles=STYLES)
    assert parsed(path).text == f"## Sheet\n\n| {shown} |\n| --- |"


def test_blank_rows_part_tables(tmp_path: Path) -> None:
    sheet = (
        row(1, value("A1", 1), value("B1", 2))
        + row(2, value("A2", 3))
        + row(5, value("C5", 4), value("D5", 5))
        + row(6, value("D6", 6))
    )
    assert parsed(xlsx(tmp_path / "a.xlsx", sheet)).text == (
        "## Sheet\n\n| 1 | 2 |\n| --- | --- |\n| 3 |  |\n\n| 4 | 5 |\n| --- | --- |\n|  | 6 |"
    )


def test_strings_of_every_kind_are_read(tmp_path: Path) -> None:
    shared = f"<sst {X}><si><t>plain</t></si><si><r><t>two </t></r><r><t>runs</t></r><rPh><t>spoken</t></rPh></si></sst>"
    cells = (
        '<c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>inline</t></is></c>'
        '<c r="D1" t="b"><v>1</v></c><c r="E1" t="e"><v>#DIV/0!</v></c><c r="F1" t="str"><v>of a formula</v></c>'
        '<c r="G1" t="s"><v>99</v></c>'
    )
    text = parsed(xlsx(tmp_path / "a.xlsx", row(1, cells), sharedStrings=shared)).text
    assert "| plain | two runs | inline | TRUE | #DIV/0! | of a formula |" in text


def test_one_cell_far_away_does_not_make_thousands_of_columns(tmp_path: Path) -> None:
    sheet = row(1, value("A1", 1), value("XFD1", 2)) + row(1_048_576, value("XFD1048576", 3))
    assert parsed(xlsx(tmp_path / "a.xlsx", sheet)).text == "## Sheet\n\n| 1 | 2 |\n| --- | --- |\n\n| 3 |\n| --- |"


def test_a_huge_sheet_is_refused_and_not_cut(tmp_path: Path) -> None:
    sheet = "".join(row(number, value(f"A{number}", number), value(f"B{number}", 0.5)) for number in range(1, 2000))
    with pytest.raises(Unparsable, match=r"more than 0\.01 MB of text") as refused:
        parsed(xlsx(tmp_path / "a.xlsx", sheet), text_bytes=10_000)
    assert refused.value.code == "invalid_file"
