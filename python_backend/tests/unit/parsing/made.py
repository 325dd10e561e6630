"""Documents that tests make: Office files part by part, PDFs by reportlab and by hand, and files that mean harm."""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table

from underpin.parsing.base import Parsed
from underpin.parsing.limits import Limits
from underpin.parsing.reading import read

DOCUMENTS = Path(__file__).parent / "documents"
GEOTECHNICS = Path(__file__).parents[3] / "underpin" / "examples" / "geotechnics"
TEXTS = sorted(path for path in GEOTECHNICS.glob("*.md") if path.name != "ABOUT.md")

RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
X = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
R = f'xmlns:r="{KINDS}"'

Content = bytes | str | Callable[[], Iterator[bytes]]


def parsed(path: Path, **limits: float) -> Parsed:
    """Read here and now, under its own name."""
    return read(path, path.name, Limits(**limits))  # type: ignore[arg-type]


def office(path: Path, main: str, parts: Mapping[str, Content], related: Mapping[str, str] | None = None) -> Path:
    """An Office file: `main` leads from the root, `related` are the kinds of main's relations and where they lead."""
    everything: dict[str, Content] = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": relations({"officeDocument": main}),
        **parts,
    }
    if related:
        folder, _, name = main.rpartition("/")
        everything[f"{folder}/_rels/{name}.rels"] = relations(related)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in everything.items():
            if callable(content):
                with archive.open(part, "w", force_zip64=True) as opened:
                    for piece in content():
                        opened.write(piece)
            else:
                archive.writestr(part, content)
    return path


def relations(leading: Mapping[str, str]) -> str:
    lines = "".join(f'<Relationship Id="{kind}" Type="{KINDS}/{kind}" Target="{target}"/>' for kind, target in leading.items())
    return f'<Relationships xmlns="{RELATIONS}">{lines}</Relationships>'


def docx(path: Path, body: Content, **others: str) -> Path:
    """A Word file of this body; `others` are its styles, numbering, footnotes."""
    if callable(body):
        main: Content = body
    else:
        text = body if isinstance(body, str) else body.decode()
        main = f"<w:document {W}><w:body>{text}</w:body></w:document>"
    parts = {f"word/{kind}.xml": content for kind, content in others.items()}
    return office(path, "word/document.xml", {"word/document.xml": main, **parts}, {kind: f"{kind}.xml" for kind in others})


def words(text: str, properties: str = "") -> str:
    """A paragraph of one run."""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx(path: Path, sheet: Content, **others: str) -> Path:
    """A workbook with one sheet "Sheet"; `others` are its styles and shared strings."""
    workbook = f'<workbook {X} {R}><sheets><sheet name="Sheet" r:id="worksheet"/></sheets></workbook>'
    parts: dict[str, Content] = {f"xl/{kind}.xml": content for kind, content in others.items()}
    leading = {"worksheet": "sheet.xml", **{kind: f"{kind}.xml" for kind in others}}
    main = (
        sheet
        if callable(sheet)
        else f"<worksheet {X}><sheetData>{sheet if isinstance(sheet, str) else sheet.decode()}</sheetData></worksheet>"
    )
    return office(path, "xl/workbook.xml", {"xl/workbook.xml": workbook, "xl/sheet.xml": main, **parts}, leading)


def pdf_of(text: Path, path: Path) -> Path:
    """A text of ours as a PDF by reportlab: headings, paragraphs, lists, and tables with drawn lines."""
    styles = getSampleStyleSheet()
    story: list[Flowable] = []
    rows: list[list[Paragraph]] = []

    def end_table() -> None:
        if rows:
            story.append(Table(list(rows), style=[("GRID", (0, 0), (-1, -1), 0.5, colors.black)]))
            rows.clear()

    for line in text.read_text("utf-8").splitlines():
        if line.startswith("|"):
            if "---" not in line:
                rows.append([Paragraph(cell.strip(), styles["BodyText"]) for cell in line.strip("|").split("|")])
            continue
        end_table()
        if title := re.match("(#+) (.*)", line):
            story.append(Paragraph(title[2], styles[f"Heading{len(title[1])}"]))
        elif line.startswith("- "):
            story.append(Paragraph(line[2:], styles["BodyText"], bulletText="•"))
        elif line.strip():
            story.append(Paragraph(line, styles["BodyText"]))
    end_table()
    SimpleDocTemplate(str(path)).build(story)
    return path


def raw_pdf(path: Path, content: bytes, pages: int = 1, *, squeezed: bool = False) -> Path:
    """A PDF by hand: every page has this content."""
    if squeezed:
        content = zlib.compress(content, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, b" ".join(b"%d 0 R" % (number + 5) for number in range(pages))),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), b"/Filter/FlateDecode" if squeezed else b"", content),
        *[b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents 4 0 R>>"] * pages,
    ]
    pieces = [b"%PDF-1.4\n"]
    places = []
    at = len(pieces[0])
    for number, content in enumerate(objects, 1):
        places.append(at)
        pieces.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        at += len(pieces[-1])
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    pieces += [head, table, b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, at)]
    path.write_bytes(b"".join(pieces))
    return path
