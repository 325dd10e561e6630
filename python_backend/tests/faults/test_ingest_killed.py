"""kill -9 while a batch of files is being read, and the server after it: every file ends, none is there twice, none is lost."""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess
from underpin.knowledge.vector_stores import VectorStores
from underpin.objects.chunk import Chunk, VectorBlock
from underpin.objects.leftover import Leftover
from underpin.objects.stored import Stored
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store.base import EVERYONE, Store
from underpin.store.mongo import MongoStore
from underpin.store.mongo_indexes import collection_name
from underpin.store.sqlite import SqliteStore

FILES = int(os.environ.get("BATCH_FILES", "200"))
"""BATCH_FILES=1000 is the promise, and takes more than a minute."""
BROKEN_EVERY = 50
KILLS = (0.2, 0.6)
"""When so much of the batch is done, the server dies."""
WITHIN_S = 240
SETTINGS = {"OPENAI_MODEL": "scripted", "RUN_LEASE_S": 3, "RUN_HEARTBEAT_S": 1, "SWEEP_S": 0.5}


def content(number: int) -> bytes:
    if number % BROKEN_EVERY == 7:
        return b"%PDF-1.4 broken"
    return f"# Borehole {number}\n\nClay with the mark K{number}K was found at {number} m.\n".encode()


def name(number: int) -> str:
    return f"{number}.pdf" if number % BROKEN_EVERY == 7 else f"{number}.md"


async def upload(http: httpx.AsyncClient, number: int) -> str:
    given = {"file": (name(number), content(number))}
    answer = await http.post("/v1/files", files=given, data={"purpose": "assistants"})
    assert answer.status_code == 200, answer.text
    file_id: str = answer.json()["id"]
    return file_id


async def until(http: httpx.AsyncClient, batch: str, done: float) -> dict[str, Any]:
    """The batch once so much of it is done. A server that is slow to answer is asked again."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            told: dict[str, Any] = (await http.get(batch)).json()
            counts = told["file_counts"]
            if counts["completed"] + counts["failed"] >= done * counts["total"]:
                return told
            await asyncio.sleep(0.1)


async def every(store: Store, kind: type[Stored], parent: str) -> list[Any]:
    found: list[Any] = []
    after = None
    while True:
        page = await store.page(kind, parent, scope=EVERYONE, after=after, limit=1000, order="asc")
        found += page.data
        if not page.has_more:
            return found
        after = page.data[-1].seq


async def test_a_batch_survives_kills_with_each_file_once(tmp_path: Path) -> None:
    await killed_in_a_batch(tmp_path / "data", SqliteStore(tmp_path / "data"), FILES)


@pytest.mark.race
async def test_a_batch_in_mongodb_survives_kills_with_each_file_once(tmp_path: Path, mongo_database: str) -> None:
    await killed_in_a_batch(tmp_path / "data", MongoStore(mongo_database), FILES // 4, MONGODB_URI=mongo_database)


async def killed_in_a_batch(data_dir: Path, store_after: Store, number_of_files: int, **storage: str) -> None:
    """`store_after` looks at the database when all is over."""
    with ServerProcess(data_dir, **SETTINGS, **storage) as server:
        async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as http:
            ids: list[str] = []
            for start in range(0, number_of_files, 20):
                ids += await asyncio.gather(*(upload(http, number) for number in range(start, min(start + 20, number_of_files))))
            store = (await http.post("/v1/vector_stores", json={"name": "boreholes"})).json()["id"]
            made = await http.post(f"/v1/vector_stores/{store}/file_batches", json={"file_ids": ids})
            assert made.json()["file_counts"]["total"] == number_of_files
            batch = f"/v1/vector_stores/{store}/file_batches/{made.json()['id']}"
        for done in KILLS:
            async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as http:
                await until(http, batch, done)
            server.kill()
            server.start()
        async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as http:
            told = await until(http, batch, 1)
            broken = sum(number % BROKEN_EVERY == 7 for number in range(number_of_files))
            assert told["status"] == "completed"
            assert told["file_counts"] == {
                "in_progress": 0,
                "completed": number_of_files - broken,
                "failed": broken,
                "cancelled": 0,
                "total": number_of_files,
            }
            shown = (await http.get(f"/v1/vector_stores/{store}")).json()
            assert (shown["status"], shown["file_counts"]) == ("completed", told["file_counts"])
            for number in (0, number_of_files // 2, number_of_files - 1):
                search = await http.post(f"/v1/vector_stores/{store}/search", json={"query": f"mark K{number}K"})
                assert search.json()["data"][0]["file_id"] == ids[number]
    await each_is_there_once(store_after, store, ids)


async def each_is_there_once(store: Store, vector_store_id: str, ids: list[str]) -> None:
    """In the database itself: no chunk that is not a completed file's, and each of those once."""
    await store.open()
    try:
        files: list[VectorStoreFile] = await every(store, VectorStoreFile, vector_store_id)
        assert sorted(file.file_id for file in files) == sorted(ids)
        assert {file.due for file in files} == {None}
        read = [file for file in files if file.status == "completed"]
        found: Counter[str] = Counter()
        for file in read:
            assert file.chunk_set is not None
            chunks = await every(store, Chunk, file.chunk_set)
            assert [chunk.number for chunk in chunks] == list(range(file.chunks))
            found[file.chunk_set] = len(chunks)
        chunks, blocks = [await every_id(store, kind) for kind in (Chunk, VectorBlock)]
        assert len(chunks) == found.total(), "chunks of attempts that died were left"
        assert len(blocks) == len(read)
        assert (await store.page(Leftover, None, scope=EVERYONE)).data == []
        counted = await VectorStores(store).get("default-user", vector_store_id)
        assert counted.embedder is not None
    finally:
        await store.close()


async def every_id(store: Store, kind: type[Stored]) -> list[str]:
    """Of all objects of a kind, whosever they are."""
    if isinstance(store, SqliteStore):
        return await store.database.read(lambda connection: [row[0] for row in connection.execute(f"SELECT id FROM {kind.kind}")])
    assert isinstance(store, MongoStore)
    collection = store.connection.collection(collection_name(kind))
    return [str(one["_id"]) async for one in collection.find({}, {"_id": 1})]
