"""The two standing stores: here, at the model's server, or nowhere while nobody can tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.upstream_stores import KEY, UpstreamStores
from underpin.errors import ModelKeyRejected, NotFound, VectorStoreAway
from underpin.knowledge.base import EXAMPLES
from underpin.knowledge.standing import Standing
from underpin.models.tries import Patience
from underpin.models.upstream_stores import StoresClient
from underpin.objects.stored import DEFAULT_OWNER
from underpin.objects.vector_store import VectorStore
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store.base import Scope
from underpin.store.sqlite import SqliteStore

OWN = Scope(DEFAULT_OWNER)
WITHIN_S = 20


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamStores]:
    async with UpstreamStores() as upstream:
        yield upstream


@asynccontextmanager
async def standing(
    store: SqliteStore,
    upstream: UpstreamStores | None,
    uploads: str | None = "vs_up",
    knowledge: str | None = None,
    key: str = KEY,
) -> AsyncIterator[Standing]:
    client = None
    if upstream is not None:
        client = StoresClient(upstream.base_url, key, connect_timeout_s=5, patience=Patience(pauses_s=()))
    begun = Standing(store, client, uploads=uploads, knowledge=knowledge, retry_s=(0.01, 0.02))
    try:
        await begun.begin()
        yield begun
    finally:
        await begun.stop()
        if client is not None:
            await client.close()


async def is_here(store: SqliteStore, id: str) -> bool:
    try:
        await store.get(VectorStore, id, scope=OWN)
    except NotFound:
        return False
    return True


async def until_known(begun: Standing, id: str) -> str:
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                return await begun.place(id)
            except (VectorStoreAway, ModelKeyRejected):
                await asyncio.sleep(0.01)


async def test_without_a_models_server_both_are_made_at_once(store):
    async with standing(store, None, uploads="vs_up", knowledge=None) as begun:
        assert await begun.place("vs_up") == "here"
        assert await begun.place(begun.knowledge.id) == "here"
        assert begun.stores() == ("vs_up", begun.knowledge.id, EXAMPLES)
        made = await store.get(VectorStore, begun.knowledge.id, scope=OWN)
        assert (made.name, made.expires_at) == ("Knowledge base", None)
    async with standing(store, None, uploads="vs_up", knowledge=None) as again:
        assert again.stores() == begun.stores(), "made-up ids are the same at every start"


async def test_ids_that_nobody_set_are_not_asked_for(store, upstream):
    async with standing(store, upstream, uploads=None) as begun:
        assert await begun.place(begun.uploads.id) == "here"
    assert upstream.asked == []


async def test_one_id_for_both_is_one_store(store):
    async with standing(store, None, uploads="vs_a", knowledge="vs_a") as begun:
        assert begun.stores() == ("vs_a", EXAMPLES)


async def test_an_id_that_the_server_knows_stays_there(store, upstream):
    upstream.keep("vs_up", {"file-a": ("clay.txt", "Clay swells.")})
    async with standing(store, upstream) as begun:
        assert await begun.place("vs_up") == "upstream"
        shelf = begun.shelf(DEFAULT_OWNER, "vs_up")
        assert shelf is not None
        assert (await shelf.search("clay", limit=1))[0].passage.file_id == "file-a"
        assert begun.shelf("somebody else", "vs_up") is None
        assert begun.shelf(DEFAULT_OWNER, begun.knowledge.id) is None
    assert not await is_here(store, "vs_up")


async def test_an_id_that_the_server_does_not_know_is_made_here(store, upstream):
    async with standing(store, upstream) as begun:
        assert await begun.place("vs_up") == "here"
        assert begun.shelf(DEFAULT_OWNER, "vs_up") is None
    assert await is_here(store, "vs_up")


async def test_a_store_with_files_is_used_and_not_asked_for(store, upstream):
    await store.add(VectorStore(id="vs_up", seq=1, created_at=1))
    await store.add(VectorStoreFile(id="vsf_a", seq=1, created_at=1, vector_store_id="vs_up"))
    async with standing(store, upstream) as begun:
        assert await begun.place("vs_up") == "here"
    assert upstream.asked == []


async def test_an_empty_twin_that_was_made_without_a_key_gives_way(store, upstream):
    async with standing(store, None) as begun:
        assert await begun.place("vs_up") == "here"
    upstream.keep("vs_up")
    async with standing(store, upstream) as begun:
        assert await begun.place("vs_up") == "upstream"
    assert not await is_here(store, "vs_up")


@pytest.mark.parametrize(
    ("refusal", "kind", "told"),
    [
        ((503, {"Retry-After": "0"}), VectorStoreAway, "not available at the moment"),
        ((500, {}), VectorStoreAway, "failed"),
        ((429, {}), VectorStoreAway, "Try again"),
        ((401, {}), ModelKeyRejected, "OPENAI_API_KEY"),
        ((403, {}), ModelKeyRejected, "OPENAI_API_KEY"),
    ],
)
async def test_while_nobody_can_tell_it_is_nowhere_and_asked_for_again(store, upstream, refusal, kind, told):
    upstream.keep("vs_up")
    upstream.refuse(refusal[0], headers=refusal[1], body="")
    async with standing(store, upstream) as begun:
        with pytest.raises(kind, match=told) as raised:
            await begun.place("vs_up")
        assert "vs_up" in raised.value.message
        assert begun.where("vs_up") == raised.value.message
        assert not await is_here(store, "vs_up")
        assert await begun.place(begun.knowledge.id) == "here", "the other one goes on"
        upstream.heal()
        assert await until_known(begun, "vs_up") == "upstream"
        assert begun.where("vs_up") == "upstream"


async def test_a_server_that_comes_up_later_is_asked_then(store, upstream):
    await upstream.stop()
    async with standing(store, upstream) as begun:
        with pytest.raises(VectorStoreAway, match="could not be reached"):
            await begun.place("vs_up")
        await upstream.start()
        assert await until_known(begun, "vs_up") == "here"


async def test_the_same_failure_is_logged_once(store, upstream, caplog):
    upstream.refuse(500, body="")
    async with standing(store, upstream) as begun:
        await upstream.until_asked(5, within_s=WITHIN_S)
        with pytest.raises(VectorStoreAway):
            await begun.place("vs_up")
    assert sum("It is asked again" in record.getMessage() for record in caplog.records) == 1


async def test_one_that_somebody_deleted_is_made_again(store):
    async with standing(store, None) as begun:
        await store.delete(VectorStore, "vs_up", scope=OWN)
        await begun.be_here("vs_up")
        assert await is_here(store, "vs_up")


async def test_one_that_is_being_deleted_at_the_start_is_waited_for(store):
    await store.add(VectorStore(id="vs_up", created_at=1, going=True))
    async with standing(store, None) as begun:
        with pytest.raises(VectorStoreAway, match="is being cleared away"):
            await begun.place("vs_up")
        await store.delete(VectorStore, "vs_up", scope=OWN)
        assert await until_known(begun, "vs_up") == "here"
        assert (await store.get(VectorStore, "vs_up", scope=OWN)).going is False
