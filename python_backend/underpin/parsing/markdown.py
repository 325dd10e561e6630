"""The forms of Markdown that parsers write: headings, tables, lists. A table's rows are lines, its first row is the header."""

from collections.abc import Iterable, Sequence

DEEPEST = 6


def one_line(text: str) -> str:
    return " ".join(text.split())


def heading(level: int, text: str) -> str:
    """Empty where the text is."""
    words = one_line(text)
    return f"{'#' * min(max(level, 1), DEEPEST)} {words}" if words else ""


def item(text: str, depth: int = 0, number: int | None = None) -> str:
    """One line of a list; `depth` 0 is the outermost."""
    words = one_line(text)
    mark = "-" if number is None else f"{number}."
    return f"{'  ' * min(depth, 8)}{mark} {words}" if words else ""


def row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in cells) + " |"


def rule(columns: int) -> str:
    """The line between the header and the other rows."""
    return "|" + " --- |" * columns


def table(rows: Sequence[Sequence[str]]) -> str:
    """A pipe table; rows and columns without text are left out, short rows are filled up. One column becomes lines of text."""
    filled = [cells for cells in rows if any(cell.strip() for cell in cells)]
    width = max(map(len, filled), default=0)
    used = [at for at in range(width) if any(at < len(cells) and cells[at].strip() for cells in filled)]
    squared = [[cells[at] if at < len(cells) else "" for at in used] for cells in filled]
    if len(used) < 2:
        return "\n\n".join(one_line(cell) for cells in squared for cell in cells)
    lines = [row(cells) for cells in squared]
    return "\n".join([lines[0], rule(len(used)), *lines[1:]])
