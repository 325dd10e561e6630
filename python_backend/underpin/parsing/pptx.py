"""Presentations: a slide is a page, its title a heading; text with its levels, tables, and what the speaker noted."""

from xml.etree.ElementTree import Element

from . import markdown
from .base import Parsed
from .container import Container
from .docx_math import M, formula
from .limits import Limits, too_many_pages
from .output import Output

EMPTY = "This presentation holds no text: its slides are pictures, or blank."
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TITLES = frozenset({"title", "ctrTitle"})
# Numbers, dates and footers stand on every slide and say nothing of it.
_FRAMING = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})


def parse_pptx(container: Container, main: str, limits: Limits) -> Parsed:
    """`main` is the name of the part that lists the slides."""
    output = Output(limits)
    presentation = container.tree(main)
    listed = presentation.findall(f"{P}sldIdLst/{P}sldId") if presentation is not None else []
    if len(listed) > limits.pages:
        raise too_many_pages(len(listed), limits)
    parts = container.relations(main)
    for entry in listed:
        _, part = parts.get(entry.get(_ID, ""), ("", ""))
        output.begin_page()
        _add_slide(container, part, output)
    return output.parsed(empty=EMPTY)


def _add_slide(container: Container, part: str, output: Output) -> None:
    slide = container.tree(part)
    if slide is None:
        return
    shapes = list(_shapes(slide.find(f"{P}cSld/{P}spTree")))
    titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
    for shape in titles:
        output.add(markdown.heading(1, _plain(shape)))
    for shape in shapes:
        if shape not in titles:
            _add_shape(shape, output)
    for kind, notes in container.relations(part).values():
        tree = container.tree(notes) if kind == "notesSlide" else None
        for shape in _shapes(tree.find(f"{P}cSld/{P}spTree") if tree is not None else None):
            said = markdown.one_line(_plain(shape)) if _placeholder(shape) == "body" else ""
            if said:
                output.add(f"Notes: {said}")


def _shapes(tree: Element | None) -> list[Element]:
    """Shapes and tables in their order, those of groups included; of alternatives the first."""
    found: list[Element] = []
    for part in tree if tree is not None else ():
        if part.tag in (P + "sp", P + "graphicFrame"):
            if _placeholder(part) not in _FRAMING:
                found.append(part)
        elif part.tag == P + "grpSp" or part.tag.endswith(("}AlternateContent", "}Choice")):
            found += _shapes(part)
    return found


def _placeholder(shape: Element) -> str:
    """What a shape is for: title, body, …; "body" where the file does not say, empty for a shape that is no placeholder."""
    found = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    return found.get("type", "body") if found is not None else ""


def _add_shape(shape: Element, output: Output) -> None:
    for table in shape.iter(A + "tbl"):
        rows = [[_plain(cell) for cell in row.findall(A + "tc")] for row in table.findall(A + "tr")]
        output.add(markdown.table(rows))
    body = shape.find(P + "txBody")
    paragraphs = body.findall(A + "p") if body is not None else []
    said = [(paragraph, _paragraph(paragraph)) for paragraph in paragraphs]
    listed = len([text for _, text in said if text.strip()]) > 1 or _placeholder(shape) not in ("", "subTitle")
    lines = [markdown.item(text, _depth(paragraph)) if listed else markdown.one_line(text) for paragraph, text in said]
    output.add("\n".join(line for line in lines if line))


def _depth(paragraph: Element) -> int:
    properties = paragraph.find(A + "pPr")
    text = properties.get("lvl", "0") if properties is not None else "0"
    return int(text) if text.isdecimal() and len(text) == 1 else 0


def _plain(element: Element) -> str:
    return "\n".join(_paragraph(paragraph) for paragraph in element.iter(A + "p"))


def _paragraph(element: Element) -> str:
    pieces: list[str] = []
    for part in element:
        if part.tag == A + "t":
            pieces.append(part.text or "")
        elif part.tag == A + "br":
            pieces.append(" ")
        elif part.tag == M + "oMath":
            pieces.append(formula(part))
        elif part.tag not in (A + "pPr", A + "rPr", _FALLBACK):
            pieces.append(_paragraph(part))
    return "".join(pieces)
