"""What the approximate index loses against the exact one, on real embeddings: those of the sentences of real texts."""

import json
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from underpin.embedding.minilm import MiniLM
from underpin.knowledge.sentences import spans
from underpin.knowledge.store_index_approximate import build, load

NEAREST = 10
QUESTIONS = 500
LEAST_CHARS = 40


def documents(file: Path) -> list[str]:
    return [f"{one['title']}. {one['body']}" for one in json.loads(file.read_text("utf-8"))]


async def recall(texts: list[str]) -> None:
    windows = list(dict.fromkeys(text[a:b] for text in texts for a, b in spans(text) if b - a >= LEAST_CHARS))
    # Neighbouring sentences together are windows of other lengths.
    windows += list(dict.fromkeys(f"{one} {other}" for one, other in pairwise(windows)))
    model = MiniLM()
    began = time.perf_counter()
    vectors = await model.embed(windows)
    await model.close()
    print(
        f"\n{len(windows):,} windows (a sentence, and each two neighbours) of {len(texts):,} documents, embedded in "
        f"{time.perf_counter() - began:.0f} s"
    )
    random = np.random.default_rng(4)
    held_out = random.choice(len(vectors), QUESTIONS, replace=False)
    indexed = np.delete(vectors, held_out, axis=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "approximate.faiss"
        build(indexed, path, None, lambda: False)
        index = load(path, len(indexed), indexed.shape[1])
        hits, exact_s, approximate_s = 0, 0.0, 0.0
        for query in vectors[held_out]:
            began = time.perf_counter()
            nearest = set(np.argsort(-(indexed @ query))[:NEAREST].tolist())
            exact_s += time.perf_counter() - began
            began = time.perf_counter()
            # As the server asks: for the candidates of a search, put in order by their vectors.
            found = index.search(query, None, 400)
            best = found[np.argsort(-(indexed[found] @ query))[:NEAREST]]
            approximate_s += time.perf_counter() - began
            hits += len(nearest & set(best.tolist()))
    print(
        f"recall@{NEAREST} of the approximate index: {hits / NEAREST / QUESTIONS:.3f}; "
        f"its time / that of the exact search: {approximate_s / exact_s:.2f}"
    )
