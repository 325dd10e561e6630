"""Retrieval quality on a collection with judgements: each step of the ranking by itself, and the server as shipped.

    make bench-retrieval ARGS="documents.json questions.json judgements.json"

The files are in Cranfield's form (collection.py). The server is started with its default settings and an empty folder.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parents[2] / "python_backend"))

from collection import DEPTH, REACH, Collection, halves, read_collection, worth
from run import BACKEND, cpu_s, server
from shipped import ask
from steps import rankings

from underpin.embedding.minilm import MiniLM


async def steps_of(collection: Collection) -> dict[str, list[list[str]]]:
    embedder = MiniLM(threads=os.cpu_count())
    try:
        return await rankings(collection, embedder)
    finally:
        await embedder.close()


def row(name: str, found: Sequence[Sequence[str]], collection: Collection) -> str:
    all_of_them, odd, even = worth(found, collection.gains), *halves(found, collection.gains)
    cells = [f"{one.ndcg:.3f} / {one.recall:.3f}" for one in (all_of_them, odd, even)]
    return f"| {name} | {' | '.join(cells)} |"


def shipped(collection: Collection) -> None:
    with (
        tempfile.TemporaryDirectory() as data,
        server(str(BACKEND / "main.py"), "--port=0", UNDERPIN_DATA_DIR=data) as (pid, port),
    ):
        asked = ask(port, collection, lambda: cpu_s(pid))
        print(row("**as shipped: upload, chunks, store, `vector_stores.search`**", asked.rankings, collection))
        files, searches = len(collection.documents), len(asked.searches_s)
        print(f"\n{files} files completed in {asked.filled_s:.0f} s, with {asked.filling_cpu_s:.0f} s of a processor.")
        print(f"{searches} searches one after the other, with HTTP: p50 {asked.at(0.5):.1f} ms, p99 {asked.at(0.99):.1f} ms,")
        print(f"{asked.search_cpu_s * 1000:.1f} ms of a processor each.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("documents", "questions", "judgements"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--steps-only", action="store_true", help="without the server")
    given = parser.parse_args()
    collection = read_collection(given.documents, given.questions, given.judgements)
    print(f"{len(collection.documents)} documents, {len(collection.questions)} questions. nDCG@{DEPTH} / recall@{REACH}.\n")
    print("| | all questions | odd | even |\n| --- | --- | --- | --- |")
    for name, found in asyncio.run(steps_of(collection)).items():
        print(row(name, found, collection), flush=True)
    if not given.steps_only:
        shipped(collection)


if __name__ == "__main__":
    main()
