"""What a search of vector stores costs, and what the approximate index loses. `make bench-knowledge` runs it.

Read the ratios: the milliseconds belong to the machine and to what else it was doing.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "python_backend"))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the package does where it is loaded before numpy

from filling import fill
from nearest import documents, recall
from queries import by_others, by_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[1_000, 100_000], help="chunks; 1000000 takes a quarter of an hour"
    )
    parser.add_argument("--others", type=int, nargs="*", default=[0, 1000], help="other stores")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--texts", type=Path, help="a JSON list of documents with `title` and `body`: recall on their embeddings")
    parser.add_argument("--pages", type=int, default=400, help="of PDFs that are put into a vector store; 0: none")
    asked = parser.parse_args()
    if asked.sizes:
        asyncio.run(by_size(asked.sizes, asked.rounds))
    if asked.others:
        asyncio.run(by_others(asked.others, asked.rounds))
    if asked.pages:
        fill(asked.pages)
    if asked.texts:
        asyncio.run(recall(documents(asked.texts)))


if __name__ == "__main__":
    main()
