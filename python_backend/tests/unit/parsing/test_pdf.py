import re
from pathlib import Path

import pytest
from reportlab.lib import pdfencrypt
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tests.unit.parsing.made import DOCUMENTS, TEXTS, parsed, pdf_of, raw_pdf
from underpin.parsing.base import Parsed, Unparsable

REPORT = parsed(DOCUMENTS / "report.pdf")


def page(document: Parsed, number: int) -> str:
    ends = [*document.pages[1:], len(document.text)]
    return document.text[document.pages[number - 1] : ends[number - 1]].strip()


def drawn(path: Path, *lines: tuple[float, float, str]) -> Path:
    """A page with these words at these places, in points from the lower left corner."""
    canvas = Canvas(str(path))
    for left, bottom, text in lines:
        canvas.drawString(left, bottom, text)
    canvas.save()
    return path


# --- LibreOffice's report ---


def test_pages_begin_where_they_begin() -> None:
    assert len(REPORT.pages) == 3
    starts = ["# Ground investigation at Harbour Road", "## The ground", "## Sieve analysis"]
    assert [page(REPORT, number).split("\n")[0] for number in (1, 2, 3)] == starts


def test_drawn_tables_have_all_their_rows() -> None:
    table = (
        "| Boring | Depth (m) | SPT N | φ′ (°) | γ (kN/m³) |\n| --- | --- | --- | --- | --- |\n| BH-1 | 1.5 | 8 | 29 | 17.5 |\n"
        "| BH-1 | 3.0 | 14 | 32 | 18.2 |\n| BH-2 | 1.5 | 6 | 28 | 17.1 |\n| BH-2 | 4.5 | 31 | 36 | 19.4 |"
    )
    assert f"Table 1 gives the results.\n\n{table}\n\n## Bearing capacity" in page(REPORT, 1)


def test_two_columns_are_read_one_after_the_other() -> None:
    paragraphs = page(REPORT, 2).split("\n\n")
    assert [paragraph.split()[:3] for paragraph in paragraphs[1:]] == [
        ["The", "left", "column"],
        ["Groundwater", "stood", "at"],
        ["Settlement", "is", "governed"],
        ["The", "right", "column"],
    ]
    assert paragraphs[2].endswith("so that the design level is 1.8 m.")


def test_greek_letters_lists_and_fractions_are_kept() -> None:
    first = page(REPORT, 1)
    assert "Symbols: α, β, γ, φ′, σ′, τ, Δu and ρw. Effective stress is σ′ = σ − u." in first
    assert "- Drained: c′ = 5 kPa\n\n- with γ = 18 kN/m³" in first
    assert "The ultimate bearing capacity is qu=c ' Nc + 1/2 γ B" in first


# --- our texts, by reportlab ---


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_every_table_row_and_heading_of_our_texts_comes_back_from_a_pdf(tmp_path: Path, text: Path) -> None:
    def letters(line: str) -> str:
        return re.sub(r"\W+", " ", line).strip()

    came = parsed(pdf_of(text, tmp_path / "a.pdf"))
    lines = text.read_text("utf-8").splitlines()
    rows = [letters(line) for line in lines if line.startswith("|") and "---" not in line]
    assert rows
    assert [letters(line) for line in came.text.splitlines() if line.startswith("| ") and "---" not in line] == rows
    titles = [line for line in lines if line.startswith("#")]
    assert [line for line in came.text.splitlines() if line.startswith("#")] == titles


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_every_word_of_our_texts_comes_back_from_a_pdf(tmp_path: Path, text: Path) -> None:
    came = parsed(pdf_of(text, tmp_path / "a.pdf")).text
    asked = set(re.findall(r"\w{3,}", text.read_text("utf-8")))
    assert asked - set(re.findall(r"\w{3,}", came)) == set()


# --- by hand ---


def test_rows_without_lines_that_stand_like_a_table_are_one(tmp_path: Path) -> None:
    cells = [("Depth", "N", "Soil"), ("1.5", "8", "silty sand"), ("3.0", "14", "stiff clay")]
    places = [(100 + 120 * column, 700 - 20 * row, cells[row][column]) for row in range(3) for column in range(3)]
    text = parsed(drawn(tmp_path / "a.pdf", (100, 740, "The results:"), *places)).text
    assert (
        text == "The results:\n\n| Depth | N | Soil |\n| --- | --- | --- |\n| 1.5 | 8 | silty sand |\n| 3.0 | 14 | stiff clay |"
    )


def test_cells_that_are_merged_say_their_text_once_and_whole(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    for height in (600, 620, 640):
        canvas.line(100, height, 300, height)
    for left in (100, 300):
        canvas.line(left, 600, left, 640)
    canvas.line(200, 600, 200, 620)
    canvas.drawString(150, 625, "Depth below ground level")
    canvas.drawString(110, 605, "from")
    canvas.drawString(210, 605, "to")
    canvas.save()
    assert parsed(tmp_path / "a.pdf").text == "| Depth below ground level |  |\n| --- | --- |\n| from | to |"


def test_a_frame_around_text_is_no_table(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.rect(90, 600, 300, 100)
    canvas.drawString(100, 650, "A warning in a box.")
    canvas.save()
    assert parsed(tmp_path / "a.pdf").text == "A warning in a box."


def test_a_word_that_a_line_breaks_is_whole_again(tmp_path: Path) -> None:
    path = drawn(tmp_path / "a.pdf", (100, 700, "The consoli-"), (100, 686, "dation of clay takes years."))
    assert parsed(path).text == "The consolidation of clay takes years."


def test_a_page_without_text_begins_where_the_next_does(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    for text in ("First.", "", "Third."):
        canvas.drawString(100, 700, text)
        canvas.showPage()
    canvas.save()
    assert parsed(tmp_path / "a.pdf") == Parsed("First.\n\nThird.", (0, 8, 8))


def test_a_scan_is_told_from_an_empty_document(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "scan.pdf"))
    dots = tmp_path / "dots.ppm"
    dots.write_bytes(b"P6 8 8 255\n" + bytes(range(192)))
    canvas.drawImage(ImageReader(str(dots)), 0, 0, 500, 700)
    canvas.save()
    with pytest.raises(Unparsable, match=r"pictures of pages only and no text.*\(OCR\)") as refused:
        parsed(tmp_path / "scan.pdf")
    assert refused.value.code == "invalid_file"
    with pytest.raises(Unparsable, match="This PDF holds no text"):
        parsed(raw_pdf(tmp_path / "blank.pdf", b""))


def test_a_password_is_told(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), encrypt=pdfencrypt.StandardEncryption("secret"))
    canvas.drawString(100, 700, "hidden")
    canvas.save()
    with pytest.raises(Unparsable, match="locked by a password") as refused:
        parsed(tmp_path / "a.pdf")
    assert refused.value.code == "invalid_file"


@pytest.mark.parametrize("kept", [30, 2000, 30_000])
def test_a_truncated_pdf_is_damaged(tmp_path: Path, kept: int) -> None:
    (tmp_path / "a.pdf").write_bytes((DOCUMENTS / "report.pdf").read_bytes()[:kept])
    with pytest.raises(Unparsable) as refused:
        parsed(tmp_path / "a.pdf")
    assert refused.value.code == "invalid_file"


def test_pages_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="has 7 pages; at most 6 are read"):
        parsed(raw_pdf(tmp_path / "a.pdf", b"", pages=7), pages=6)
