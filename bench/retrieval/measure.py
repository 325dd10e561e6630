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
        before = cpu_s(pid)
        asked = ask(port, collection)
        print(row("**as shipped: upload, chunks, store, `vector_stores.search`**", asked.rankings, collection))
        count = len(asked.searches_s)
        print(
            f"\n{len(collection.documents)} files completed in {asked.filled_s:.0f} s, {count} searches one after the other: ",
            end="",
        )
        print(f"p50 {asked.at(0.5):.1f} ms, p99 {asked.at(0.99):.1f} ms, with HTTP. ", end="")
        print(f"CPU of the server's process, all in all: {cpu_s(pid) - before:.1f} s.")


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
