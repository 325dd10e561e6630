"""The passage behind a citation: by its number, by a quote, with what stands around it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.files.shelf import ANN, Shelf, open_shelf
from underpin.errors import NotFound
from underpin.knowledge.library import Library
from underpin.knowledge.passages import CONTEXT_CHARS, Passages, place_of
from underpin.knowledge.standing import Standing
from underpin.knowledge.standing_files import StandingFiles
from underpin.knowledge.store_files import StoreFiles, store_file_id
from underpin.knowledge.vector_stores import VectorStores
from underpin.objects.chunk import Chunk
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store.base import Scope

TEXT = "Clay 土 swells when wet. Sand drains. Peat shrinks as it dries. Rock 🪨 stays."
CUT = ((0, 23), (12, 36), (24, 62), (37, len(TEXT)))
"""Chunks that overlap, as they do."""


@dataclass
class House:
    shelf: Shelf
    passages: Passages

    async def cut(self, file_id: str, store_id: str, *, created_at: int = 1, header: str = "", text: str = TEXT) -> None:
        """As a reader leaves a file that it completed; `header` is repeated before each chunk but the first."""
        chunk_set = f"cs_{store_id}.1"
        await self.shelf.store.add(
            VectorStoreFile(
                id=store_file_id(store_id, file_id), owner=ANN, seq=1, created_at=created_at, vector_store_id=store_id,
                status="completed", file_id=file_id, filename="soil.pdf", chunk_set=chunk_set, chunks=len(CUT),
            )
        )  # fmt: skip
        for number, (start, end) in enumerate(CUT):
            shown = (header if number else "") + text[start:end]
            await self.shelf.store.add(
                Chunk(
                    id=f"{chunk_set}.{number}", owner=ANN, seq=number + 1, chunk_set=chunk_set, vector_store_id=store_id,
                    file_id=file_id, number=number, heading=["Soils"], text=shown, start=start, end=end, page=number // 2 + 1,
                )
            )  # fmt: skip


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_shelf(tmp_path) as shelf:
        standing = Standing(shelf.store, None, uploads=None, knowledge=None)
        await standing.begin()
        store_files = StoreFiles(shelf.store, shelf.files, VectorStores(shelf.store), lease_s=5)
        files = StandingFiles(standing, shelf.store, shelf.files, store_files, None)
        yield House(shelf, Passages(shelf.store, shelf.files, Library(), files))


async def test_a_number_gives_the_passage_and_only_what_it_does_not_hold_around_it(house):
    file_id = await house.shelf.file()
    await house.cut(file_id, "vs_a")
    for number, (start, end) in enumerate(CUT):
        found = await house.passages.around(ANN, file_id, chunk=number, quote=None)
        assert (found.chunk, found.text, found.start, found.end) == (number, TEXT[start:end], start, end)
        assert found.before + found.text + found.after == TEXT[CUT[max(0, number - 1)][0] : CUT[min(3, number + 1)][1]]
        assert (found.page, found.heading, found.filename, found.vector_store_id) == (
            number // 2 + 1, ("Soils",), "soil.pdf", "vs_a",
        )  # fmt: skip
        assert found.highlight is None


async def test_a_header_that_was_repeated_is_not_told_as_what_stands_around(house):
    file_id = await house.shelf.file()
    await house.cut(file_id, "vs_a", header="| soil |\n")
    found = await house.passages.around(ANN, file_id, chunk=2, quote=None)
    assert found.text == "| soil |\n" + TEXT[24:62]
    assert (found.before, found.after) == (TEXT[12:24], TEXT[62:])


async def test_a_heading_between_two_passages_is_told(house):
    file_id = await house.shelf.file()
    chunk_set = "cs_vs_a.1"
    await house.cut(file_id, "vs_a")
    for number, heading in ((0, ["Soils"]), (1, ["Soils", "Sand"])):
        changes = {"start": number * 100, "end": number * 100 + 10, "text": f"Text of {number}.", "heading": heading}
        await house.shelf.store.update(Chunk, f"{chunk_set}.{number}", changes, scope=Scope(ANN))
    assert (await house.passages.around(ANN, file_id, chunk=0, quote=None)).after == "\n\n## Sand\n\nText of 1."
    assert (await house.passages.around(ANN, file_id, chunk=1, quote=None)).before == "Text of 0.\n\n## Sand\n\n"


async def test_a_quote_finds_the_first_passage_that_holds_it(house):
    file_id = await house.shelf.file()
    await house.cut(file_id, "vs_a")
    found = await house.passages.around(ANN, file_id, chunk=None, quote="Peat \n shrinks")
    assert found.chunk == 2
    assert found.highlight is not None
    start, end = found.highlight
    assert found.text[start:end] == "Peat shrinks"
    both = await house.passages.around(ANN, file_id, chunk=3, quote="Rock 🪨")
    assert both.highlight == (TEXT.index("Rock") - 37, TEXT.index("Rock") - 37 + 6)


async def test_a_file_of_several_stores_is_read_as_the_newest_has_it_or_the_one_that_is_named(house):
    file_id = await house.shelf.file()
    await house.cut(file_id, "vs_old", created_at=1)
    await house.cut(file_id, "vs_new", created_at=2)
    assert (await house.passages.around(ANN, file_id, chunk=0, quote=None)).vector_store_id == "vs_new"
    found = await house.passages.around(ANN, file_id, chunk=0, quote=None, vector_store_id="vs_old")
    assert found.vector_store_id == "vs_old"
    with pytest.raises(NotFound, match="not in vector store 'vs_none'"):
        await house.passages.around(ANN, file_id, chunk=0, quote=None, vector_store_id="vs_none")


async def test_what_is_not_there_or_somebody_elses_is_not_found(house):
    file_id = await house.shelf.file()
    with pytest.raises(NotFound, match="not in any vector store, or was not read yet"):
        await house.passages.around(ANN, file_id, chunk=0, quote=None)
    await house.cut(file_id, "vs_a")
    for owner, named, chunk, quote in (
        (ANN, file_id, 4, None),
        (ANN, file_id, 999_999_999, None),
        (ANN, file_id, None, "Basalt"),
        (ANN, file_id, None, "  "),
        (ANN, "file-none", 0, None),
        (ANN, "file\0none", 0, None),
        ("bob", file_id, 0, None),
    ):
        with pytest.raises(NotFound):
            await house.passages.around(owner, named, chunk=chunk, quote=quote)


async def test_a_shipped_document_is_read_the_same_way(house):
    library = Library()
    [hit] = await library.search("undrained shear strength of clay", limit=1)
    passage = hit.passage
    found = await house.passages.around(ANN, passage.file_id, chunk=passage.number, quote=None)
    assert (found.text, found.heading, found.filename) == (passage.text, passage.heading, passage.filename)
    assert 0 < len(found.before + found.after) <= 2 * CONTEXT_CHARS
    again = await house.passages.around(ANN, passage.file_id, chunk=None, quote=passage.text)
    assert again.chunk == passage.number
    with pytest.raises(NotFound, match="No passage 9999 found"):
        await house.passages.around(ANN, passage.file_id, chunk=9999, quote=None)


@pytest.mark.parametrize(
    ("quote", "text", "place"),
    [
        ("a b", "x a\n\n b", (2, 7)), ("a.c", "abc a.c", (4, 7)), ("", "x", None), (" \n", "x", None), ("(", "f(x)", (1, 2)),
        ("🪨", "a🪨", (1, 2)), ("a b", "ab", None),
    ],
)  # fmt: skip
def test_a_quote_is_found_whatever_the_white_space(quote, text, place):
    assert place_of(quote, text) == place
