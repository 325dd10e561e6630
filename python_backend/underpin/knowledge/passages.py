"""A passage as a reader opens it from a citation: its text with what stands before and after it, its page and headings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import NotFound
from ..files.files import MOST_OF_AN_ID, Files
from ..objects.chunk import Chunk
from ..objects.vector_store_file import VectorStoreFile
from ..store.base import Scope, Store
from .base import Document, Knowledge, Passage
from .chunk import passages
from .standing_files import StandingFiles

MOST_QUOTE_CHARS = 2000
"""Of a quote that is asked for: it has to fit into an address, with twelve bytes a character."""
_MOST_LOOKED_FOR = 20_000
CONTEXT_CHARS = 2000
"""The most that is told of what stands before, and after."""
_PAGE = 1000
_MOST_STORES = 1000


@dataclass(frozen=True)
class Around:
    """A passage and its surroundings. `start` and `end` are its place in the file's text, in code points; `highlight` is the
    quote's place in `text`. `chunk` is None where the file was not cut here."""

    file_id: str
    filename: str
    vector_store_id: str | None
    chunk: int | None
    page: int | None
    heading: tuple[str, ...]
    text: str
    start: int
    end: int
    before: str
    after: str
    highlight: tuple[int, int] | None


class Passages:
    """Looks a passage up, by its number or by words that stand in it. Raises NotFound for a file that is not there (its param is
    `id`), and for a passage that is not in it."""

    def __init__(self, store: Store, files: Files, shipped: Knowledge, standing_files: StandingFiles) -> None:
        self._store = store
        self._files = files
        self._shipped = shipped
        self._standing_files = standing_files

    async def around(
        self, owner: str, file_id: str, *, chunk: int | None, quote: str | None, vector_store_id: str | None = None
    ) -> Around:
        """The passage of this number, or else the first that holds the quote. A file that several vector stores have is read as
        the one cut it that is named, or the newest. May raise ModelError for a file at the model's server."""
        for document in await self._shipped.documents():
            if document.file_id == file_id:
                return _of_document(document, chunk, quote)
        try:
            file = await self._files.get(owner, file_id)
        except NotFound:
            return await self._there(file_id, chunk, quote)
        for cut in await self._cuts(owner, file.id, vector_store_id):
            if (found := await self._of_cut(cut, chunk, quote)) is not None:
                return found
        raise _no_passage(file_id, chunk)

    async def _cuts(self, owner: str, file_id: str, vector_store_id: str | None) -> list[VectorStoreFile]:
        where = {"file_id": file_id, "status": "completed"}
        page = await self._store.page(VectorStoreFile, None, scope=Scope(owner), where=where, limit=_MOST_STORES)
        cuts = [cut for cut in page.data if cut.chunk_set and vector_store_id in (None, cut.vector_store_id)]
        if not cuts:
            where_to = f"vector store '{vector_store_id[:MOST_OF_AN_ID]}'" if vector_store_id else "any vector store"
            raise NotFound(f"File '{file_id}' has no passages: it is not in {where_to}, or was not read yet.")
        return sorted(cuts, key=lambda cut: cut.created_at, reverse=True)

    async def _of_cut(self, cut: VectorStoreFile, chunk: int | None, quote: str | None) -> Around | None:
        number = chunk if chunk is not None else await self._number_of(cut, quote or "")
        if number is None or number >= cut.chunks:
            return None
        # A chunk's `seq` is one more than its number, so this begins with the one before it.
        near = await self._chunks(cut, after=number - 1 if number else None, limit=3 if number else 2)
        at = next((at for at, one in enumerate(near) if one.number == number), None)
        if at is None:
            return None
        around = [_passage(one, cut.filename) for one in near]
        return _around(around, at, quote, cut.vector_store_id)

    async def _number_of(self, cut: VectorStoreFile, quote: str) -> int | None:
        after = None
        while chunks := await self._chunks(cut, after=after, limit=_PAGE):
            for one in chunks:
                if place_of(quote, one.text):
                    return one.number
            after = chunks[-1].seq
        return None

    async def _chunks(self, cut: VectorStoreFile, *, after: int | None, limit: int) -> list[Chunk]:
        assert cut.chunk_set is not None
        scope = Scope(cut.owner)
        return (await self._store.page(Chunk, cut.chunk_set, scope=scope, after=after, limit=limit, order="asc")).data

    async def _there(self, file_id: str, chunk: int | None, quote: str | None) -> Around:
        if not quote and chunk is not None:
            quote = self._standing_files.found_there(file_id, chunk)
        told = await self._standing_files.text_there(file_id)
        if told is None:
            raise NotFound(f"No such File object: {file_id.replace(chr(0), '')[:MOST_OF_AN_ID]}", param="id")
        name, text = told
        if not quote:
            raise NotFound(
                "This file is kept by the model's server, which does not number passages. Give 'quote'.", param="quote"
            )
        place = place_of(quote, text)
        if place is None:
            raise _no_passage(file_id, None)
        start, end = place
        before, after = text[max(0, start - CONTEXT_CHARS) : start], text[end : end + CONTEXT_CHARS]
        return Around(file_id, name, None, None, None, (), text[start:end], start, end, before, after, (0, end - start))


