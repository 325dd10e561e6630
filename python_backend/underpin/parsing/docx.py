"""Word documents: headings by style, lists by numbering, tables with merged cells, formulas, notes; block by block."""

from xml.etree.ElementTree import Element

from . import markdown
from .base import Parsed
from .container import Container
from .docx_math import formula
from .docx_styles import Numbering, Styles, W
from .limits import Limits
from .output import Output

EMPTY = "This Word document holds no text."
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}oMath"
_BOX = W + "txbxContent"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Deleted text, instructions of fields and properties are not what the document says.
_SILENT = frozenset({W + "del", W + "moveFrom", W + "instrText", W + "pPr", W + "rPr", W + "fldData", _FALLBACK})
_RAISED = str.maketrans("0123456789+-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ")
_NOTES = {W + "footnoteReference": "footnotes", W + "endnoteReference": "endnotes"}


def parse_docx(container: Container, main: str, limits: Limits) -> Parsed:
    """`main` is the name of the part that holds the text."""
    document = _Document(container, main, Output(limits))
    container.stream(main, frozenset({W + "p", W + "tbl"}), document.take)
    document.add_notes()
    return document.output.parsed(empty=EMPTY)


class _Document:
    def __init__(self, container: Container, main: str, output: Output) -> None:
        self._container = container
        self._parts = dict(container.relations(main).values())
        self._styles = Styles(container.tree(self._parts.get("styles", "")))
        self._numbering = Numbering(container.tree(self._parts.get("numbering", "")), self._styles)
        self._noted: list[tuple[str, str]] = []
        self._in_list = False
        self.output = output

    def take(self, element: Element) -> None:
        """One paragraph or table of the text."""
        if element.tag == W + "tbl":
            self._in_list = False
            self.output.add(markdown.table(self._rows(element)))
        else:
            self._add_paragraph(element)

    def add_notes(self) -> None:
        for kind in ("footnotes", "endnotes"):
            asked = {number for noted, number in self._noted if noted == kind}
            tree = self._container.tree(self._parts.get(kind, "")) if asked else None
            for note in tree if tree is not None else ():
                if note.get(W + "id") in asked:
                    self.output.add(f"[^{note.get(W + 'id')}]: {markdown.one_line(self._said(note))}")

    def _add_paragraph(self, paragraph: Element) -> None:
        boxes = [box for box in paragraph.iter(_BOX) if not _in_fallback(paragraph, box)]
        text = self._said(paragraph)
        # Most paragraphs of a long document have no properties, and so are neither.
        formed = paragraph.find(W + "pPr") is not None
        level = self._styles.heading_of(paragraph) if formed else 0
        place = self._numbering.place_of(paragraph) if formed and not level else None
        if level:
            self.output.add(markdown.heading(level, text))
        elif place and text.strip():
            depth, number = place
            self.output.add(markdown.item(text, depth, number), between="\n" if self._in_list else "\n\n")
        else:
            self.output.add("\n".join(markdown.one_line(line) for line in text.split("\n")))
        self._in_list = bool(place) if text.strip() else self._in_list
        for box in boxes:
            for inside in box:
                if inside.tag in (W + "p", W + "tbl"):
                    self.take(inside)

    def _rows(self, table: Element) -> list[list[str]]:
        """Merged cells say their text once, in the first of them."""
        rows = []
        for row in _inside(table, W + "tr"):
            cells: list[str] = []
            for cell in _inside(row, W + "tc"):
                width = cell.find(f"{W}tcPr/{W}gridSpan")
                merged = cell.find(f"{W}tcPr/{W}vMerge")
                goes_on = merged is not None and merged.get(W + "val", "continue") == "continue"
                cells += ["" if goes_on else self._said(cell), *[""] * (_count(width) - 1)]
            rows.append(cells)
        return rows

    def _said(self, element: Element) -> str:
        """The text of a paragraph, a cell or a note, in order; text boxes are left to `_add_paragraph`."""
        pieces: list[str] = []
        for part in element:
            tag = part.tag
            if tag in _SILENT or tag == _BOX:
                continue
            if tag == W + "r":
                pieces.append(self._run(part))
            elif tag == _MATH:
                pieces.append(formula(part))
            elif tag in (W + "p", W + "tr"):
                pieces.append(self._said(part) + "\n")
            elif tag == W + "tc":
                pieces.append(self._said(part).strip() + " ; ")
            else:
                pieces.append(self._said(part))
        return "".join(pieces)

    def _run(self, run: Element) -> str:
        pieces: list[str] = []
        for part in run:
            if part.tag == W + "t":
                pieces.append(part.text or "")
            elif part.tag == W + "tab":
                pieces.append("\t")
            elif part.tag in (W + "br", W + "cr"):
                pieces.append("\n")
            elif part.tag == W + "noBreakHyphen":
                pieces.append("-")
            elif part.tag in _NOTES:
                number = part.get(W + "id", "")
                self._noted.append((_NOTES[part.tag], number))
                pieces.append(f"[^{number}]")
            elif part.tag not in _SILENT and part.tag != W + "drawing" and len(part):
                pieces.append(self._said(part))
        text = "".join(pieces)
        properties = run.find(W + "rPr")
        raised = properties.find(W + "vertAlign") if properties is not None else None
        return _superscript(text) if raised is not None and raised.get(W + "val") == "superscript" else text


def _superscript(text: str) -> str:
    """A power stays one: 10 and a raised -6 must not become 10-6. What has no raised letters is left as it is."""
    raised = text.translate(_RAISED)
    return raised if text.strip() and not any(letter in raised for letter in text.strip()) else text


def _inside(element: Element, tag: str) -> list[Element]:
    """Rows of a table or cells of a row, also where a content control or a change is around them."""
    found: list[Element] = []
    for part in element:
        if part.tag == tag:
            found.append(part)
        elif part.tag in (W + "sdt", W + "sdtContent", W + "ins", W + "customXml"):
            found += _inside(part, tag)
    return found


def _in_fallback(paragraph: Element, box: Element) -> bool:
    return any(box in list(fallback.iter(W + "txbxContent")) for fallback in paragraph.iter(_FALLBACK))


def _count(element: Element | None) -> int:
    """A cell's width in columns; no table has more than the 63 that Word allows."""
    text = element.get(W + "val", "") if element is not None else ""
    return min(int(text), 63) if text.isdecimal() and text != "0" else 1
