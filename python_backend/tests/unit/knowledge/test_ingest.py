"""Reading files into vector stores: each ends once, whatever becomes of its reader, its store or itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.watched_store import Call
from tests.unit.files.shelf import ANN
from tests.unit.knowledge.reading import WITHIN_S, Reader, ToldEmbedder, as_text, open_reader
from underpin.errors import EmbeddingFailed, NotFound, StoreUnavailable
from underpin.knowledge import ingest_attempt
from underpin.knowledge.ingest_claims import ATTEMPTS
from underpin.knowledge.store_files import NewFile
from underpin.objects.chunk import VectorBlock, vectors_of
from underpin.objects.file import File
from underpin.objects.vector_store import VectorStore
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.parsing.base import Parsed, Unparsable
from underpin.store.base import EVERYONE


@pytest_asyncio.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    async with open_reader(tmp_path) as reader:
        yield reader


class Gate:
    """Whoever comes is counted, and waits until it is opened."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self.came = asyncio.Event()

    def open(self) -> None:
        self._open.set()

    async def __call__(self, path: Path) -> Parsed:
        await self.wait()
        return await as_text(path)

    async def wait(self) -> None:
        self.came.set()
        await self._open.wait()


async def test_a_file_becomes_chunks_and_vectors(reader: Reader) -> None:
    store_id, file_id = await reader.added("# Soil\n\n" + "Clay swells in water. " * 40)
    file = await reader.ended(store_id, file_id)
    assert (file.status, file.last_error, file.worker, file.attempt) == ("completed", None, None, 1)
    chunks = (await reader.house.files.chunks(file)).data
    assert len(chunks) == file.chunks == 1
    assert (chunks[0].heading, chunks[0].file_id) == (["Soil"], file_id)
    assert file.chunk_set is not None
    parent = vectors_of(file.chunk_set, "m1")
    [block] = (await reader.house.shelf.store.page(VectorBlock, parent, scope=EVERYONE, order="asc")).data
    assert block.dimensions == 2
    assert set(block.numbers) == {0}
    assert len(block.numbers) == len(reader.embedder.texts) > 1
    assert all(text.startswith("Soil\n") and len(text) <= 100 for text in reader.embedder.texts)
    assert file.usage_bytes == len(chunks[0].text.encode()) + len(block.numbers) * 4
    store = await reader.house.stores.get(ANN, store_id)
    assert store.embedder == "m1"
    assert (await reader.house.counts(store_id)).completed == 1


async def test_text_that_a_chunk_repeats_is_embedded_once(reader: Reader) -> None:
    words = [f"word{number}" for number in range(3000)]
    text = "# Title\n\n" + "\n\n".join(" ".join(words[at : at + 20]) + "." for at in range(0, len(words), 20))
    store_id, file_id = await reader.added(text)
    file = await reader.ended(store_id, file_id)
    assert file.chunks > 5
    embedded = " ".join(reader.embedder.texts).replace(".", "").split()
    assert [word for word in embedded if word.startswith("word")] == words