def place_of(quote: str, text: str) -> tuple[int, int] | None:
    """Where a quote stands in a text, whatever the white space between its words; None where it does not."""
    words = quote[:_MOST_LOOKED_FOR].split()
    if not words:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), text)
    return None if found is None else found.span()


def _of_document(document: Document, chunk: int | None, quote: str | None) -> Around:
    cut = passages(document)
    if chunk is not None:
        at = chunk if chunk < len(cut) else None
    else:
        at = next((at for at, passage in enumerate(cut) if place_of(quote or "", passage.text)), None)
    if at is None:
        raise _no_passage(document.file_id, chunk)
    passage = cut[at]
    before = document.text[max(0, passage.start - CONTEXT_CHARS) : passage.start]
    after = document.text[passage.end : passage.end + CONTEXT_CHARS]
    return _told(passage, before, after, quote, None)


def _around(near: Sequence[Passage], at: int, quote: str | None, vector_store_id: str | None) -> Around:
    """The passage at this place with its neighbours, of which only what it does not hold itself is told."""
    passage = near[at]
    before = after = ""
    if at > 0:
        body = _body(near[at - 1])[: max(0, passage.start - near[at - 1].start)]
        before = (body + _between(near[at - 1], passage))[-CONTEXT_CHARS:]
    if at + 1 < len(near):
        body = _body(near[at + 1])[max(0, passage.end - near[at + 1].start) :]
        after = (_between(passage, near[at + 1]) + body)[:CONTEXT_CHARS]
    return _told(passage, before, after, quote, vector_store_id)


def _between(one: Passage, next_one: Passage) -> str:
    """What stands between two passages: white space, and headings, which no passage holds."""
    if next_one.start <= one.end:
        return ""
    if next_one.heading == one.heading or not next_one.heading:
        return "\n\n"
    return f"\n\n{'#' * len(next_one.heading)} {next_one.heading[-1]}\n\n"


def _told(passage: Passage, before: str, after: str, quote: str | None, vector_store_id: str | None) -> Around:
    return Around(
        passage.file_id,
        passage.filename,
        vector_store_id,
        passage.number,
        passage.page,
        passage.heading,
        passage.text,
        passage.start,
        passage.end,
        before,
        after,
        place_of(quote, passage.text) if quote else None,
    )


def _body(passage: Passage) -> str:
    """Without a header that was repeated."""
    return passage.text[len(passage.text) - (passage.end - passage.start) :]


def _passage(chunk: Chunk, filename: str) -> Passage:
    return Passage(chunk.file_id, filename, chunk.number, tuple(chunk.heading), chunk.text, chunk.start, chunk.end, chunk.page)


def _no_passage(file_id: str, chunk: int | None) -> NotFound:
    shown = file_id[:MOST_OF_AN_ID]
    if chunk is None:
        return NotFound(f"No passage of file '{shown}' holds this quote.", param="quote")
    return NotFound(f"No passage {chunk} found in file '{shown}'.", param="chunk")
