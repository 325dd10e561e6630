"""A process of its own that brings the index of a vector store up to date, searches once and says what it found.

`python -m tests.unit.knowledge.indexing_process DATA_DIR STORE_ID QUERY [MOST_COMMITS]`: with the last, it kills itself in the
middle of what comes behind so many commits. It prints `ready`, waits for a line, and prints the files' names as JSON.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.unit.knowledge.indexed import open_indexed
from underpin.knowledge import store_index_update
from underpin.knowledge.store_index_vectors import Vectors
from underpin.knowledge.store_index_writer import IndexWriter
from underpin.objects.vector_store import VectorStore
from underpin.store.base import EVERYONE


def main(data_dir: str, store_id: str, query: str, most_commits: str = "") -> None:
    if most_commits:
        die_behind(int(most_commits))
    asyncio.run(search(Path(data_dir), store_id, query))


async def search(data_dir: Path, store_id: str, query: str) -> None:
    async with open_indexed(data_dir) as indexed:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        store = await indexed.store.get(VectorStore, store_id, scope=EVERYONE)
        print(json.dumps(await indexed.names(store, query, limit=50)), flush=True)


def die_behind(commits: int) -> None:
    """Die when vectors are on the disk that no state counts yet."""
    done = 0
    store_index_update.COMMIT_EVERY = 1

    def commit(self: IndexWriter, generation: int | None = None, *, then: Callable[..., None] = IndexWriter.commit) -> None:
        nonlocal done
        then(self, generation)
        done += 1

    def add(
        self: IndexWriter, numbers: Sequence[int], vectors: Vectors, *, then: Callable[..., bool] = IndexWriter.add_vectors
    ) -> bool:
        added = then(self, numbers, vectors)
        if done >= commits:
            os.kill(os.getpid(), signal.SIGKILL)
        return added

    IndexWriter.commit = commit  # type: ignore[method-assign]
    IndexWriter.add_vectors = add  # type: ignore[method-assign]


if __name__ == "__main__":
    main(*sys.argv[1:])
