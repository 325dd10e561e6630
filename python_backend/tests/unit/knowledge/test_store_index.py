"""The index of a vector store on this host: what is found, when, and through which filters."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.unit.knowledge.indexed import ANN, FakeEmbedder, Indexed, blocks_of, open_indexed
from underpin.embedding.minilm import MiniLM
from underpin.knowledge.filters import Comparison
from underpin.knowledge.store_index_folder import IndexFolder
from underpin.objects.vector_store import VectorStore
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store.base import EVERYONE

SOILS = ["Clay swells when it is wet.", "Sand drains quickly.", "Peat burns and settles."]


@pytest_asyncio.fixture
async def indexed(tmp_path: Path) -> AsyncIterator[Indexed]:
    async with open_indexed(tmp_path) as indexed:
        yield indexed


async def test_a_file_is_found_at_the_first_search_after_it_completed(indexed: Indexed) -> None:
    store = await indexed.new_store()
    assert await indexed.names(store, "clay") == []
    await indexed.put(store, "soils.md", SOILS)
    assert (await indexed.names(store, "Which soil swells?"))[0] == "soils.md"
    await indexed.put(store, "rocks.md", ["Basalt is a dark rock."])
    assert (await indexed.names(store, "dark basalt"))[0] == "rocks.md"


async def test_a_passage_says_where_it_stands(indexed: Indexed) -> None:
    store = await indexed.new_store()
    file = await indexed.put(store, "soils.pdf", [f"Layer {n} is clay." for n in range(12)], heading=["Site", "Borehole"])
    found = await indexed.indexes.search(await indexed.now(store), "layer 11", limit=1)
    passage = found[0].passage
    assert (passage.file_id, passage.filename, passage.number, passage.page) == (file.file_id, "soils.pdf", 11, 2)
    assert (passage.heading, passage.text) == (("Site", "Borehole"), "Layer 11 is clay.")
    assert passage.end - passage.start == len(passage.text)


async def test_a_file_that_was_taken_out_is_found_no_more(indexed: Indexed) -> None:
    store = await indexed.new_store()
    await indexed.put(store, "soils.md", SOILS)
    rocks = await indexed.put(store, "rocks.md", ["Basalt is a dark rock."])
    assert "rocks.md" in await indexed.names(store, "basalt")
    await indexed.take_out(rocks)
    assert "rocks.md" not in await indexed.names(store, "basalt")


async def test_a_file_that_was_put_in_again_is_found_as_it_is_now(indexed: Indexed) -> None:
    store = await indexed.new_store()
    await indexed.put(store, "soils.md", ["Clay swells."])
    await indexed.names(store, "clay")
    await indexed.put(store, "soils.md", ["Gravel does not swell."])
    texts = [hit.passage.text for hit in await indexed.indexes.search(await indexed.now(store), "what swells", limit=10)]
    assert texts == ["Gravel does not swell."]


async def test_most_files_gone_leaves_no_dead_vectors_behind(indexed: Indexed) -> None:
    store = await indexed.new_store()
    files = [await indexed.put(store, f"{n}.md", [f"Report {n} says {word}." for word in ("one", "two")]) for n in range(9)]
    await indexed.names(store, "report")
    folder = IndexFolder(indexed.folder, store.id)
    first = folder.vectors_file(1).stat().st_size
    for file in files[:6]:
        await indexed.take_out(file)
    assert set(await indexed.names(store, "report")) == {"6.md", "7.md", "8.md"}
    assert [path.stat().st_size for path in folder.path.glob("vectors-*")] == [first // 3]
    assert (await indexed.names(store, "report 7 says two"))[0] == "7.md"


async def test_a_search_sees_only_files_whose_attributes_are_admitted(indexed: Indexed) -> None:
    store = await indexed.new_store()
    for year in range(2000, 2020):
        await indexed.put(store, f"{year}.md", ["The annual report of the bridge."], attributes={"year": float(year)})
    asked = Comparison("gte", "year", 2018.0)
    assert set(await indexed.names(store, "annual report", where=asked)) == {"2018.md", "2019.md"}
    assert await indexed.names(store, "annual report", where=Comparison("eq", "year", 1999.0)) == []
    file = await indexed.store.get(VectorStoreFile, (await _file(indexed, store, "2018.md")).id, scope=EVERYONE)
    await indexed.store.update(VectorStoreFile, file.id, {"attributes": {"year": 1990.0}}, scope=EVERYONE)
    await indexed.changed(store)
    assert await indexed.names(store, "annual report", where=asked) == ["2019.md"]


async def _file(indexed: Indexed, store: VectorStore, name: str) -> VectorStoreFile:
    page = await indexed.store.page(VectorStoreFile, store.id, scope=EVERYONE, limit=100)
    return next(file for file in page.data if file.filename == name)


async def test_scores_fall_with_the_rank_and_none_is_below_the_threshold(indexed: Indexed) -> None:
    store = await indexed.new_store()
    await indexed.put(store, "soils.md", [*SOILS, *(f"Note {n} on {word}." for n, word in enumerate(["clay", "sand"] * 20))])
    found = await indexed.indexes.search(await indexed.now(store), "clay that swells when wet", limit=20)
    scores = [hit.score for hit in found]
    assert scores == sorted(scores, reverse=True)
    assert 1 >= scores[0] > scores[-1] >= 0
    middle = scores[3]
    kept = await indexed.indexes.search(await indexed.now(store), "clay that swells when wet", limit=20, threshold=middle)
    assert [hit.score for hit in kept] == [score for score in scores if score >= middle]


async def test_copies_of_a_page_come_behind_everything_else(indexed: Indexed) -> None:
    store = await indexed.new_store()
    for n in range(5):
        await indexed.put(store, f"copy {n}.md", ["Piles carry the load of the bridge."])
    await indexed.put(store, "other.md", ["The load of the bridge was measured."])
    found = await indexed.indexes.search(await indexed.now(store), "piles load bridge", limit=3)
    assert len({hit.passage.text for hit in found[:2]}) == 2
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


async def test_several_stores_are_searched_as_one(indexed: Indexed) -> None:
    one, other = await indexed.new_store(), await indexed.new_store()
    await indexed.put(one, "soils.md", SOILS)
    await indexed.put(other, "rocks.md", ["Basalt is a dark rock.", "Clay becomes shale."])
    both = [await indexed.now(one), await indexed.now(other)]
    found = await indexed.indexes.search(both, "clay")
    assert {hit.passage.filename for hit in found[:2]} == {"soils.md", "rocks.md"}
    assert sum("Clay" in hit.passage.text for hit in found[:2]) == 2


async def test_searches_of_many_stores_at_once_embed_a_question_once(indexed: Indexed) -> None:
    stores = [await indexed.new_store() for _ in range(4)]
    for store in stores:
        await indexed.put(store, "soils.md", SOILS)
    await asyncio.gather(*[indexed.names(store, "clay") for store in stores])
    embedder = indexed.embedders["fake-words"]
    assert isinstance(embedder, FakeEmbedder)
    assert embedder.asked == 1


async def test_no_more_indexes_are_held_open_than_allowed(tmp_path: Path) -> None:
    async with open_indexed(tmp_path, most_open=2) as indexed:
        stores = [await indexed.new_store() for _ in range(5)]
        for store in stores:
            await indexed.put(store, "soils.md", SOILS)
            assert await indexed.names(store, "clay")
        assert len(indexed.indexes.held_open) == 2
        for store in stores:
            assert await indexed.names(store, "clay")


async def test_another_embedder_takes_over_when_the_store_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    old, new = FakeEmbedder("old", 32), FakeEmbedder("new", 48)
    async with open_indexed(tmp_path, old, new) as indexed:
        store = await indexed.new_store("old")
        file = await indexed.put(store, "soils.md", SOILS)
        assert await indexed.names(store, "clay")
        assert (old.asked, new.asked) == (1, 0)
        await indexed.store.add_many(await blocks_of(file, SOILS, new))
        await indexed.changed(store, embedder="new")
        assert await indexed.names(store, "peat")
        assert (old.asked, new.asked) == (1, 1)


async def test_words_alone_are_searched_when_the_embedder_cannot_be_had(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_indexed(tmp_path) as indexed:
        store = await indexed.new_store()
        await indexed.put(store, "soils.md", SOILS)
        indexed.embedders.clear()
        for _ in range(3):
            found = await indexed.indexes.search(await indexed.now(store), "clay")
            assert [hit.passage.text for hit in found] == [SOILS[0]]
    assert sum("by words alone" in record.message for record in caplog.records) == 1


async def test_words_alone_are_searched_when_the_embedder_was_changed_under_its_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_indexed(tmp_path) as indexed:
        store = await indexed.new_store()
        await indexed.put(store, "soils.md", SOILS)
        indexed.embedders["fake-words"] = FakeEmbedder(dimensions=32)
        for question in ("clay", "wet clay"):
            found = await indexed.indexes.search(await indexed.now(store), question)
            assert [hit.passage.text for hit in found] == [SOILS[0]]
    assert sum("its model was changed" in record.message for record in caplog.records) == 1


async def test_the_titles_of_the_documents_are_its_topics(indexed: Indexed) -> None:
    store = await indexed.new_store()
    await indexed.put(store, "b.md", SOILS, heading=["Soils of the north"])
    await indexed.put(store, "a.txt", ["No heading."])
    assert await indexed.indexes.topics([await indexed.now(store)]) == ["a.txt", "Soils of the north"]


async def test_quotes_know_the_words_and_short_forms_of_all_documents(indexed: Indexed) -> None:
    store = await indexed.new_store()
    await indexed.put(store, "a.md", ["The standard penetration test (SPT) counts blows."])
    await indexed.put(store, "b.md", ["An SPT value of 30 means dense sand.", *(f"Sand {n}." for n in range(20))])
    found = await indexed.indexes.search(await indexed.now(store), "standard penetration test value of dense sand")
    evidence = await indexed.indexes.quotes(
        [await indexed.now(store)], "Which standard penetration test value means dense sand, and which zirconium?", found
    )
    assert evidence.quotes[0].text == "An SPT value of 30 means dense sand."
    assert evidence.unknown == ("zirconium",)


async def test_an_index_is_forgotten_with_its_store(indexed: Indexed) -> None:
    gone, kept = await indexed.new_store(), await indexed.new_store()
    for store in (gone, kept):
        await indexed.put(store, "soils.md", SOILS)
        await indexed.names(store, "clay")
    await indexed.indexes.forget(gone.id)
    assert {path.name for path in indexed.folder.iterdir()} == {kept.id}
    await indexed.vector_stores.delete(ANN, kept.id)
    await indexed.indexes.sweep()
    assert list(indexed.folder.iterdir()) == []


async def test_a_question_in_other_words_is_found_with_the_model_that_comes_along(tmp_path: Path) -> None:
    model = MiniLM(1)
    try:
        async with open_indexed(tmp_path, model) as indexed:
            store = await indexed.new_store(model.name)
            texts = ["The vehicle was repaired in the garage.", "The recipe needs two eggs.", "Granite is an igneous rock."]
            await indexed.put(store, "notes.md", texts)
            found = await indexed.indexes.search(await indexed.now(store), "Who fixed my car?", limit=1)
            assert found[0].passage.text == texts[0]
    finally:
        await model.close()


async def test_a_heading_inside_a_passage_counts_for_what_stands_under_it(indexed: Indexed) -> None:
    store = await indexed.new_store()
    parts = [f"## {name}\n\nThe depth is {depth} m." for name, depth in (("Pier", 4), ("Abutment", 9), ("Anchor", 7))]
    await indexed.put(store, "bridge.md", ["\n\n".join(parts)])
    now = [await indexed.now(store)]
    question = "What is the depth of the abutment?"
    evidence = await indexed.indexes.quotes(now, question, await indexed.indexes.search(now, question))
    assert evidence.quotes[0].text == "The depth is 9 m."
