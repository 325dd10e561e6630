"""What PDFium tells of a page: words with their boxes, straight lines, whether there are pictures. Only this file calls it."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import hypot
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from .base import Unparsable
from .container import damaged

# Maps and drawings: a page with more of either holds no table that is worth the time.
_MOST_LETTERS = 60_000
_MOST_LINES = 20_000
_MOST_OBJECTS = 20_000
# A gap in a line of letters that is wider than this share of their height parts words.
_WORD_GAP = 0.25
_HYPHEN = "\x02"  # PDFium's sign for a hyphen at which a line breaks
# Ligatures as their letters; and the Greek letters that old fonts name as the signs for difference and ohm.
_READ_AS = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0x2206: "Δ", 0x2126: "Ω"}
_SPACES = frozenset(" \t\xa0\u2002\u2003\u2009\u3000")
_BREAKS = frozenset("\r\n")


@dataclass(slots=True)
class Word:
    """Letters without a blank between them. Coordinates are in points, y grows upwards; `size` is the font's as it is seen."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    bold: bool

    @property
    def middle(self) -> float:
        return (self.bottom + self.top) / 2


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line along an axis: at `at` of the one axis, from `start` to `end` of the other."""

    at: float
    start: float
    end: float


@dataclass(slots=True)
class Page:
    words: list[Word]
    horizontal: list[Stroke]
    vertical: list[Stroke]
    has_pictures: bool


@contextmanager
def opened(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """The document. Raises Unparsable when it is damaged or locked."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise Unparsable(
                "invalid_file", "This PDF is locked by a password. Remove the password and upload it again."
            ) from error
        raise damaged() from error
    try:
        yield document
    finally:
        document.close()


def read_page(document: pypdfium2.PdfDocument, number: int) -> Page:
    """Page `number`, counted from 0; without anything where the page is damaged."""
    handle = pdfium.FPDF_LoadPage(document.raw, number)
    if not handle:
        return Page([], [], [], has_pictures=False)
    try:
        turn = _Turn(handle)
        page = Page(_words(handle, turn), [], [], has_pictures=False)
        _read_objects(handle, page, turn)
        return page
    finally:
        pdfium.FPDF_ClosePage(handle)


class _Turn:
    """How a page that is shown turned is read: coordinates as they are seen, from the lower left corner of what is seen."""

    def __init__(self, handle: object) -> None:
        self.quarters: int = pdfium.FPDFPage_GetRotation(handle) % 4
        self._width: float = pdfium.FPDF_GetPageWidthF(handle)
        self._height: float = pdfium.FPDF_GetPageHeightF(handle)

    def point(self, x: float, y: float) -> tuple[float, float]:
        match self.quarters:
            case 1:
                return y, self._height - x
            case 2:
                return self._width - x, self._height - y
            case 3:
                return self._width - y, x
        return x, y

    def box(self, box: "pdfium.FS_RECTF") -> tuple[float, float, float, float]:
        """Left, bottom, right, top."""
        (x, y), (other_x, other_y) = self.point(box.left, box.bottom), self.point(box.right, box.top)
        return min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y)


def _words(handle: object, turn: _Turn) -> list[Word]:
    text = pdfium.FPDFText_LoadPage(handle)
    if not text:
        return []
    try:
        return list(_gathered(text, turn, min(pdfium.FPDFText_CountChars(text), _MOST_LETTERS)))
    finally:
        pdfium.FPDFText_ClosePage(text)


def _gathered(text: object, turn: _Turn, count: int) -> Iterator[Word]:
    """Letters in PDFium's order, joined to words where they follow each other closely on one line."""
    box = pdfium.FS_RECTF()
    place = ctypes.byref(box)
    turned = turn.quarters != 0
    last = 0.0
    word: Word | None = None
    for index in range(count):
        code = pdfium.FPDFText_GetUnicode(text, index)
        letter = _READ_AS.get(code) or (chr(code) if 0 < code <= 0x10FFFF else "")
        if not letter or letter in _BREAKS or letter in _SPACES or not pdfium.FPDFText_GetLooseCharBox(text, index, place):
            if word:
                yield word
            word = None
            continue
        if letter == _HYPHEN:
            letter = "\u00ad"
        left, bottom, right, top = turn.box(box) if turned else (box.left, box.bottom, box.right, box.top)
        if word and (_continues(word, last, left, bottom, right, top) or _stacks(word, left, bottom, right, top)):
            word.text += letter
            last = left
            if right > word.right:
                word.right = right
            if left < word.left:
                word.left = left
            if top > word.top:
                word.top = top
            if bottom < word.bottom:
                word.bottom = bottom
            continue
        if word:
            yield word
        last = left
        size, bold = _face(text, index)
        word = Word(letter, left, bottom, right, top, size, bold)
    if word:
        yield word


