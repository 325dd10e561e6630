"""Vector stores at the model's server: what is asked of it, and what each of its answers means."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.unit.files.shelf import pieces
from tests.upstream_stores import KEY, UpstreamStores, stopped_for_good
from underpin.errors import (
    ModelBroken,
    ModelError,
    ModelKeyRejected,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelUnreachable,
    NotFound,
)
from underpin.knowledge.filters import Comparison, Compound
from underpin.knowledge.upstream_stores import UpstreamShelf
from underpin.models.tries import Patience
from underpin.models.upstream_stores import StoresClient

AT_ONCE = Patience(pauses_s=(0.0, 0.0), longest_retry_after_s=1)


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamStores]:
    async with UpstreamStores() as upstream:
        upstream.keep("vs_a", {"file-a": ("clay.txt", "Clay swells."), "file-b": ("sand.txt", "Sand drains.")}, site="north")
        yield upstream


@pytest.fixture
async def client(upstream: UpstreamStores) -> AsyncIterator[StoresClient]:
    client = client_of(upstream)
    yield client
    await client.close()


def client_of(upstream: UpstreamStores, *, key: str = KEY, answer_timeout_s: float = 5) -> StoresClient:
    return StoresClient(upstream.base_url, key, connect_timeout_s=5, answer_timeout_s=answer_timeout_s, patience=AT_ONCE)


async def test_a_store_that_is_there_is_known_and_another_is_not(client):
    known = await client.store("vs_a")
    assert known is not None
    assert (known.name, known.file_counts.completed) == ("Reports", 2)
    assert await client.store("vs_b") is None


@pytest.mark.parametrize("id", ["", "../models", "vs_a/files", "a?b=c", "x" * 101, "vs_ä", "a\0b", "a b"])
async def test_an_id_that_cannot_be_one_is_never_asked_for(upstream, client, id):
    assert await client.store(id) is None
    assert await client.file(id) is None
    assert await client.remove("vs_a", id) is False
    with pytest.raises(NotFound):
        async with client.download(id):
            pass
    assert upstream.asked == []


async def test_a_search_finds_passages_with_their_files(upstream, client):
    shelf = UpstreamShelf(client, "vs_a")
    found = await shelf.search("What swells, clay?", limit=5, threshold=0.1)
    assert [(hit.passage.file_id, hit.passage.filename, hit.passage.text) for hit in found] == [
        ("file-a", "clay.txt", "Clay swells.")
    ]
    assert found[0].attributes == {"site": "north"}
    assert 0 < found[0].score <= 1
    assert found[0].passage.page is None
    assert (await shelf.search("swells", limit=5))[0].passage.number == found[0].passage.number
    assert upstream.searches[0] == {
        "query": "What swells, clay?",
        "max_num_results": 5,
        "rewrite_query": False,
        "ranking_options": {"score_threshold": 0.1},
    }


async def test_a_number_leads_to_the_passage_while_it_is_remembered(client, monkeypatch):
    monkeypatch.setattr("underpin.knowledge.upstream_stores.MOST_REMEMBERED", 1)
    shelf = UpstreamShelf(client, "vs_a")
    [clay] = await shelf.search("clay", limit=5)
    assert shelf.text_of("file-a", clay.passage.number) == "Clay swells."
    assert shelf.text_of("file-b", clay.passage.number) is None
    await shelf.search("sand", limit=5)
    assert shelf.text_of("file-a", clay.passage.number) is None


async def test_a_filter_is_sent_in_the_words_of_the_document(upstream, client):
    where = Compound("and", (Comparison("eq", "site", "north"), Comparison("in", "year", (2024.0, 2025.0))))
    await UpstreamShelf(client, "vs_a").search("clay", limit=500, where=where)
    assert upstream.searches[0]["filters"] == {
        "type": "and",
        "filters": [{"type": "eq", "key": "site", "value": "north"}, {"type": "in", "key": "year", "value": [2024.0, 2025.0]}],
    }
    assert upstream.searches[0]["max_num_results"] == 50


async def test_a_store_that_is_gone_finds_nothing(client):
    shelf = UpstreamShelf(client, "vs_gone")
    assert await shelf.search("clay", limit=5) == []
    assert await shelf.topics() == []


async def test_topics_are_the_names_of_its_files_each_asked_for_once(upstream, client):
    shelf = UpstreamShelf(client, "vs_a")
    assert await shelf.topics() == ["sand.txt", "clay.txt"]
    assert await shelf.topics() == ["sand.txt", "clay.txt"]
    assert upstream.asked.count(("GET", "/files/file-a")) == 1


async def test_a_long_list_comes_in_pages(upstream, client):
    upstream.keep("vs_b", {f"file-{number}": (f"{number}.txt", "x") for number in range(250)})
    assert len(await client.files("vs_b", most=100)) == 100
    files = await client.files("vs_b")
    assert [file.id for file in files] == [f"file-{number}" for number in reversed(range(250))]


async def test_a_file_goes_there_and_into_the_store_and_away_again(upstream, client):
    name = 'a "quoted" 土.txt'
    made = await client.upload(name, pieces(b"Clay ", b"swells."), 12)
    kept = upstream.files[made.id]
    assert (kept.data, kept.purpose) == (b"Clay swells.", "assistants")
    assert kept.name.replace("%22", '"') == name
    assert (await client.add("vs_a", made.id, {"site": "south"})).attributes == {"site": "south"}
    there = await client.store_file("vs_a", made.id)
    assert there is not None
    assert there.status == "completed"
    assert await client.content("vs_a", made.id) == "Clay swells."
    assert await client.remove("vs_a", made.id) is True
    assert made.id not in upstream.files
    assert await client.remove("vs_a", made.id) is False
    assert await client.content("vs_a", made.id) is None
    assert await client.store_file("vs_a", made.id) is None
    with pytest.raises(NotFound):
        await client.add("vs_gone", "file-a", {})


async def test_a_download_gives_the_bytes_where_it_is_allowed(upstream, client):
    with pytest.raises(ModelRefusedRequest, match="Not allowed to download files of purpose: assistants"):
        async with client.download("file-a"):
            pass
    upstream.downloads_allowed = True
    async with client.download("file-a") as content:
        assert b"".join([piece async for piece in content]) == b"Clay swells."
    with pytest.raises(NotFound, match="No file found with id 'file-x'"):
        async with client.download("file-x"):
            pass


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_without_vector_stores_knows_none(upstream, client, status):
    upstream.refuse(status, body="")
    assert await client.store("vs_a") is None


async def test_a_server_that_says_so_with_200_knows_none(upstream, client):
    upstream.refuse(200, body='{"error": "Unexpected endpoint or method. (GET /v1/vector_stores/vs_a)"}')
    assert await client.store("vs_a") is None


async def test_an_id_of_another_form_is_not_known(upstream, client):
    text = "Invalid 'vector_store_id': 'knowledge'. Expected an ID that begins with 'vs'."
    upstream.refuse(400, body=json.dumps({"error": {"message": text}}))
    assert await client.store("knowledge") is None
    with pytest.raises(ModelRefusedRequest):
        await client.store("vs_a")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, None, ModelKeyRejected),
        (403, '{"error": {"message": "The key lacks permission."}}', ModelKeyRejected),
        (403, "", ModelKeyRejected),
        (429, None, ModelRateLimited),
        (500, None, ModelBroken),
        (503, None, ModelUnreachable),
        (302, "", ModelUnreachable),
        (404, '{"error": {"message": "Invalid URL (GET /vector_stores/vs_a)"}}', ModelUnreachable),
        (200, "<html>Please log in</html>", ModelBroken),
        (200, '{"id": "vs_other", "object": "vector_store"}', ModelBroken),
        (200, '{"id": "vs_a"}', ModelBroken),
        (200, "", ModelBroken),
    ],
)
async def test_what_leaves_it_open_is_an_error_and_never_unknown(upstream, client, status, body, kind):
    upstream.refuse(status, body=body)
    with pytest.raises(kind) as raised:
        await client.store("vs_a")
    assert KEY not in raised.value.message
    if kind is ModelKeyRejected:
        assert "OPENAI_API_KEY" in raised.value.message


async def test_a_wrong_key_is_told_in_a_sentence_that_names_the_setting(upstream):
    client = client_of(upstream, key="sk-wrong-0123456789")
    with pytest.raises(ModelKeyRejected, match="OPENAI_API_KEY") as raised:
        await client.search("vs_a", "clay", limit=1, where=None, threshold=0)
    assert "sk-wrong" not in raised.value.message
    await client.close()


async def test_an_answer_that_may_pass_is_asked_for_again_after_the_time_it_names(upstream, client):
    upstream.refuse(503, headers={"Retry-After": "0"}, times=2)
    assert await client.store("vs_a") is not None
    upstream.refuse(429, headers={"Retry-After": "600"}, times=1)
    with pytest.raises(ModelRateLimited) as raised:
        await client.store("vs_a")
    assert raised.value.retry_after_s == 600


async def test_bytes_are_sent_once(upstream, client):
    upstream.refuse(503, times=1)
    with pytest.raises(ModelUnreachable):
        await client.upload("a.txt", pieces(b"x"), 1)
    assert upstream.asked == [("POST", "/files")]


async def test_a_server_that_is_away_cannot_be_asked():
    client = client_of(await stopped_for_good())
    with pytest.raises(ModelUnreachable, match="Check OPENAI_BASE_URL"):
        await client.store("vs_a")
    with pytest.raises(ModelError):
        async with client.download("file-a"):
            pass
    await client.close()
