"""Text → passages: neighbours under one heading together, up to a size.

`passages` cuts the documents that come with the server, small enough to quote whole; `chunks` cuts what was uploaded, in the
sizes that its owner chose, and bears any text.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from ..objects.chunk import Chunk
from ..tokens import BYTES_A_TOKEN
from .base import Document, Passage
from .extract import Block, blocks
from .sections import Piece, pieces, size
from .sentences import spans

MAX_PASSAGE_CHARS = 1200
"""About 250 words: most sections of a handbook in one piece, and ten passages are still a small prompt."""


def passages(document: Document, *, max_chars: int = MAX_PASSAGE_CHARS) -> list[Passage]:
    """The document's passages in its order. A table or list that does not fit is cut between its rows or items, and each piece
    begins with the lead-in and header again. `max_chars` is without a header that is repeated."""
    cut = _groups(_pieces(document.text, blocks(document.text), max_chars), max_chars)
    return [_passage(document, number, group) for number, group in enumerate(cut)]


def chunks(document: Document, *, max_tokens: int, overlap_tokens: int) -> Iterator[Passage]:
    """The document's passages in its order; together they hold all of its text, headings included.

    Sections that are short stand together in one, up to `max_tokens` (as `tokens.py` counts). Not counted are the headings above
    the first paragraph, a quarter more at most, and the header of a table that was cut, which is repeated. A new heading begins a
    new one once half of that is full. Only where a section is cut, the next begins with the end of the one before: at most
    `overlap_tokens` of whole paragraphs or rows.
    """
    text, ended = document.text, 0
    for number, group in enumerate(_filled(text, pieces(text, max_tokens), max_tokens, overlap_tokens)):
        # The headings above it are its beginning.
        start = _begin(text, min(ended, group[0].start), group[0].start)
        ended = group[-1].end
        header = group[0].header
        yield Passage(
            file_id=document.file_id,
            filename=document.name,
            number=number,
            heading=_shared(group),
            text=f"{header}\n{text[start:ended]}" if header else text[start:ended],
            start=start,
            end=ended,
            page=_page(document.pages, start),
        )


def new_part(passage: Passage | Chunk, before: Passage | Chunk | None) -> str:
    """What a passage has that the one before it has not: what there is to embed of it."""
    if before is None or passage.start >= before.end:
        return passage.text
    return passage.text[len(passage.text) - (passage.end - before.end) :]


def _filled(text: str, found: Iterator[Piece], max_tokens: int, overlap_tokens: int) -> Iterator[list[Piece]]:
    most, overlap = max_tokens * BYTES_A_TOKEN, overlap_tokens * BYTES_A_TOKEN
    group: list[Piece] = []
    held = 0
    for piece in found:
        more = size(text, group[-1].end if group else piece.start, piece.end)
        is_new_section = bool(group) and piece.heading != group[-1].heading
        if group and (held + more > most or (is_new_section and 2 * held >= most)):
            yield group
            group = [] if is_new_section else _tail(text, group, piece, min(overlap, most - size(text, piece.start, piece.end)))
            held, more = 0, size(text, (group or [piece])[0].start, piece.end)
        group.append(piece)
        held += more
    if group:
        yield group


def _tail(text: str, group: list[Piece], following: Piece, most: int) -> list[Piece]:
    """The end of a group that its section's next passage repeats."""
    tail: list[Piece] = []
    for piece in reversed(group[1:]):
        if piece.heading != following.heading or size(text, piece.start, following.start) > most:
            break
        tail.insert(0, piece)
    return tail


def _begin(text: str, start: int, end: int) -> int:
    """Behind the blanks at the beginning."""
    between = text[start:end]
    return start + len(between) - len(between.lstrip())


def _shared(group: Sequence[Piece]) -> tuple[str, ...]:
    """The headings that stand above all of it."""
    shared = group[0].heading
    for piece in group:
        while piece.heading[: len(shared)] != shared:
            shared = shared[:-1]
    return shared


def _page(pages: Sequence[int], start: int) -> int | None:
    return max(1, bisect_right(pages, start)) if pages else None


def _pieces(text: str, read: list[Block], max_chars: int) -> Iterator[Block]:
    """The blocks, with those cut at their sentences that are too long for any passage."""
    for block in read:
        if block.end - block.start <= max_chars:
            yield block
            continue
        start = block.start
        for _, end in spans(text[block.start : block.end]):
            end += block.start
            if end - start > max_chars * 2 // 3 or end == block.end:
                yield from _cut(block, start, end, max_chars)
                start = end


def _cut(block: Block, start: int, end: int, max_chars: int) -> Iterator[Block]:
    """One long sentence (or a text without any) is cut wherever the size is reached."""
    for at in range(start, end, max_chars):
        stop = min(at + max_chars, end)
        yield Block("paragraph", "", block.heading, at, stop)


def _groups(pieces: Iterator[Block], max_chars: int) -> Iterator[list[Block]]:
    group: list[Block] = []
    for block in pieces:
        if group and (block.heading != group[0].heading or block.end - group[0].start > max_chars):
            # A lead-in goes with what it introduces, not with what came before it.
            keep = [group.pop()] if len(group) > 1 and _introduces(group[-1], block) else []
            yield group
            group = keep
        group.append(block)
    if group:
        yield group


def _introduces(before: Block, block: Block) -> bool:
    return (
        before.kind == "paragraph" and block.heading == before.heading and bool(block.lead) and before.text.endswith(block.lead)
    )


def _passage(document: Document, number: int, group: list[Block]) -> Passage:
    first, start, end = group[0], group[0].start, group[-1].end
    again = [part for part in (first.lead, first.header) if part]
    joint = "\n" if first.header else "\n\n"
    prefix = "\n\n".join(again) + joint if again else ""
    return Passage(
        file_id=document.file_id,
        filename=document.name,
        number=number,
        heading=first.heading,
        text=prefix + document.text[start:end],
        start=start,
        end=end,
    )
