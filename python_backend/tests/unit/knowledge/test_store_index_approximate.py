"""Stores with more vectors than are compared one by one; here that is a few hundred."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest_asyncio

from tests.unit.knowledge.indexed import Indexed, open_indexed
from underpin.knowledge.filters import Comparison
from underpin.knowledge.store_index_approximate import build, load
from underpin.knowledge.store_index_folder import IndexFolder
from underpin.objects.vector_store import VectorStore

MOST_EXACT = 300
WORDS = [
    "clay", "sand", "gravel", "silt", "peat", "chalk", "marl", "loess", "till", "basalt", "granite", "gneiss", "slate", "schist",
]  # fmt: skip
LONG_S = 60


@pytest_asyncio.fixture
async def indexed(tmp_path: Path) -> AsyncIterator[Indexed]:
    async with open_indexed(tmp_path, most_exact=MOST_EXACT) as indexed:
        yield indexed


def texts(file: int) -> list[str]:
    random = np.random.default_rng(file)
    return [f"{' '.join(random.choice(WORDS, 4, replace=False))} {file} {n}" for n in range(50)]


async def filled(indexed: Indexed, files: int) -> VectorStore:
    store = await indexed.new_store()
    for file in range(files):
        await indexed.put(store, f"{file}.md", texts(file), attributes={"number": float(file)})
    return store


def approximate(indexed: Indexed, store: VectorStore) -> list[str]:
    return sorted(file.name for file in IndexFolder(indexed.folder, store.id).path.glob("approximate-*.faiss"))


async def built(indexed: Indexed, store: VectorStore) -> list[str]:
    """Wait for the index that is built in the background."""
    async with asyncio.timeout(LONG_S):
        await indexed.indexes.settled(store.id)
    return approximate(indexed, store)


async def best(indexed: Indexed, store: VectorStore, file: int, n: int = 7) -> str:
    found = await indexed.indexes.search(await indexed.now(store), texts(file)[n], limit=1)
    return found[0].passage.text


async def test_a_large_store_gets_an_approximate_index_and_finds_the_same(indexed: Indexed) -> None:
    store = await filled(indexed, 20)
    exact = [await best(indexed, store, file) for file in range(20)]
    assert exact == [texts(file)[7] for file in range(20)]
    assert await built(indexed, store) == ["approximate-1-1000.faiss"]
    assert [await best(indexed, store, file) for file in range(20)] == exact


async def test_what_came_after_it_was_built_is_found_too(indexed: Indexed) -> None:
    store = await filled(indexed, 8)
    await best(indexed, store, 0)
    await built(indexed, store)
    await indexed.put(store, "8.md", texts(8))
    assert await best(indexed, store, 8) == texts(8)[7]
    assert approximate(indexed, store) == ["approximate-1-400.faiss"]


async def test_it_grows_with_what_came_after(indexed: Indexed) -> None:
    store = await filled(indexed, 8)
    await best(indexed, store, 0)
    await built(indexed, store)
    for file in range(8, 13):
        await indexed.put(store, f"{file}.md", texts(file))
    await best(indexed, store, 0)
    assert await built(indexed, store) == ["approximate-1-650.faiss"]
    assert await best(indexed, store, 12) == texts(12)[7]


async def test_what_is_gone_is_not_found_in_it(indexed: Indexed) -> None:
    store = await indexed.new_store()
    files = [await indexed.put(store, f"{file}.md", texts(file)) for file in range(20)]
    await best(indexed, store, 0)
    await built(indexed, store)
    await indexed.take_out(files[3])
    names = await indexed.names(store, texts(3)[7], limit=50)
    assert "3.md" not in names
    assert len(names) == 50


async def test_a_filter_that_admits_few_is_searched_exactly_and_one_that_admits_many_finds_none_else(indexed: Indexed) -> None:
    store = await filled(indexed, 20)
    await best(indexed, store, 0)
    await built(indexed, store)
    few = await indexed.indexes.search(
        await indexed.now(store), texts(3)[7], limit=60, where=Comparison("in", "number", (3.0, 4.0))
    )
    assert {hit.passage.filename for hit in few} == {"3.md", "4.md"}
    assert len(few) == 60
    assert few[0].passage.text == texts(3)[7]
    many = await indexed.indexes.search(await indexed.now(store), texts(3)[7], limit=50, where=Comparison("gt", "number", 5.0))
    assert {hit.attributes["number"] for hit in many} <= {float(n) for n in range(6, 20)}
    assert len(many) == 50


async def test_it_is_built_again_when_its_file_is_gone(indexed: Indexed, tmp_path: Path) -> None:
    store = await filled(indexed, 8)
    await best(indexed, store, 0)
    (name,) = await built(indexed, store)
    (IndexFolder(indexed.folder, store.id).path / name).unlink()
    async with open_indexed(tmp_path, most_exact=MOST_EXACT) as second:
        assert await best(second, store, 3) == texts(3)[7]
        assert await built(second, store) == [name]


def test_most_of_the_exact_nearest_are_found(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    centres = random.normal(size=(60, 48))
    vectors = centres[random.integers(0, 60, 5000)] + 0.6 * random.normal(size=(5000, 48))
    vectors = np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
    assert build(vectors, tmp_path / "a.faiss", None, lambda: False)
    index = load(tmp_path / "a.faiss", 5000, 48)
    hits = 0
    for query in vectors[:100]:
        nearest = set(np.argsort(-(vectors @ query))[:10].tolist())
        hits += len(nearest & set(index.search(query, None, 10).tolist()))
    assert hits / 1000 > 0.9


def test_building_stops_when_it_is_told_to(tmp_path: Path) -> None:
    vectors = np.random.default_rng(5).normal(size=(2000, 16)).astype(np.float32)
    assert not build(vectors, tmp_path / "a.faiss", None, lambda: True)
    assert list(tmp_path.iterdir()) == []
