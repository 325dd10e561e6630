"""One file, read: what it is by its bytes, then the parser of its format. Runs in the child, within what the child may use."""

from collections.abc import Callable
from pathlib import Path

from .base import Parsed, Unparsable
from .container import Container, damaged
from .docx import parse_docx
from .limits import Limits, too_much_memory
from .pdf import parse_pdf
from .plain import parse_table, parse_text
from .pptx import parse_pptx
from .sniff import kind_of, unsupported
from .webpage import parse_html
from .xlsx import parse_xlsx

_OFFICE: dict[str, Callable[[Container, str, Limits], Parsed]] = {
    "word/": parse_docx,
    "ppt/": parse_pptx,
    "xl/": parse_xlsx,
}


def read(path: Path, filename: str, limits: Limits) -> Parsed:
    """Raises Unparsable, for whatever is wrong with the file."""
    try:
        return _read(path, filename, limits)
    except MemoryError:
        raise too_much_memory(limits) from None
    except RecursionError:
        raise Unparsable("invalid_file", "This file is nested deeper than any document is.") from None


def _read(path: Path, filename: str, limits: Limits) -> Parsed:
    match kind_of(path, filename):
        case "pdf":
            return parse_pdf(path, limits)
        case "zip":
            return _read_container(path, limits)
        case "html":
            return parse_html(path, limits)
        case "table":
            return parse_table(path, limits)
        case "text":
            return parse_text(path, limits)


def _read_container(path: Path, limits: Limits) -> Parsed:
    with Container(path, limits) as container:
        main = next((part for kind, part in container.relations("").values() if kind == "officeDocument"), "")
        if main in container.names and not main.endswith(".bin"):
            for folder, parse in _OFFICE.items():
                if main.startswith(folder):
                    return parse(container, main, limits)
        if main.endswith(".bin"):
            raise Unparsable("unsupported_file", "This file is a binary workbook (.xlsb). Save it as .xlsx and upload that.")
        if "[Content_Types].xml" in container.names:
            raise damaged()
        if "mimetype" in container.names:
            raise Unparsable(
                "unsupported_file",
                "This file is an OpenDocument or e-book. Save it as .docx, .xlsx, .pptx or .pdf and upload that.",
            )
        raise unsupported("a ZIP archive: unpack it and upload the files in it")