async def test_a_copy_for_reading_does_not_stay(reader: Reader, tmp_path: Path) -> None:
    store_id, file_id = await reader.added()
    await reader.ended(store_id, file_id)
    assert [path for path in (tmp_path / "reading").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("code", ["invalid_file", "unsupported_file"])
async def test_a_file_that_cannot_be_read_fails_with_its_sentence(reader: Reader, code) -> None:
    async def refuse(path: Path) -> Parsed:
        raise Unparsable(code, "It is locked. Remove its password.")

    reader.parser.do = refuse
    store_id, file_id = await reader.added()
    file = await reader.ended(store_id, file_id)
    assert file.last_error is not None
    assert (file.status, file.last_error.code, file.last_error.message) == ("failed", code, "It is locked. Remove its password.")
    assert len(reader.parser.asked) == 1
    assert (await reader.house.counts(store_id)).failed == 1


async def test_what_may_work_later_is_tried_a_few_times(reader: Reader) -> None:
    async def away() -> None:
        raise EmbeddingFailed("The embedder is away.", retryable=True)

    reader.embedder.before = away
    store_id, file_id = await reader.added()
    file = await reader.ended(store_id, file_id)
    assert file.last_error is not None
    assert (file.status, file.last_error.code, file.last_error.message) == ("failed", "server_error", "The embedder is away.")
    assert len(reader.parser.asked) == ATTEMPTS == file.attempt
    assert await reader.house.chunks_and_blocks() == (0, 0)


async def test_an_embedder_that_comes_back_completes_the_file(reader: Reader) -> None:
    async def away_once() -> None:
        reader.embedder.before = None
        raise EmbeddingFailed("The embedder is away.", retryable=True)

    reader.embedder.before = away_once
    store_id, file_id = await reader.added()
    file = await reader.ended(store_id, file_id)
    assert (file.status, file.attempt, file.last_error) == ("completed", 2, None)
    assert await reader.house.chunks_and_blocks() == (1, 1)


async def test_an_embedder_that_refuses_is_not_asked_again(reader: Reader) -> None:
    async def refuse() -> None:
        raise EmbeddingFailed("The key is wrong.", retryable=False)

    reader.embedder.before = refuse
    store_id, file_id = await reader.added()
    assert (await reader.ended(store_id, file_id)).attempt == 1


async def test_a_mistake_of_the_servers_is_told_without_its_words(reader: Reader) -> None:
    async def break_down(path: Path) -> Parsed:
        raise RuntimeError("secret")

    reader.parser.do = break_down
    store_id, file_id = await reader.added()
    file = await reader.ended(store_id, file_id)
    assert file.last_error is not None
    assert "mistake" in file.last_error.message
    assert "secret" not in file.last_error.message


async def test_too_much_text_is_refused(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_attempt, "MOST_TOKENS", 10)
    store_id, file_id = await reader.added("word " * 20)
    file = await reader.ended(store_id, file_id)
    assert file.last_error is not None
    assert (file.last_error.code, "25 tokens" in file.last_error.message) == ("invalid_file", True)


async def test_no_more_are_read_at_once_than_was_set(reader: Reader) -> None:
    gate = reader.parser.do = Gate()
    store = await reader.house.one()
    ids = [await reader.house.shelf.file(b"Clay.") for _ in range(5)]
    await reader.house.files.add_all(ANN, store.id, [NewFile(file_id) for file_id in ids])
    await asyncio.wait_for(gate.came.wait(), WITHIN_S)
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert len(reader.parser.asked) == 2
    gate.open()
    for file_id in ids:
        assert (await reader.ended(store.id, file_id)).status == "completed"


async def test_a_file_alone_does_not_wait_for_a_batch(tmp_path: Path) -> None:
    async with open_reader(tmp_path, at_once=1) as reader:
        gate = reader.parser.do = Gate()
        store = await reader.house.one()
        batch = [await reader.house.shelf.file(b"Clay.") for _ in range(5)]
        await reader.house.files.add_all(ANN, store.id, [NewFile(file_id) for file_id in batch])
        await asyncio.wait_for(gate.came.wait(), WITHIN_S)
        alone = await reader.house.shelf.file(b"Sand.", filename="alone.txt")
        await reader.house.files.add(ANN, store.id, alone)
        gate.open()
        await reader.ended(store.id, alone)
        assert reader.parser.asked.index("alone.txt") == 1


async def test_a_file_that_is_taken_out_while_it_is_read_leaves_nothing(tmp_path: Path) -> None:
    async with open_reader(tmp_path, lease_s=0.3) as reader:
        gate = Gate()
        reader.embedder.before = gate.wait
        store_id, file_id = await reader.added()
        await asyncio.wait_for(gate.came.wait(), WITHIN_S)
        await reader.house.files.remove(ANN, store_id, file_id)
        await reader.idle()
        gate.open()
        with pytest.raises(NotFound):
            await reader.house.files.get(ANN, store_id, file_id)
        await asyncio.sleep(0.35)  # the leftover's time
        await reader.sweep.sweep()
        assert await reader.house.chunks_and_blocks() == (0, 0)
        assert (await reader.house.counts(store_id)).total == 0


async def test_a_cancelled_batch_gives_up_what_is_being_read(tmp_path: Path) -> None:
    async with open_reader(tmp_path, lease_s=0.3) as reader:
        gate = Gate()
        reader.embedder.before = gate.wait
        store = await reader.house.one()
        ids = [await reader.house.shelf.file(b"Clay.") for _ in range(4)]
        batch = await reader.house.batches.create(ANN, store.id, [NewFile(file_id) for file_id in ids])
        await asyncio.wait_for(gate.came.wait(), WITHIN_S)
        cancelled = await reader.house.batches.cancel(ANN, store.id, batch.id)
        assert (cancelled.status, cancelled.file_counts.cancelled) == ("cancelled", 4)
        await reader.idle()
        gate.open()
        await asyncio.sleep(0.35)
        await reader.sweep.sweep()
        for file_id in ids:
            assert (await reader.ended(store.id, file_id)).status == "cancelled"
        assert await reader.house.chunks_and_blocks() == (0, 0)


async def test_a_deleted_file_is_not_read(reader: Reader) -> None:
    gate = reader.parser.do = Gate()
    store_id, file_id = await reader.added()
    await asyncio.wait_for(gate.came.wait(), WITHIN_S)
    going = {"state": "going", "lease_until": reader.house.shelf.store.now()}  # and no more, for the moment
    await reader.house.shelf.store.update(File, file_id, going, scope=EVERYONE)
    gate.open()
    file = await reader.ended(store_id, file_id)
    assert file.last_error is not None
    assert (file.status, file.last_error.code) == ("failed", "invalid_file")
    assert await reader.house.chunks_and_blocks() == (0, 0)
    await reader.house.shelf.sweep.sweep(at_start=True)
    with pytest.raises(NotFound):
        await reader.house.files.get(ANN, store_id, file_id)


async def test_a_reader_that_stops_hands_back_and_it_counts_for_nothing(tmp_path: Path) -> None:
    for _ in range(ATTEMPTS + 1):
        async with open_reader(tmp_path) as reader:
            gate = reader.parser.do = Gate()
            if not reader.parser.asked:
                stores = (await reader.house.shelf.store.page(VectorStoreFile, None, scope=EVERYONE)).data
                store_id, file_id = (stores[0].vector_store_id, stores[0].file_id) if stores else await reader.added()
            await asyncio.wait_for(gate.came.wait(), WITHIN_S)
    async with open_reader(tmp_path) as last:
        file = await last.ended(store_id, file_id)
        assert (file.status, file.handed_back, file.attempt) == ("completed", ATTEMPTS + 1, ATTEMPTS + 2)
        assert await last.house.chunks_and_blocks() == (1, 1)


async def test_a_file_whose_reader_died_is_read_again_a_few_times(tmp_path: Path) -> None:
    async with open_reader(tmp_path, start=False) as reader:
        store_id, file_id = await reader.added()
        for attempt in range(1, ATTEMPTS + 1):
            file = await reader.house.files.get(ANN, store_id, file_id)
            claimed = await reader.claims.take(file)
            assert claimed is not None
            assert claimed.attempt == attempt
            await reader.house.write(claimed, attempt)
            dead = {"worker": "worker_dead", "due": reader.house.shelf.store.now() - 1}
            await reader.house.shelf.store.update(VectorStoreFile, file.id, dead, scope=EVERYONE)
        assert await reader.house.chunks_and_blocks() == (ATTEMPTS, ATTEMPTS)
        reader.ingest.start()
        file = await reader.ended(store_id, file_id)
        assert file.last_error is not None
        assert (file.status, "stopped 3 times" in file.last_error.message) == ("failed", True)
        assert await reader.house.chunks_and_blocks() == (0, 0)


async def test_what_an_attempt_left_that_died_never_counts(tmp_path: Path) -> None:
    async with open_reader(tmp_path, start=False) as reader:
        store_id, file_id = await reader.added()
        claimed = await reader.claims.take(await reader.house.files.get(ANN, store_id, file_id))
        assert claimed is not None
        await reader.house.write(claimed, 1, text="Half of it")
        gone = {"worker": "worker_of_nobody"}
        await reader.house.shelf.store.update(VectorStoreFile, claimed.id, gone, scope=EVERYONE)
        assert await reader.claims.waiting() == []
        await reader.sweep.start()  # the host knows that nobody of this name lives
        reader.ingest.start()
        file = await reader.ended(store_id, file_id)
        assert (file.status, file.attempt) == ("completed", 2)
        assert [chunk.text for chunk in (await reader.house.files.chunks(file)).data] == ["Clay swells."]
        assert await reader.house.chunks_and_blocks() == (1, 1)


async def test_a_worker_that_came_back_from_the_dead_changes_nothing(tmp_path: Path) -> None:
    async with open_reader(tmp_path, start=False) as reader:
        store_id, file_id = await reader.added()
        late = await reader.claims.take(await reader.house.files.get(ANN, store_id, file_id))
        assert late is not None
        back = {"worker": None, "due": reader.house.shelf.store.now() - 1}
        await reader.house.shelf.store.update(VectorStoreFile, late.id, back, scope=EVERYONE)
        reader.ingest.start()
        done = await reader.ended(store_id, file_id)
        assert not await reader.claims.renew(late)
        assert not await reader.claims.complete(late, ingest_attempt.Made(9, 9))
        assert await reader.house.files.get(ANN, store_id, file_id) == done


WRITES = 12


@pytest.mark.parametrize("write", range(1, WRITES + 1))
async def test_a_store_that_goes_away_behind_any_write_costs_no_file(tmp_path: Path, write: int) -> None:
    async with open_reader(tmp_path, lease_s=0.3) as reader:
        writes = 0

        async def away(call: Call, do):
            nonlocal writes
            writes += call.writes
            answer = await do()
            if call.writes and writes == write:
                raise StoreUnavailable("The database does not answer.")
            return answer

        store = await reader.house.one()
        ids = [await reader.house.shelf.file(b"Clay swells.") for _ in range(2)]
        await reader.house.files.add_all(ANN, store.id, [NewFile(file_id) for file_id in ids])
        reader.house.shelf.store.watcher = away
        for file_id in ids:
            async with asyncio.timeout(WITHIN_S):
                while (await reader.house.files.get(ANN, store.id, file_id)).due is not None:
                    await asyncio.sleep(0.02)
                    await reader.sweep.sweep() if writes >= write else None
            assert (await reader.house.files.get(ANN, store.id, file_id)).status == "completed"
        assert await reader.house.chunks_and_blocks() == (2, 2)
        reader.house.stores._recent.forget(store.id)
        assert (await reader.house.counts(store.id)).completed == 2


async def test_a_deleted_store_takes_all_with_it(reader: Reader) -> None:
    store_id, file_id = await reader.added()
    await reader.ended(store_id, file_id)
    batch = await reader.house.batches.create(ANN, store_id, [NewFile(await reader.house.shelf.file(b"Sand."))])
    await reader.house.stores.delete(ANN, store_id)
    await reader.sweep.sweep()
    await reader.idle()
    await reader.sweep.sweep()
    for kind in (VectorStore, VectorStoreFile):
        assert (await reader.house.shelf.store.page(kind, None, scope=EVERYONE)).data == []
    with pytest.raises(NotFound):
        await reader.house.batches.get(ANN, store_id, batch.id)
    assert (await reader.house.shelf.files.get(ANN, file_id)).id == file_id


async def test_an_expired_store_is_emptied_and_told(reader: Reader) -> None:
    store_id, file_id = await reader.added()
    await reader.ended(store_id, file_id)
    await reader.house.shelf.store.update(VectorStore, store_id, {"expires_at": 1}, scope=EVERYONE)
    await reader.sweep.sweep()
    await reader.sweep.sweep()
    store = await reader.house.stores.counted(await reader.house.stores.get(ANN, store_id))
    assert (store.status, store.file_counts.total, store.due) == ("expired", 0, None)
    assert await reader.house.chunks_and_blocks() == (0, 0)


async def test_another_embedder_takes_over_when_all_is_there(tmp_path: Path) -> None:
    async with open_reader(tmp_path) as reader:
        store_id, file_id = await reader.added("Clay. " * 40_000)
        old = await reader.ended(store_id, file_id)
        generation = (await reader.house.stores.get(ANN, store_id)).generation
    gate = Gate()
    async with open_reader(tmp_path, embedder=ToldEmbedder("m2", before=gate.wait)) as reader:
        await reader.sweep.start()
        await reader.sweep.sweep()
        await asyncio.wait_for(gate.came.wait(), WITHIN_S)
        assert (await reader.house.stores.get(ANN, store_id)).embedder == "m1"
        gate.open()
        await reader.reembedding.wait()
        store = await reader.house.stores.get(ANN, store_id)
        assert (store.embedder, store.generation, store.due) == ("m2", generation + 1, None)
        file = await reader.house.files.get(ANN, store_id, file_id)
        assert (file.chunk_set, file.embedder, file.embedders) == (old.chunk_set, "m2", ["m2"])
        assert file.chunk_set is not None
        parent = vectors_of(file.chunk_set, "m2")
        new = (await reader.house.shelf.store.page(VectorBlock, parent, scope=EVERYONE, order="asc")).data
        assert len(new) > 1
        assert sorted({number for block in new for number in block.numbers}) == list(range(file.chunks))
        assert (await reader.house.chunks_and_blocks())[1] == len(new)


async def test_embedding_again_goes_on_where_a_dead_worker_was(tmp_path: Path) -> None:
    async with open_reader(tmp_path) as reader:
        store_id, file_id = await reader.added()
        await reader.ended(store_id, file_id)

    async def refuse() -> None:
        raise EmbeddingFailed("Away.", retryable=True)

    async with open_reader(tmp_path, embedder=ToldEmbedder("m2", before=refuse)) as reader:
        store = await reader.house.stores.get(ANN, store_id)
        await reader.house.stores.touch(store)  # a search comes by
        await reader.sweep.sweep()
        await reader.reembedding.wait()
        store = await reader.house.stores.get(ANN, store_id)
        assert (store.embedder, store.worker) == ("m1", None)
        assert store.due is not None
        assert store.due > reader.house.shelf.store.now()
        reader.embedder.before = None
        due = {"due": reader.house.shelf.store.now() - 1}
        await reader.house.shelf.store.update(VectorStore, store_id, due, scope=EVERYONE)
        await reader.sweep.sweep()
        await reader.reembedding.wait()
        assert (await reader.house.stores.get(ANN, store_id)).embedder == "m2"


async def test_reading_a_large_text_leaves_the_loop_free(reader: Reader) -> None:
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time()
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - asked)

    ticking = asyncio.create_task(tick())
    store_id, file_id = await reader.added("A line of text about clay.\n" * 100_000)
    assert (await reader.ended(store_id, file_id)).status == "completed"
    ticking.cancel()
    assert longest < 0.4, "promised are 100 ms, on a machine that has nothing else to do"
