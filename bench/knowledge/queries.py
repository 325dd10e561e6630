"""How long a search takes in a store of n chunks, and beside n other stores. Words and vectors are made up, and the question's
vector is not made by a model: its time comes on top."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from synthetic import SyntheticEmbedder, question, write_index

from underpin.knowledge.filters import Comparison, Filter
from underpin.knowledge.store_index import MOST_EXACT, StoreIndexes
from underpin.knowledge.vector_stores import VectorStores
from underpin.objects.vector_store import VectorStore
from underpin.store.base import EVERYONE, Inc
from underpin.store.sqlite import SqliteStore

OWNER = "bench"
BUILD_S = 3600


@asynccontextmanager
async def rooms(data: Path, most_exact: int = MOST_EXACT) -> AsyncIterator[tuple[SqliteStore, StoreIndexes]]:
    store = SqliteStore(data)
    await store.open()
    embedder = SyntheticEmbedder(2)
    indexes = StoreIndexes(store, {embedder.name: embedder}.get, data / "indexes", most_exact=most_exact)
    try:
        yield store, indexes
    finally:
        await indexes.close()
        await store.close()


async def new_store(store: SqliteStore) -> VectorStore:
    made = await VectorStores(store).create(OWNER)
    return await store.update(VectorStore, made.id, {"embedder": SyntheticEmbedder.name, "generation": Inc()}, scope=EVERYONE)


@dataclass
class Taken:
    wall_ms: list[float]
    cpu_ms: float

    def __str__(self) -> str:
        p50, p99 = statistics.median(self.wall_ms), sorted(self.wall_ms)[int(0.99 * len(self.wall_ms))]
        return f"{self.cpu_ms / len(self.wall_ms):.1f} | {p50:.1f} | {p99:.1f}"


async def times_ms(indexes: StoreIndexes, store: VectorStore, rounds: int, where: Filter | None = None) -> Taken:
    random = np.random.default_rng(3)
    taken = Taken([], 0.0)
    for at in range(rounds + 5):
        asked = question(random)
        began, cpu = time.perf_counter(), time.process_time()
        found = await indexes.search(store, asked, limit=10, where=where)
        if at >= 5:  # the first open what is on the disk
            taken.wall_ms.append((time.perf_counter() - began) * 1000)
            taken.cpu_ms += (time.process_time() - cpu) * 1000
        if not found:
            raise SystemExit("A search found nothing.")
    return taken


def held_mb() -> str:
    """Of this process: memory of its own, and files that are mapped."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return " | ".join(f"{int(lines[name].split()[0]) / 1024:.0f}" for name in ("RssAnon", "RssFile"))


def on_disk_mb(data: Path, pattern: str) -> float:
    return sum(file.stat().st_size for file in (data / "indexes").rglob(pattern) if file.is_file()) / 1e6


async def by_size(sizes: list[int], rounds: int) -> None:
    print("| chunks | search | CPU ms | p50 ms | p99 ms | made in, s | on disk, MB | anonymous MB | mapped MB |")
    print("| --: | --- | --: | --: | --: | --: | --: | --: | --: |")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            async with rooms(data, most_exact=2 * size) as (store, indexes):
                made = await new_store(store)
                began = time.perf_counter()
                await asyncio.to_thread(write_index, data / "indexes", made, size, 7)
                took = f"{time.perf_counter() - began:.0f} | {on_disk_mb(data, '*'):.0f}"
                print(f"| {size:,} | exact | {await times_ms(indexes, made, rounds)} | {took} | {held_mb()} |", flush=True)
            async with rooms(data) as (store, indexes):
                if size > MOST_EXACT:
                    began = time.perf_counter()
                    await indexes.search(made, "anything")
                    await asyncio.wait_for(indexes.settled(made.id), BUILD_S)
                    took = f"{time.perf_counter() - began:.0f} | {on_disk_mb(data, '*.faiss'):.0f}"
                    taken = await times_ms(indexes, made, rounds)
                    print(f"| {size:,} | approximate | {taken} | {took} | {held_mb()} |", flush=True)
                few = Comparison("lt", "number", size / 100 / 100)
                taken = await times_ms(indexes, made, rounds, few)
                print(f"| {size:,} | with a filter that admits 1 % | {taken} | | | | |", flush=True)


async def by_others(others: list[int], rounds: int) -> None:
    """A store of 1,000 chunks that is alone on its server, and one that is beside so many others of 100, asked in turn."""
    print("\n| other stores | CPU ms | p50 ms | p99 ms | CPU ÷ CPU of a store that is alone |")
    print("| --: | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as another:
        async with rooms(Path(one)) as (lonely, its), rooms(Path(another)) as (crowded, theirs):
            alone = await new_store(lonely)
            beside = await new_store(crowded)
            await asyncio.to_thread(write_index, Path(one) / "indexes", alone, 1000, 7)
            await asyncio.to_thread(write_index, Path(another) / "indexes", beside, 1000, 7)
            there = 0
            for count in others:
                while there < count:
                    other = await new_store(crowded)
                    await asyncio.to_thread(write_index, Path(another) / "indexes", other, 100, 8 + there)
                    await theirs.search(other, "anything")
                    there += 1
                mine, least = Taken([], 0), Taken([], 0)
                for _ in range(rounds // 20):
                    for sum_of, indexes, store in ((mine, theirs, beside), (least, its, alone)):
                        taken = await times_ms(indexes, store, 20)
                        sum_of.wall_ms += taken.wall_ms
                        sum_of.cpu_ms += taken.cpu_ms
                print(f"| {count:,} | {mine} | {mine.cpu_ms / least.cpu_ms:.2f} |", flush=True)
