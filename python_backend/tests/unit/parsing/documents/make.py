"""Writes the sources of the documents here, as flat OpenDocument files and as a presentation. README.md says how it is called."""

import sys
from pathlib import Path

from pptx import Presentation
from pptx.util import Cm

OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
SPACES = " ".join(
    f'xmlns:{short}="{name}"'
    for short, name in {
        "office": f"{OFFICE}office:1.0",
        "style": f"{OFFICE}style:1.0",
        "text": f"{OFFICE}text:1.0",
        "table": f"{OFFICE}table:1.0",
        "draw": f"{OFFICE}drawing:1.0",
        "fo": f"{OFFICE}xsl-fo-compatible:1.0",
        "svg": f"{OFFICE}svg-compatible:1.0",
        "number": f"{OFFICE}datastyle:1.0",
        "of": f"{OFFICE}of:1.2",
        "math": "http://www.w3.org/1998/Math/MathML",
    }.items()
)

BORINGS = [
    ["Boring", "Depth (m)", "SPT N", "φ′ (°)", "γ (kN/m³)"],
    ["BH-1", "1.5", "8", "29", "17.5"],
    ["BH-1", "3.0", "14", "32", "18.2"],
    ["BH-2", "1.5", "6", "28", "17.1"],
    ["BH-2", "4.5", "31", "36", "19.4"],
]
SIEVE = [["Sieve (mm)", "Passing (%)"], ["4.75", "100"], ["0.425", "62"], ["0.075", "11"]]
COLUMNS = [
    "The left column begins the story of the ground. Alluvial sand was laid down by the river in three floods and lies over "
    "stiff clay of glacial age. Its grains are rounded and its colour is brown.",
    "Groundwater stood at a depth of 2.4 m in April. In the wells it rose by 0.3 m within a week of heavy rain, so that the "
    "design level is 1.8 m.",
    "Settlement is governed by the clay. Its compression index is Cc = 0.28 and its void ratio e₀ = 0.91, so that the layer "
    "settles by 42 mm under 100 kPa.",
    "The right column ends the story. Piles are not needed where the load stays below 150 kPa and the footings are at least "
    "1.2 m wide and 1.0 m deep.",
]
MATH = (
    "<math:math><math:semantics><math:mrow><math:msub><math:mi>q</math:mi><math:mi>u</math:mi></math:msub><math:mo>=</math:mo>"
    "<math:mi>c</math:mi><math:msub><math:mi>N</math:mi><math:mi>c</math:mi></math:msub><math:mo>+</math:mo><math:mfrac>"
    "<math:mn>1</math:mn><math:mn>2</math:mn></math:mfrac><math:mi>γ</math:mi><math:mi>B</math:mi><math:msub><math:mi>N</math:mi>"
    "<math:mi>γ</math:mi></math:msub></math:mrow><math:annotation math:encoding='StarMath 5.0'>"
    "q_u = c'N_c + 1 over 2 %gamma B N_%gamma</math:annotation></math:semantics></math:math>"
)


def report() -> str:
    formula = (
        f'<draw:frame text:anchor-type="as-char" svg:width="7cm" svg:height="1cm"><draw:object>{MATH}</draw:object></draw:frame>'
    )
    body = [
        heading(1, "Ground investigation at Harbour Road"),
        paragraph("This report was written for a test. Symbols: α, β, γ, φ′, σ′, τ, Δu and ρw. Effective stress is σ′ = σ − u."),
        heading(2, "Borings"),
        paragraph("Table 1 gives the results."),
        table(BORINGS),
        heading(2, "Bearing capacity"),
        paragraph(f"The ultimate bearing capacity is {formula} for a strip footing."),
        '<text:list text:style-name="Bullets"><text:list-item><text:p>Drained: c′ = 5 kPa</text:p><text:list><text:list-item>'
        "<text:p>with γ = 18 kN/m³</text:p></text:list-item></text:list></text:list-item><text:list-item>"
        "<text:p>Undrained: su = 40 kPa</text:p></text:list-item></text:list>",
        '<text:p text:style-name="NewPage"/>',
        heading(2, "The ground"),
        f'<text:section text:style-name="Two" text:name="Two">{"".join(map(paragraph, COLUMNS))}</text:section>',
        '<text:p text:style-name="NewPage"/>',
        heading(2, "Sieve analysis"),
        paragraph("The sample of BH-2 at 4.5 m is silty sand."),
        table(SIEVE),
        paragraph("The end of the report."),
    ]
    headings = "".join(
        f'<style:style style:name="Heading_20_{level}" style:display-name="Heading {level}" style:family="paragraph" '
        f'style:parent-style-name="Standard" style:default-outline-level="{level}"><style:paragraph-properties '
        f'fo:margin-top="0.4cm" fo:margin-bottom="0.2cm"/><style:text-properties fo:font-size="{size}pt" fo:font-weight="bold"/>'
        "</style:style>"
        for level, size in ((1, 18), (2, 14))
    )
    automatic = (
        '<style:style style:name="Body" style:family="paragraph"><style:paragraph-properties fo:margin-bottom="0.25cm"/>'
        '<style:text-properties fo:font-size="10pt"/></style:style>'
        '<style:style style:name="NewPage" style:family="paragraph"><style:paragraph-properties fo:break-before="page"/>'
        "</style:style>"
        '<style:style style:name="Cell" style:family="table-cell"><style:table-cell-properties fo:border="0.5pt solid #000000" '
        'fo:padding="0.1cm"/></style:style>'
        '<style:style style:name="Two" style:family="section"><style:section-properties text:dont-balance-text-columns="false">'
        '<style:columns fo:column-count="2" fo:column-gap="0.6cm"><style:column style:rel-width="1*"/>'
        '<style:column style:rel-width="1*"/></style:columns></style:section-properties></style:style>'
        '<text:list-style style:name="Bullets"><text:list-level-style-bullet text:level="1" text:bullet-char="•"/>'
        '<text:list-level-style-bullet text:level="2" text:bullet-char="◦"/></text:list-style>'
    )
    styles = f'<office:styles><style:style style:name="Standard" style:family="paragraph"/>{headings}</office:styles>'
    return flat("text", styles + f"<office:automatic-styles>{automatic}</office:automatic-styles>", "text", "".join(body))


