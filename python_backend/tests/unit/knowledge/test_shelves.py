"""Stores searched together by their ids: here, elsewhere, and the documents that come with the server."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from tests.unit.knowledge.indexed import ANN, Indexed, open_indexed
from underpin.errors import ModelUnreachable
from underpin.knowledge.base import EXAMPLES, Found, Passage
from underpin.knowledge.filters import Comparison, Filter
from underpin.knowledge.library import Library
from underpin.knowledge.shelves import StoreShelves
from underpin.knowledge.upstream_stores import RemoteShelf
from underpin.objects.vector_store import VectorStore
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store.base import EVERYONE

TODAY_S = 86_400


class FakeRemote:
    """A shelf elsewhere that finds what it was given, whatever is asked; no server."""

    def __init__(self, found: Sequence[Found] = (), names: Sequence[str] = (), error: Exception | None = None) -> None:
        self._found = found
        self._names = names
        self._error = error

    async def search(self, query: str, *, limit: int, where: Filter | None = None, threshold: float = 0.0) -> list[Found]:
        if self._error is not None:
            raise self._error
        return [hit for hit in self._found[:limit] if hit.score >= threshold]

    async def topics(self) -> list[str]:
        return list(self._names)


class FakeRemotes:
    """Shelves elsewhere by their ids."""

    def __init__(self, **shelves: FakeRemote) -> None:
        self._shelves = shelves

    def shelf(self, owner: str, vector_store_id: str) -> RemoteShelf | None:
        return self._shelves.get(vector_store_id)


def remote_hit(text: str, score: float) -> Found:
    return Found(Passage("file-there", "there.pdf", 0, (), text, 0, len(text)), score)


@pytest_asyncio.fixture
async def indexed(tmp_path: Path) -> AsyncIterator[Indexed]:
    async with open_indexed(tmp_path) as indexed:
        yield indexed


def shelves_of(indexed: Indexed, **remotes: FakeRemote) -> StoreShelves:
    return StoreShelves(indexed.vector_stores, indexed.indexes, Library(), FakeRemotes(**remotes))


async def test_the_examples_are_searched_until_a_store_holds_a_file(indexed: Indexed) -> None:
    shelves, store = shelves_of(indexed), await indexed.new_store()
    asked = [store.id, EXAMPLES]
    question = "What is the plasticity index?"
    found = await shelves.search(ANN, asked, question)
    assert {hit.passage.filename for hit in found} & {document.name for document in await Library().documents()}
    assert (await shelves.quotes(ANN, asked, question, found)).quotes
    assert await shelves.topics(ANN, asked) == await Library().topics()
    await indexed.put(store, "bridge.md", ["The bridge stands on twelve piles."])
    assert {hit.passage.filename for hit in await shelves.search(ANN, asked, question)} <= {"bridge.md"}
    assert await shelves.topics(ANN, asked) == ["bridge.md"]


async def test_files_that_are_still_being_read_are_counted_over_all_stores_here(indexed: Indexed) -> None:
    shelves, stores = shelves_of(indexed, vs_there=FakeRemote()), [await indexed.new_store(), await indexed.new_store()]
    asked = [*(store.id for store in stores), "vs_there", EXAMPLES]
    assert await shelves.being_read(ANN, asked) == 0
    for store in stores:
        file = await indexed.put(store, "bridge.md", ["The bridge stands on twelve piles."])
        await indexed.store.update(VectorStoreFile, file.id, {"status": "in_progress"}, scope=EVERYONE)
    assert await shelves.being_read(ANN, asked) == 2
    assert await shelves.being_read("someone-else", asked) == 0


async def test_the_examples_are_searched_only_where_they_are_asked_for(indexed: Indexed) -> None:
    shelves, store = shelves_of(indexed), await indexed.new_store()
    assert await shelves.search(ANN, [store.id], "plasticity index") == []
    assert (await shelves.quotes(ANN, [store.id], "plasticity index", [])).quotes == ()
    assert await shelves.topics(ANN, [store.id]) == []


async def test_examples_have_no_attributes_that_a_filter_could_admit(indexed: Indexed) -> None:
    shelves = shelves_of(indexed)
    assert await shelves.search(ANN, [EXAMPLES], "plasticity index", where=Comparison("eq", "year", 2020.0)) == []
    assert await shelves.search(ANN, [EXAMPLES], "plasticity index", where=Comparison("ne", "year", 2020.0))


async def test_stores_that_are_missing_foreign_or_expired_are_left_out(indexed: Indexed) -> None:
    shelves = shelves_of(indexed)
    foreign, expired, mine = [await indexed.new_store(owner=owner) for owner in ("bob", ANN, ANN)]
    for store, name in ((foreign, "foreign.md"), (expired, "expired.md"), (mine, "mine.md")):
        await indexed.put(store, name, ["Clay swells."])
    await indexed.store.update(VectorStore, expired.id, {"expires_at": 1}, scope=EVERYONE)
    found = await shelves.search(ANN, [foreign.id, expired.id, mine.id, "vs_nowhere"], "clay")
    assert [hit.passage.filename for hit in found] == ["mine.md"]


async def test_a_search_counts_as_a_use(indexed: Indexed) -> None:
    store = await indexed.new_store()
    await indexed.store.update(VectorStore, store.id, {"last_active_at": TODAY_S}, scope=EVERYONE)
    await shelves_of(indexed).search(ANN, [store.id], "clay")
    used = (await indexed.now(store)).last_active_at
    assert used is not None
    assert used > TODAY_S


async def test_what_is_found_elsewhere_takes_turns_with_what_is_found_here(indexed: Indexed) -> None:
    there = FakeRemote([remote_hit("Clay is there.", 0.3), remote_hit("Clay is also there.", 0.2)], ["there.pdf"])
    shelves, store = shelves_of(indexed, vs_there=there), await indexed.new_store()
    await indexed.put(store, "here.md", ["Clay swells.", "Clay shrinks."])
    found = await shelves.search(ANN, [store.id, "vs_there"], "clay")
    places = [hit.passage.filename for hit in found]
    assert sorted(places[:2]) == sorted(places[2:]) == ["here.md", "there.pdf"]
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    evidence = await shelves.quotes(ANN, [store.id, "vs_there"], "Is there clay?", found)
    assert {quote.passage.filename for quote in evidence.quotes} == {"here.md", "there.pdf"}
    assert await shelves.topics(ANN, [store.id, "vs_there", EXAMPLES]) == ["here.md", "there.pdf"]


async def test_a_store_elsewhere_with_files_ends_the_examples_too(indexed: Indexed) -> None:
    holds, empty = FakeRemote(names=["there.pdf"]), FakeRemote()
    shelves = shelves_of(indexed, vs_holds=holds, vs_empty=empty)
    assert await shelves.search(ANN, ["vs_holds", EXAMPLES], "plasticity index") == []
    assert await shelves.search(ANN, ["vs_empty", EXAMPLES], "plasticity index")


async def test_a_store_that_cannot_be_asked_is_an_error(indexed: Indexed) -> None:
    away = FakeRemote(error=ModelUnreachable("The model's server does not answer."))
    with pytest.raises(ModelUnreachable):
        await shelves_of(indexed, vs_away=away).search(ANN, ["vs_away", EXAMPLES], "clay")
