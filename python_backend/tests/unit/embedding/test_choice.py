"""Which embedder is used, and which still answers for vectors that another made."""

import pytest

from tests.embeddings_upstream import MODEL, Embeddings
from underpin.embedding.choice import Embedders
from underpin.embedding.minilm import MiniLM
from underpin.embedding.upstream import UpstreamEmbedder
from underpin.errors import ConfigError
from underpin.models.embeddings import EmbeddingsClient

ADDRESS = "127.0.0.1:9"


def ask(model: str, base_url: str = f"http://{ADDRESS}/v1") -> UpstreamEmbedder:
    return UpstreamEmbedder(EmbeddingsClient(base_url, None, model, connect_timeout_s=5), window_chars=2000)


async def test_without_a_model_it_is_the_one_that_comes_along() -> None:
    embedders = Embedders(None, ask=ask, address=ADDRESS)
    assert embedders.current.name == MiniLM.name
    assert embedders.named(MiniLM.name) is embedders.current
    await embedders.close()


def test_a_model_without_a_server_cannot_work() -> None:
    with pytest.raises(ConfigError, match="EMBEDDING_MODEL"):
        Embedders("words")


async def test_the_model_of_the_server_is_asked() -> None:
    async with Embeddings() as server:
        address = f"127.0.0.1:{server.port}"
        embedders = Embedders(MODEL, ask=lambda model: ask(model, server.base_url), address=address)
        assert embedders.current.name == f"{MODEL} at {address}"
        assert (await embedders.current.embed(["Clay."])).shape[0] == 1
        await embedders.close()


async def test_vectors_that_another_embedder_made_are_still_asked_in_its_space() -> None:
    embedders = Embedders("new", ask=ask, address=ADDRESS)
    for name in (MiniLM.name, f"old at {ADDRESS}", f"looks at {ADDRESS} at {ADDRESS}"):
        found = embedders.named(name)
        assert found is not None
        assert found.name == name
        assert embedders.named(name) is found
    await embedders.close()


async def test_what_cannot_be_had_any_more_is_none() -> None:
    embedders = Embedders(None, ask=ask, address=ADDRESS)
    assert embedders.named("old at api.example.com") is None
    assert embedders.named("something") is None
    assert Embedders(None).named(f"old at {ADDRESS}") is None
    await embedders.close()
