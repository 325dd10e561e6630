import re
from pathlib import Path

import pytest
from reportlab.lib import colors, pdfencrypt
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, FrameBreak, NextPageTemplate, PageTemplate, Paragraph, Table

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


# --- pages of other kinds ---


def landscape(path: Path) -> Path:
    """A page that is turned by a quarter, as wide tables are put into reports; its text runs upwards on the sheet."""
    canvas = Canvas(str(path))
    canvas.setPageRotation(90)
    canvas.translate(595, 0)
    canvas.rotate(90)
    canvas.drawString(100, 500, "A wide table.")
    for row, cells in enumerate((("Depth", "N", "Soil"), ("1.5", "8", "sand"))):
        for column, cell in enumerate(cells):
            canvas.drawString(105 + 100 * column, 405 - 20 * row, cell)
    canvas.grid([100, 200, 300, 400], [380, 400, 420])
    canvas.save()
    return path


def test_a_turned_page_is_read_as_it_is_seen(tmp_path: Path) -> None:
    text = parsed(landscape(tmp_path / "a.pdf")).text
    assert text == "A wide table.\n\n| Depth | N | Soil |\n| --- | --- | --- |\n| 1.5 | 8 | sand |"


def test_words_along_an_axis_are_words(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.drawString(100, 700, "Upright.")
    canvas.translate(80, 300)
    canvas.rotate(90)
    canvas.drawString(0, 0, "Resistance")
    canvas.save()
    assert parsed(tmp_path / "a.pdf").text == "Upright.\n\nResistance"


def test_what_runs_along_all_pages_stands_once_and_breaks_no_sentence(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    for number in range(1, 6):
        canvas.setFont("Helvetica", 8)
        canvas.drawString(100, 800, "Report on the harbour")
        canvas.drawString(300, 20, f"Page {number} of 5")
        canvas.setFont("Helvetica", 11)
        canvas.drawString(100, 760, f"Boring {number}")
        canvas.drawString(100, 700, f"The ground at place {number} is sand.")
        canvas.drawString(100, 650, "It is dense.")
        canvas.showPage()
    canvas.save()
    text = parsed(tmp_path / "a.pdf").text
    assert text.count("Report on the harbour") == 1
    assert re.findall(r"Page \d of 5", text) == ["Page 1 of 5"]
    assert re.findall(r"Boring \d", text) == [f"Boring {number}" for number in range(1, 6)]
    assert text.count("It is dense.") == 5


def paper(path: Path) -> Path:
    """Two columns below a title and an abstract across both, with a small table in a column that has rules and no grid."""
    styles = getSampleStyleSheet()
    width, height = A4
    column = (width - 120) / 2
    tops = {"first": height - 260, "rest": height - 100}
    templates = [
        PageTemplate(name, [Frame(50, height - 200, width - 100, 150)][: name == "first"]
                     + [Frame(left, 50, column, tops[name]) for left in (50, 70 + column)])
        for name in tops
    ]  # fmt: skip
    story: list[Flowable] = [
        Paragraph("On layered clay", styles["Title"]),
        Paragraph("Abstract. " + "Clay settles slowly under a load. " * 8, styles["BodyText"]),
        NextPageTemplate("rest"),
        FrameBreak(),
    ]
    prose = "water drains from the clay through sand " * 9
    for section in range(1, 8):
        story.append(Paragraph(f"{section} Part {section}", styles["Heading2"]))
        story += [Paragraph(f"mark{section}{piece} {prose}", styles["BodyText"]) for piece in range(4)]
        rules = [("LINEABOVE", (0, 0), (-1, 0), 1, colors.black), ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black)]
        story.append(Table([["Depth", "N", "phi"], ["1.5", "8", str(section)], ["3.0", "14", "31"]], style=rules))
    BaseDocTemplate(str(path), pageTemplates=templates, pagesize=A4).build(story)
    return path


def test_a_paper_in_two_columns_is_read_in_order(tmp_path: Path) -> None:
    text = parsed(paper(tmp_path / "a.pdf")).text
    assert text.startswith("# On layered clay\n\nAbstract. Clay settles")
    assert re.findall(r"mark(\d\d)", text) == [f"{section}{piece}" for section in range(1, 8) for piece in range(4)]
    assert re.findall(r"^## (\d) Part", text, re.MULTILINE) == list("1234567")
    assert text.count("| Depth | N | phi |\n| --- | --- | --- |\n| 1.5 | 8 | ") == 7


def test_the_letters_of_a_ligature_part_no_word(tmp_path: Path) -> None:
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.setFont("Vera", 11)
    canvas.drawString(100, 700, "The \ufb01rst de\ufb01nition of \ufb02ow")
    canvas.save()
    assert parsed(tmp_path / "a.pdf").text == "The first definition of flow"


def test_a_table_of_contents_is_no_row_of_headings(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.setFont("Helvetica", 16)
    canvas.drawString(100, 740, "1 Introduction" + " ." * 30 + " 7")
    canvas.setFont("Helvetica", 11)
    for line in range(10):
        canvas.drawString(100, 700 - 14 * line, "and so on, in the letters of the text")
    canvas.save()
    assert parsed(tmp_path / "a.pdf").text.startswith("1 Introduction … 7\n\nand so on")


def test_a_table_at_the_end_of_every_page_keeps_its_last_row(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    for number in range(1, 9):
        canvas.drawString(100, 700, f"Boring {number}")
        canvas.grid([100, 200, 300], [100, 120, 140])
        for place, cell in (((105, 125), "Depth"), ((205, 125), "N"), ((105, 105), "7"), ((205, 105), str(20 + number))):
            canvas.drawString(*place, cell)
        canvas.showPage()
    canvas.save()
    rows = re.findall(r"\| 7 \| (\d+) \|", parsed(tmp_path / "a.pdf").text)
    assert rows == [str(20 + number) for number in range(1, 9)]


def test_numbers_of_pages_go_and_other_numbers_at_their_place_stay(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    for number in range(1, 9):
        canvas.drawString(100, 700, f"{number * number}")
        canvas.drawString(100, 400, "Words of this page.")
        canvas.drawString(300, 20, f"[{number + 10}]")
        canvas.showPage()
    canvas.save()
    text = parsed(tmp_path / "a.pdf").text
    assert re.findall(r"^\d+$", text, re.MULTILINE) == [str(number * number) for number in range(1, 9)]
    assert re.findall(r"\[\d+\]", text) == ["[11]"]


def test_header_and_last_row_of_a_table_without_lines_belong_to_it(tmp_path: Path) -> None:
    places = [(100, 700, "Boring"), (150, 700, "Depth (m)"), (213, 700, "SPT N")]
    places += [
        (100 + left, 680 - 14 * row, cell) for row in range(3) for left, cell in ((0, "BH-1"), (80, f"{row}.5"), (125, "8"))
    ]
    places += [(100, 638, "Sum"), (225, 638, "24"), (100, 600, "These are the results of all the borings that were made.")]
    assert parsed(drawn(tmp_path / "a.pdf", *places)).text == (
        "| Boring | Depth (m) | SPT N |\n| --- | --- | --- |\n| BH-1 | 0.5 | 8 |\n| BH-1 | 1.5 | 8 |\n| BH-1 | 2.5 | 8 |\n"
        "| Sum |  | 24 |\n\nThese are the results of all the borings that were made."
    )


def test_a_sentence_above_a_table_is_no_header(tmp_path: Path) -> None:
    places = [(100, 694, "The results of the borings are these, for all depths below the ground:")]
    places += [(100 + 90 * column, 680 - 14 * row, f"{row}{column}") for row in range(3) for column in range(4)]
    text = parsed(drawn(tmp_path / "a.pdf", *places)).text
    assert text.startswith("The results of the borings are these, for all depths below the ground:\n\n| 00 | 01 | 02 | 03 |")