def workbook() -> str:
    borings = [
        ["Boring", "Depth (m)", "SPT N", "φ′ (°)", "Day"],
        ["BH-1", 1.5, 8, 29, "2026-03-04"],
        ["BH-1", 3, 14, 32, "2026-03-04"],
        ["BH-2", 4.5, 31, 36.5, "2026-03-05"],
        ["Sum", "", "=SUM([.C2:.C4])", "", ""],
    ]
    notes = [["Note"], ["The water stood at 2.4 m | measured twice"]]
    day = (
        '<office:automatic-styles><number:date-style style:name="N1"><number:year number:style="long"/>'
        '<number:text>-</number:text><number:month number:style="long"/><number:text>-</number:text>'
        '<number:day number:style="long"/></number:date-style>'
        '<style:style style:name="Date" style:family="table-cell" style:data-style-name="N1"/></office:automatic-styles>'
    )
    return flat("spreadsheet", day, "spreadsheet", sheet("Borings", borings) + sheet("Notes", notes))


def sheet(name: str, rows: list[list[object]]) -> str:
    lines = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    return f'<table:table table:name="{name}">{lines}</table:table>'


def cell(value: object) -> str:
    match value:
        case "":
            return "<table:table-cell/>"
        case int() | float():
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        case str() if value.startswith("="):
            return f'<table:table-cell table:formula="of:{value}" office:value-type="float" office:value="0"/>'
        case str() if value.startswith("20"):
            return f'<table:table-cell table:style-name="Date" office:value-type="date" office:date-value="{value}"/>'
    return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'


def heading(level: int, words: str) -> str:
    return f'<text:h text:style-name="Heading_20_{level}" text:outline-level="{level}">{words}</text:h>'


def paragraph(words: str) -> str:
    return f'<text:p text:style-name="Body">{words}</text:p>'


def table(rows: list[list[str]]) -> str:
    def line(cells: list[str]) -> str:
        text = (f'<table:table-cell table:style-name="Cell"><text:p>{words}</text:p></table:table-cell>' for words in cells)
        return f"<table:table-row>{''.join(text)}</table:table-row>"

    columns = f'<table:table-column table:number-columns-repeated="{len(rows[0])}"/>'
    head = f"<table:table-header-rows>{line(rows[0])}</table:table-header-rows>"
    return f"<table:table>{columns}{head}{''.join(map(line, rows[1:]))}</table:table>"


def flat(kind: str, styles: str, body: str, inside: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {SPACES} office:version="1.3" '
        f'office:mimetype="application/vnd.oasis.opendocument.{kind}">{styles}'
        f"<office:body><office:{body}>{inside}</office:{body}></office:body></office:document>"
    )


def slides(path: Path) -> None:
    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Harbour Road: the ground"
    frame = first.placeholders[1].text_frame
    frame.text = "Sand over stiff clay"
    for words, level in (("brown, rounded grains", 1), ("Water at 2.4 m", 0), ("σ′ = σ − u", 0)):
        line = frame.add_paragraph()
        line.text, line.level = words, level
    first.notes_slide.notes_text_frame.text = "Say that the wells were read twice."
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "Sieve analysis"
    grid = second.shapes.add_table(len(SIEVE), 2, Cm(2), Cm(5), Cm(16), Cm(6)).table
    for row, cells in enumerate(SIEVE):
        for column, words in enumerate(cells):
            grid.cell(row, column).text = words
    third = deck.slides.add_slide(deck.slide_layouts[6])
    third.shapes.add_textbox(Cm(2), Cm(2), Cm(10), Cm(2)).text_frame.text = "Two more borings are next."
    deck.save(str(path))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "report.fodt").write_text(report(), "utf-8")
    (folder / "borings.fods").write_text(workbook(), "utf-8")
    slides(folder / "ground.pptx")
