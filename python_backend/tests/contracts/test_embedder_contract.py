"""What every Embedder promises (embedding/base.py). A new one is a line in SUBJECTS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import numpy as np
import pytest

from tests.embeddings_upstream import MODEL, Embeddings
from underpin.embedding.base import Embedder
from underpin.embedding.minilm import MiniLM
from underpin.embedding.upstream import UpstreamEmbedder
from underpin.errors import EmbeddingFailed
from underpin.models.embeddings import EmbeddingsClient


@asynccontextmanager
async def minilm() -> AsyncIterator[Embedder]:
    yield MiniLM(threads=1)


@asynccontextmanager
async def upstream() -> AsyncIterator[Embedder]:
    async with Embeddings() as server:
        yield UpstreamEmbedder(EmbeddingsClient(server.base_url, "sk-x", MODEL, connect_timeout_s=5), window_chars=2000)


SUBJECTS: dict[str, Callable[[], AbstractAsyncContextManager[Embedder]]] = {"minilm": minilm, "upstream": upstream}


@pytest.fixture(params=SUBJECTS)
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    async with SUBJECTS[request.param]() as subject:
        yield subject
        await subject.close()


async def test_vectors_are_of_unit_length_and_the_texts_number(embedder: Embedder) -> None:
    vectors = await embedder.embed([f"Borehole {number} met clay." for number in range(40)])
    assert vectors.shape == (40, embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_the_order_is_that_of_the_texts(embedder: Embedder) -> None:
    texts = ["Sand.", "A much longer text about the settlement of clays under an embankment, in years. " * 9, "Rock."] * 9
    together = await embedder.embed(texts)
    alone = [(await embedder.embed([text]))[0] for text in texts[:3]]
    assert all(float(vector @ alone[at % 3]) > 0.999 for at, vector in enumerate(together))


async def test_no_texts_are_no_vectors(embedder: Embedder) -> None:
    await embedder.embed(["So that the dimensions are known."])
    assert (await embedder.embed([])).shape == (0, embedder.dimensions)


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07", "\ud800 a lone surrogate", "🪨", "粘土" * 3000, "x" * 100_000])
async def test_any_text_has_a_vector(embedder: Embedder, text: str) -> None:
    vectors = await embedder.embed([text, "Clay."])
    assert vectors.shape == (2, embedder.dimensions)
    assert np.isfinite(vectors).all()


async def test_a_question_is_a_vector_of_the_same_space(embedder: Embedder) -> None:
    vector = await embedder.embed_query("What is clay?")
    assert vector.shape == (embedder.dimensions,)
    passages = await embedder.embed(["What is clay?", "The fee is due in March."])
    assert float(passages[0] @ vector) > float(passages[1] @ vector)


async def test_it_has_a_name_and_says_what_it_reads(embedder: Embedder) -> None:
    assert embedder.name
    assert embedder.window_chars > 100


async def test_several_calls_at_once_get_their_own(embedder: Embedder) -> None:
    texts = [f"Layer {number} is sand." for number in range(12)]
    together = await asyncio.gather(*(embedder.embed([text]) for text in texts), embedder.embed_query(texts[0]))
    apart = await embedder.embed(texts)
    assert all(float(one[0] @ vector) > 0.999 for one, vector in zip(together, apart, strict=False))


async def test_closing_ends_what_is_under_way(embedder: Embedder) -> None:
    await embedder.embed_query("Loaded.")
    work = asyncio.ensure_future(embedder.embed(["The settlement of clays takes years. " * 20] * 400))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await embedder.close()
    with pytest.raises(EmbeddingFailed) as raised:
        await asyncio.wait_for(work, 20)
    assert raised.value.retryable


async def test_whoever_is_cancelled_is_cancelled(embedder: Embedder) -> None:
    await embedder.embed_query("Loaded.")
    work = asyncio.ensure_future(embedder.embed(["The settlement of clays takes years. " * 20] * 400))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(work, 20)


async def test_a_closed_one_says_so(embedder: Embedder) -> None:
    await embedder.close()
    with pytest.raises(EmbeddingFailed) as raised:
        await embedder.embed(["Clay."])
    assert raised.value.retryable
