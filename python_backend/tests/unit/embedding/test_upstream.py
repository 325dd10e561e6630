"""The model's server as embedder: how it is asked, and what its failures become."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from tests.embeddings_upstream import DIMENSIONS, MODEL, Embeddings, vector_of
from tests.faults.upstream import Behaviour, HangUp, Raw, Silent, Status
from underpin.embedding.upstream import AT_ONCE, MOST_CHARS, MOST_TEXTS, UpstreamEmbedder
from underpin.errors import EmbeddingFailed
from underpin.models.embeddings import EmbeddingsClient
from underpin.models.tries import Patience

QUICK = Patience(pauses_s=(0.01, 0.01), longest_retry_after_s=0.2)


@pytest.fixture
async def server() -> AsyncIterator[Embeddings]:
    async with Embeddings() as upstream:
        yield upstream


@pytest.fixture
async def embedder(server: Embeddings) -> AsyncIterator[UpstreamEmbedder]:
    made = embedder_of(server)
    yield made
    await made.close()


def embedder_of(server: Embeddings, model: str = MODEL, *, window_chars: int = 2000) -> UpstreamEmbedder:
    client = EmbeddingsClient(
        server.base_url,
        "sk-secret-key",
        model,
        connect_timeout_s=5,
        passages=QUICK,
        question=QUICK,
        question_timeout_s=0.3,
    )
    return UpstreamEmbedder(client, window_chars=window_chars)


async def test_its_dimensions_are_known_after_the_first_answer(embedder: UpstreamEmbedder) -> None:
    assert embedder.dimensions == 0
    await embedder.embed_query("Clay?")
    assert embedder.dimensions == DIMENSIONS


async def test_its_name_tells_the_model_and_the_server(server: Embeddings, embedder: UpstreamEmbedder) -> None:
    assert embedder.name == f"{MODEL} at 127.0.0.1:{server.port}"


async def test_the_key_goes_along(server: Embeddings, embedder: UpstreamEmbedder) -> None:
    await embedder.embed(["Clay."])
    assert server.asked[0].headers["authorization"] == "Bearer sk-secret-key"


async def test_texts_are_asked_for_in_batches_and_come_back_in_order(server: Embeddings, embedder: UpstreamEmbedder) -> None:
    texts = [f"layer{number} sand" for number in range(MOST_TEXTS * 2 + 5)]
    vectors = await embedder.embed(texts)
    assert sorted(len(request.json["input"]) for request in server.asked) == [5, MOST_TEXTS, MOST_TEXTS]
    assert all(
        float(vector @ vector_of(text)) > 0.999 * np.linalg.norm(vector_of(text))
        for vector, text in zip(vectors, texts, strict=True)
    )


async def test_a_batch_is_bounded_in_characters_too(server: Embeddings) -> None:
    embedder = embedder_of(server, window_chars=30_000)
    await embedder.embed(["clay " * 10_000] * 7)
    assert [len(request.json["input"]) for request in server.asked] == [3, 3, 1]
    assert all(sum(map(len, request.json["input"])) <= MOST_CHARS for request in server.asked)
    await embedder.close()


async def test_only_a_few_requests_run_at_once(server: Embeddings, embedder: UpstreamEmbedder) -> None:
    server.refuse_next(*[Silent()] * AT_ONCE)
    work = asyncio.ensure_future(embedder.embed(["clay"] * MOST_TEXTS * (AT_ONCE + 3)))
    for _ in range(AT_ONCE):
        await server.question(within_s=5)
    await embedder.embed_query("A question waits for no passage.")
    assert len(server.asked) == AT_ONCE + 1
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_a_server_that_knows_no_base64_is_read_too() -> None:
    async with Embeddings(as_numbers=True) as server:
        embedder = embedder_of(server)
        assert (await embedder.embed(["Clay.", "Sand."])).shape == (2, DIMENSIONS)
        await embedder.close()


@pytest.mark.parametrize(
    "fault",
    [Status(429, headers={"Retry-After": "0"}), Status(503), HangUp(), Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")],
)
async def test_what_may_pass_is_asked_again(server: Embeddings, embedder: UpstreamEmbedder, fault: Behaviour) -> None:
    server.refuse_next(fault)
    assert (await embedder.embed(["Clay."])).shape == (1, DIMENSIONS)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("fault", "said", "retryable"),
    [
        (Status(401), "OPENAI_API_KEY", False),
        (Status(404, {"detail": "Not Found"}), "has no /embeddings", False),
        (Status(400, {"error": {"message": "maximum context length is 512 tokens"}}), "512 tokens", False),
        (Status(429, headers={"Retry-After": "90"}), "Try again in", True),
        (Status(500), "failed", True),
        (Status(200, {"object": "list", "data": []}), "Check EMBEDDING_MODEL", True),
        (Status(200, {"object": "list", "data": [{"embedding": "!!"}]}), "Check EMBEDDING_MODEL", True),
        (Status(200, {"data": [{"embedding": [1.0, 2.0]}, {"embedding": [1.0]}]}), "Check EMBEDDING_MODEL", True),
        (Status(200, b"<html>"), "Check EMBEDDING_MODEL", True),
    ],
)
async def test_a_failure_is_a_sentence_and_says_whether_to_come_again(
    server: Embeddings, embedder: UpstreamEmbedder, fault: Behaviour, said: str, retryable: bool
) -> None:
    server.refuse_next(*[fault] * 3)
    with pytest.raises(EmbeddingFailed, match=said) as raised:
        await embedder.embed(["Clay."])
    assert raised.value.retryable is retryable
    assert "sk-secret" not in raised.value.message


async def test_the_time_that_a_limit_lasts_is_told(server: Embeddings, embedder: UpstreamEmbedder) -> None:
    server.refuse_next(Status(429, headers={"Retry-After": "90"}))
    with pytest.raises(EmbeddingFailed) as raised:
        await embedder.embed(["Clay."])
    assert raised.value.retry_after_s == 90


async def test_a_model_that_is_not_there_is_named_with_its_setting(server: Embeddings) -> None:
    embedder = embedder_of(server, "other")
    with pytest.raises(EmbeddingFailed, match=r"no embedding model 'other'.*EMBEDDING_MODEL") as raised:
        await embedder.embed_query("Clay?")
    assert not raised.value.retryable
    await embedder.close()


async def test_a_question_is_given_up_soon(server: Embeddings, embedder: UpstreamEmbedder) -> None:
    server.refuse_next(Silent())
    with pytest.raises(EmbeddingFailed, match=r"within 0\.3 seconds") as raised:
        await embedder.embed_query("Clay?")
    assert raised.value.retryable


async def test_a_server_that_is_away_is_a_failure_that_may_pass(server: Embeddings, embedder: UpstreamEmbedder) -> None:
    server.refuse()
    with pytest.raises(EmbeddingFailed, match="could not be reached") as raised:
        await embedder.embed(["Clay."] * (MOST_TEXTS + 1))
    assert raised.value.retryable


async def test_a_model_that_changes_its_size_is_not_believed(server: Embeddings, embedder: UpstreamEmbedder) -> None:
    await embedder.embed(["Clay."])
    server.dimensions = 7
    with pytest.raises(EmbeddingFailed, match="its model was changed"):
        await embedder.embed(["Clay."])
