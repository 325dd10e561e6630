"""The embedder that comes along: what it loads and when, and that it means something."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest

from underpin.embedding import minilm
from underpin.embedding.minilm import DIMENSIONS, TEXTS_A_JOB, MiniLM
from underpin.embedding.minilm_session import MOST_TOKENS, MiniLMSession
from underpin.errors import EmbeddingFailed


@pytest.fixture(scope="module")
def session() -> MiniLMSession:
    return MiniLMSession()


def cosine(session: MiniLMSession, one: str, other: str) -> float:
    first, second = session.embed([one, other])
    return float(first @ second)


def test_nothing_heavy_is_imported_before_the_first_text() -> None:
    script = "import sys, underpin.embedding.minilm as m; m.MiniLM(); print({'onnxruntime', 'tokenizers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"


def test_what_means_the_same_is_near(session: MiniLMSession) -> None:
    near = cosine(session, "How deep is the water table?", "Groundwater was met 3.2 m below the surface.")
    far = cosine(session, "How deep is the water table?", "The invoice was paid in March.")
    assert near > far + 0.3


def test_a_vector_does_not_depend_on_what_is_embedded_with_it(session: MiniLMSession) -> None:
    texts = ["Clay.", "Dense sand with gravel and some silt, brown.", "Rock at 12 m."]
    assert np.allclose(session.embed(texts), [session.embed([text])[0] for text in texts], atol=1e-5)


def test_the_end_of_a_long_text_counts(session: MiniLMSession) -> None:
    sand = "Loose sand was found in every borehole of the site. " * 60
    plain, ended = session.embed([sand, sand + "The permit for the bridge was refused by the council. " * 40])
    assert len(sand) > MOST_TOKENS * 4
    assert float(plain @ ended) < 0.95


def test_its_dimensions_are_those_that_it_states(session: MiniLMSession) -> None:
    assert session.embed(["Clay."]).shape == (1, DIMENSIONS)


async def test_the_loop_goes_on_while_texts_are_embedded() -> None:
    embedder = MiniLM(threads=1)
    await embedder.embed_query("Loaded.")
    work = asyncio.ensure_future(embedder.embed(["The settlement of clays takes years. " * 25] * TEXTS_A_JOB * 2))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1
    await work
    await embedder.close()
    # Counted, since a busy machine makes any time long: blocked at each of its jobs, it would have had about three.
    assert turns > 30


async def test_a_runtime_that_cannot_be_loaded_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name}")

    monkeypatch.setattr(minilm, "import_module", missing)
    embedder = MiniLM(threads=1)
    with pytest.raises(EmbeddingFailed, match="EMBEDDING_MODEL") as raised:
        await embedder.embed_query("Clay?")
    assert not raised.value.retryable
    await embedder.close()
