"""What the approximate index loses against the exact search, on real embeddings: those of short windows of real texts."""

import json
import tempfile
import time
from pathlib import Path

import numpy as np

from underpin.embedding.minilm import MiniLM
from underpin.knowledge import store_index_approximate
from underpin.knowledge.store_index_approximate import build, load

NEAREST = 10
QUESTIONS = 500
CANDIDATES = 400
"""Vectors that the server asks for, to have a hundred passages."""
WINDOW_WORDS, STEP_WORDS = 20, 12
LEAST_PROBED = (1, store_index_approximate.LEAST_PROBED)
"""Small collections have so few lists that the least number of them decides; 1: the share alone, as in a store of a million."""


def documents(file: Path) -> list[str]:
    return [f"{one['title']} {one['body']}" for one in json.loads(file.read_text("utf-8"))]


def windows(texts: list[str]) -> list[str]:
    each = (text.split() for text in texts)
    cut = (" ".join(words[at : at + WINDOW_WORDS]) for words in each for at in range(0, max(1, len(words) - 8), STEP_WORDS))
    return list(dict.fromkeys(cut))


async def recall(texts: list[str]) -> None:
    found = windows(texts)
    model = MiniLM()
    began = time.perf_counter()
    vectors = await model.embed(found)
    await model.close()
    took = time.perf_counter() - began
    print(f"\n{len(found):,} windows of {WINDOW_WORDS} words of {len(texts):,} documents, embedded in {took:.0f} s")
    held_out = np.random.default_rng(4).choice(len(vectors), QUESTIONS, replace=False)
    indexed = np.delete(vectors, held_out, axis=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "approximate.faiss"
        build(indexed, path, None, lambda: False)
        index = load(path, len(indexed), indexed.shape[1])
        for least in LEAST_PROBED:
            store_index_approximate.LEAST_PROBED = least
            hits = 0
            for query in vectors[held_out]:
                nearest = set(np.argsort(-(indexed @ query))[:NEAREST].tolist())
                near = index.search(query, None, CANDIDATES)
                hits += len(nearest & set(near[np.argsort(-(indexed[near] @ query))[:NEAREST]].tolist()))
            print(f"recall@{NEAREST}, at least {least} lists looked into: {hits / NEAREST / QUESTIONS:.3f}", flush=True)
