"""Blocks → passages: neighbours under one heading together, up to a size that is still small enough to quote from.

A table or list that does not fit is cut between its rows or items, and each piece begins with the lead-in and header again.
"""

from collections.abc import Iterator

from .base import Document, Passage
from .extract import Block, blocks
from .sentences import spans

MAX_PASSAGE_CHARS = 1200
"""About 250 words: most sections of a handbook in one piece, and ten passages are still a small prompt."""


def passages(document: Document, *, max_chars: int = MAX_PASSAGE_CHARS) -> list[Passage]:
    """The document's passages in its order. `max_chars` is without a header that is repeated."""
    cut = _groups(_pieces(document.text, blocks(document.text), max_chars), max_chars)
    return [_passage(document, number, group) for number, group in enumerate(cut)]


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
