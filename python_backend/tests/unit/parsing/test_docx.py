from pathlib import Path

import pytest

from tests.unit.parsing.made import DOCUMENTS, W, docx, parsed, words
from underpin.parsing.base import Unparsable

M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
REPORT = parsed(DOCUMENTS / "report.docx").text


def test_libreoffices_headings_have_their_levels() -> None:
    found = [line for line in REPORT.splitlines() if line.startswith("#")]
    assert found == [
        "# Ground investigation at Harbour Road",
        "## Borings",
        "## Bearing capacity",
        "## The ground",
        "## Sieve analysis",
    ]


def test_libreoffices_tables_have_all_their_rows() -> None:
    assert (
        "| Boring | Depth (m) | SPT N | φ′ (°) | γ (kN/m³) |\n| --- | --- | --- | --- | --- |\n| BH-1 | 1.5 | 8 | 29 | 17.5 |"
        in REPORT
    )
    assert "| BH-2 | 4.5 | 31 | 36 | 19.4 |\n\n" in REPORT
    assert "| Sieve (mm) | Passing (%) |\n| --- | --- |\n| 4.75 | 100 |\n| 0.425 | 62 |\n| 0.075 | 11 |" in REPORT


def test_libreoffices_formula_stands_in_its_sentence() -> None:
    assert "The ultimate bearing capacity is $q_{u}=c'N_{c}+\\frac{1}{2}γBN_{γ}$ for a strip footing." in REPORT


def test_libreoffices_lists_and_greek_letters_are_kept() -> None:
    assert "- Drained: c′ = 5 kPa\n  - with γ = 18 kN/m³\n- Undrained: su = 40 kPa" in REPORT
    assert "Symbols: α, β, γ, φ′, σ′, τ, Δu and ρw. Effective stress is σ′ = σ − u." in REPORT


def test_columns_are_read_one_after_the_other() -> None:
    order = [
        REPORT.index(start) for start in ("The left column", "Groundwater stood", "Settlement is", "The right column", "## Sieve")
    ]
    assert order == sorted(order)


def test_a_numbered_list_counts_and_starts_again_below(tmp_path: Path) -> None:
    def numbered(text: str, depth: int) -> str:
        return words(text, f'<w:pPr><w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="7"/></w:numPr></w:pPr>')

    numbering = (
        f'<w:numbering {W}><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>'
        "</w:abstractNum>"
        '<w:num w:numId="7"><w:abstractNumId w:val="1"/></w:num></w:numbering>'
    )
    body = numbered("one", 0) + numbered("one a", 1) + numbered("two", 0) + numbered("two a", 1) + words("after")
    text = parsed(docx(tmp_path / "a.docx", body, numbering=numbering)).text
    assert text == "1. one\n  1. one a\n2. two\n  1. two a\n\nafter"


def test_a_style_passes_its_heading_on_to_those_that_are_based_on_it(tmp_path: Path) -> None:
    styles = (
        f'<w:styles {W}><w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Chapter"/><w:basedOn w:val="H2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="x"/><w:basedOn w:val="Loop"/></w:style></w:styles>'
    )
    body = words("Ground", '<w:pPr><w:pStyle w:val="Own"/></w:pPr>') + words("text", '<w:pPr><w:pStyle w:val="Loop"/></w:pPr>')
    assert parsed(docx(tmp_path / "a.docx", body, styles=styles)).text == "## Ground\n\ntext"


def test_merged_cells_say_their_text_once(tmp_path: Path) -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{words(text)}</w:tc>"

    first, wide = '<w:vMerge w:val="restart"/>', '<w:gridSpan w:val="2"/>'
    body = (
        f"<w:tbl><w:tr>{cell('Boring', first)}{cell('Depth', wide)}</w:tr>"
        f"<w:tr>{cell('hidden', '<w:vMerge/>')}{cell('from')}{cell('to')}</w:tr>"
        f"<w:tr>{cell('BH-1')}{cell('0')}{cell('1.5')}</w:tr></w:tbl>"
    )
    text = parsed(docx(tmp_path / "a.docx", body)).text
    assert text == "| Boring | Depth |  |\n| --- | --- | --- |\n|  | from | to |\n| BH-1 | 0 | 1.5 |"


def test_powers_stay_powers_and_deleted_text_is_gone(tmp_path: Path) -> None:
    raised = '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>-6</w:t></w:r>'
    deleted = "<w:del><w:r><w:delText>old</w:delText></w:r></w:del>"
    body = f"<w:p><w:r><w:t>k = 10</w:t></w:r>{raised}<w:r><w:t> m/s</w:t></w:r>{deleted}</w:p>"
    assert parsed(docx(tmp_path / "a.docx", body)).text == "k = 10⁻⁶ m/s"


def test_footnotes_stand_at_the_end_with_their_number(tmp_path: Path) -> None:
    asked, unused = words("As measured."), words("unused")
    notes = f'<w:footnotes {W}><w:footnote w:id="2">{asked}</w:footnote><w:footnote w:id="3">{unused}</w:footnote></w:footnotes>'
    body = '<w:p><w:r><w:t>2.4 m</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>' + words("Next.")
    assert parsed(docx(tmp_path / "a.docx", body, footnotes=notes)).text == "2.4 m[^2]\n\nNext.\n\n[^2]: As measured."


def test_a_text_box_is_read_once_though_it_is_written_twice(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{words('boxed')}</w:txbxContent>"
    other = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    body = (
        f"<w:p><w:r><w:t>around</w:t></w:r><w:r><mc:AlternateContent {other}><mc:Choice><w:drawing>{box}</w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert parsed(docx(tmp_path / "a.docx", body)).text == "around\n\nboxed"


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("<m:rad><m:deg><m:r><m:t>3</m:t></m:r></m:deg><m:e><m:r><m:t>x</m:t></m:r></m:e></m:rad>", "$\\sqrt[3]{x}$"),
        (
            '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub><m:r><m:t>i=1</m:t></m:r></m:sub>'
            "<m:sup><m:r><m:t>n</m:t></m:r></m:sup><m:e><m:r><m:t>x</m:t></m:r></m:e></m:nary>",
            "$∑_{i=1}^{n}{x}$",
        ),
        ('<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e><m:r><m:t>a</m:t></m:r></m:e></m:d>', "$[a]$"),
    ],
)
def test_formulas_become_latex(tmp_path: Path, formula: str, latex: str) -> None:
    assert parsed(docx(tmp_path / "a.docx", f"<w:p><m:oMath {M}>{formula}</m:oMath></w:p>")).text == latex


def test_a_document_without_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="This Word document holds no text"):
        parsed(docx(tmp_path / "a.docx", "<w:p/>"))


def test_numbering_that_is_no_number_is_no_fault(tmp_path: Path) -> None:
    numbering = (
        f'<w:numbering {W}><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="x"><w:numFmt w:val="bullet"/></w:lvl>'
        "</w:abstractNum>"
        '<w:num w:numId="7"><w:abstractNumId w:val="1"/></w:num></w:numbering>'
    )
    listed = '<w:pPr><w:numPr><w:ilvl w:val="-1"/><w:numId w:val="7"/></w:numPr></w:pPr>'
    assert parsed(docx(tmp_path / "a.docx", words("one", listed), numbering=numbering)).text == "- one"