def _continues(word: Word, last: float, left: float, bottom: float, right: float, top: float) -> bool:
    """Whether a letter follows the one that began at `last`, to its right, or to the left of the word as in Hebrew.

    The letters of a ligature have one box, so they begin at one place. Called for every letter: most are settled at once.
    """
    height = word.top - word.bottom
    gap = _WORD_GAP * height
    if not (left - word.right < gap and left > last - gap) and not -gap < word.left - right < gap:
        return False
    if bottom == word.bottom and top == word.top:
        return True
    level = min(top, word.top) - max(bottom, word.bottom)
    return level > 0.3 * min(height, top - bottom)


def _stacks(word: Word, left: float, bottom: float, right: float, top: float) -> bool:
    """Whether a letter stands right above or below those of its word: text that runs upwards, as along an axis."""
    common = min(right, word.right) - max(left, word.left)
    narrower = min(right - left, word.right - word.left)
    apart = max(bottom - word.top, word.bottom - top)
    return common > 0.6 * narrower and -0.3 < apart / max(top - bottom, 1.0) < 0.5


def _face(text: object, index: int) -> tuple[float, bool]:
    """The font's size as it is seen, which is what the matrix makes of it, and whether it is bold."""
    matrix = pdfium.FS_MATRIX()
    scale = hypot(matrix.c, matrix.d) if pdfium.FPDFText_GetMatrix(text, index, ctypes.byref(matrix)) else 1.0
    size = pdfium.FPDFText_GetFontSize(text, index)
    return round(size * (scale or 1.0), 1), _is_bold(text, index)


def _is_bold(text: object, index: int) -> bool:
    if pdfium.FPDFText_GetFontWeight(text, index) >= 600:
        return True
    name = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    if not pdfium.FPDFText_GetFontInfo(text, index, name, 128, ctypes.byref(flags)):
        return False
    return b"bold" in name.value.lower() or bool(flags.value & 1 << 18)  # ForceBold, by the PDF standard


def _read_objects(handle: object, page: Page, turn: _Turn) -> None:
    """Lines and pictures; of objects inside of forms only the pictures, since forms move what is in them."""
    count = pdfium.FPDFPage_CountObjects(handle)
    for index in range(min(count, _MOST_OBJECTS)):
        item = pdfium.FPDFPage_GetObject(handle, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            _read_path(item, page, turn)
        elif kind in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM):
            page.has_pictures = True
    if len(page.horizontal) + len(page.vertical) > _MOST_LINES:
        page.horizontal, page.vertical = [], []


def _read_path(item: object, page: Page, turn: _Turn) -> None:
    """Straight segments along an axis. A thin filled box, as some programs draw a line, is two of them at nearly one place."""
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, ctypes.byref(matrix)):
        return
    x, y = ctypes.c_float(), ctypes.c_float()
    first = last = (0.0, 0.0)
    for index in range(min(pdfium.FPDFPath_CountSegments(item), _MOST_LINES)):
        segment = pdfium.FPDFPath_GetPathSegment(item, index)
        pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = turn.point(matrix.a * x.value + matrix.c * y.value + matrix.e, matrix.b * x.value + matrix.d * y.value + matrix.f)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            first = point
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            _keep(last, point, page)
        last = point
        if pdfium.FPDFPathSegment_GetClose(segment):
            _keep(last, first, page)


def _keep(one: tuple[float, float], other: tuple[float, float], page: Page) -> None:
    wide, high = abs(one[0] - other[0]), abs(one[1] - other[1])
    if high < 1 and wide > 4:
        page.horizontal.append(Stroke((one[1] + other[1]) / 2, min(one[0], other[0]), max(one[0], other[0])))
    elif wide < 1 and high > 4:
        page.vertical.append(Stroke((one[0] + other[0]) / 2, min(one[1], other[1]), max(one[1], other[1])))
