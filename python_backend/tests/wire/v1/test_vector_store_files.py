"""Files in vector stores by the official SDK: put in and waited for, searched, filtered, read, given attributes, taken out."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types import VectorStore

from tests.server_process import ServerProcess
from tests.wire.v1.clients import KEY

CLAY = b"# Clay\n\nBentonite is a clay that swells when it takes up water. Its liquid limit is far above 100 percent.\n"
SAND = b"# Sand\n\nDense sand drains quickly, and its friction angle is about 38 degrees.\n"
POLL_MS = 20


@pytest.fixture
def store(client: openai.OpenAI) -> VectorStore:
    return client.vector_stores.create(name="Soils")


@pytest.fixture(scope="module")
def soils(client: openai.OpenAI) -> Iterator[tuple[VectorStore, str, str]]:
    """A store, and the ids of a file about clay and one about sand."""
    store = client.vector_stores.create(name="Soils")
    clay = client.files.create(file=("clay.md", CLAY), purpose="assistants").id
    sand = client.files.create(file=("sand.md", SAND), purpose="assistants").id
    client.vector_stores.files.create_and_poll(
        clay, vector_store_id=store.id, attributes={"year": 2019, "kind": "clay", "open": True}, poll_interval_ms=POLL_MS
    )
    client.vector_stores.files.create_and_poll(
        sand, vector_store_id=store.id, attributes={"year": 2024, "kind": "sand", "open": False}, poll_interval_ms=POLL_MS
    )
    yield store, clay, sand
    client.vector_stores.delete(store.id)


def found(client: openai.OpenAI, store: VectorStore, query: str | list[str], **asked: Any) -> list[str]:
    return [result.filename for result in client.vector_stores.search(store.id, query=query, **asked)]


def test_a_file_is_put_in_and_waited_for(client: openai.OpenAI, store: VectorStore) -> None:
    file = client.files.create(file=("clay.md", CLAY), purpose="assistants")
    added = client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id, poll_interval_ms=POLL_MS)
    assert (added.id, added.object, added.vector_store_id) == (file.id, "vector_store.file", store.id)
    assert (added.status, added.last_error) == ("completed", None)
    assert added.usage_bytes > len(CLAY)
    assert added.chunking_strategy is not None
    assert added.chunking_strategy.to_dict() == {
        "type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
    }  # fmt: skip
    whole = client.vector_stores.retrieve(store.id)
    assert (whole.file_counts.completed, whole.file_counts.total, whole.status) == (1, 1, "completed")
    assert whole.usage_bytes == added.usage_bytes


def test_a_file_is_uploaded_and_waited_for(client: openai.OpenAI, store: VectorStore) -> None:
    sizes: Any = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0}}
    added = client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("sand.md", SAND), chunking_strategy=sizes, poll_interval_ms=POLL_MS
    )
    assert added.status == "completed"
    assert added.chunking_strategy is not None
    assert added.chunking_strategy.to_dict() == sizes


def test_a_store_is_made_with_its_files(client: openai.OpenAI) -> None:
    ids = [client.files.create(file=(f"{n}.md", SAND), purpose="assistants").id for n in range(3)]
    store = client.vector_stores.create(file_ids=ids)
    assert (store.status, store.file_counts.in_progress + store.file_counts.completed) in [("in_progress", 3), ("completed", 3)]
    for file_id in ids:
        assert client.vector_stores.files.poll(file_id, vector_store_id=store.id, poll_interval_ms=POLL_MS).status == "completed"


def test_a_batch_is_uploaded_and_waited_for(client: openai.OpenAI, store: VectorStore) -> None:
    named = client.files.create(file=("named.md", CLAY), purpose="assistants").id
    batch = client.vector_stores.file_batches.upload_and_poll(
        store.id, files=[(f"{n}.md", SAND) for n in range(4)], file_ids=[named], poll_interval_ms=POLL_MS
    )
    assert (batch.object, batch.status, batch.vector_store_id) == ("vector_store.files_batch", "completed", store.id)
    assert (batch.file_counts.completed, batch.file_counts.total) == (5, 5)
    listed = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id, order="asc", limit=2)
    assert len([file.id for file in listed]) == 5  # the iterator goes from page to page
    assert client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id, filter="failed").data == []
    assert client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id) == batch
    assert client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id) == batch


def test_each_file_of_a_batch_may_have_its_own_attributes(client: openai.OpenAI, store: VectorStore) -> None:
    ids = [client.files.create(file=(f"{n}.md", SAND), purpose="assistants").id for n in range(2)]
    batch = client.vector_stores.file_batches.create(
        store.id, files=[{"file_id": ids[0], "attributes": {"n": 0}}, {"file_id": ids[1], "attributes": {"n": 1}}]
    )
    client.vector_stores.file_batches.poll(batch.id, vector_store_id=store.id, poll_interval_ms=POLL_MS)
    assert [client.vector_stores.files.retrieve(one, vector_store_id=store.id).attributes for one in ids] == [{"n": 0}, {"n": 1}]


def test_a_batch_is_cancelled_before_it_is_done(client: openai.OpenAI, store: VectorStore) -> None:
    text = b"Clay swells when it takes up water, and shrinks again when it dries. " * 3000
    ids = [client.files.create(file=(f"{n}.txt", text), purpose="assistants").id for n in range(6)]
    batch = client.vector_stores.file_batches.create(store.id, file_ids=ids)
    cancelled = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
    assert (cancelled.status, cancelled.file_counts.in_progress, cancelled.file_counts.total) == ("cancelled", 0, 6)
    assert cancelled.file_counts.cancelled >= 4
    statuses = {file.status for file in client.vector_stores.files.list(store.id)}
    assert statuses <= {"cancelled", "completed"}


async def test_the_asynchronous_client_does_the_same(aclient: openai.AsyncOpenAI) -> None:
    store = await aclient.vector_stores.create()
    batch = await aclient.vector_stores.file_batches.upload_and_poll(
        store.id, files=[("clay.md", CLAY), ("sand.md", SAND)], poll_interval_ms=POLL_MS
    )
    assert batch.file_counts.completed == 2
    names = [result.filename async for result in aclient.vector_stores.search(store.id, query="friction angle")]
    assert names[0] == "sand.md"


def test_files_are_listed_by_status_and_page(client: openai.OpenAI, soils: tuple[VectorStore, str, str]) -> None:
    store, clay, sand = soils
    files = client.vector_stores.files
    assert [file.id for file in files.list(store.id)] == [sand, clay]
    page = files.list(store.id, limit=1, order="asc")
    assert ([file.id for file in page.data], page.has_more) == ([clay], True)
    assert [file.id for file in files.list(store.id, order="asc", after=clay)] == [sand]
    assert [file.id for file in files.list(store.id, before=clay)] == [sand]
    assert [file.id for file in files.list(store.id, filter="completed")] == [sand, clay]
    assert files.list(store.id, filter="in_progress").data == []
    with pytest.raises(openai.BadRequestError) as refused:
        files.list(store.id, filter="done")  # type: ignore[arg-type]
    assert refused.value.param == "filter"
    with pytest.raises(openai.NotFoundError):
        files.list(store.id, after="file-none")


def test_a_search_finds_what_words_and_meaning_say(client: openai.OpenAI, soils: tuple[VectorStore, str, str]) -> None:
    store, clay, _ = soils
    page = client.vector_stores.search(store.id, query="Which soil expands in moisture?")
    assert page.data
    best = page.data[0]
    assert (best.file_id, best.filename, best.attributes) == (clay, "clay.md", {"year": 2019, "kind": "clay", "open": True})
    assert 0 < best.score <= 1
    assert "Bentonite" in best.content[0].text
    assert [one.score for one in page.data] == sorted((one.score for one in page.data), reverse=True)


def test_several_queries_are_searched_as_one(client: openai.OpenAI, soils: tuple[VectorStore, str, str]) -> None:
    names = found(client, soils[0], ["friction angle of sand", "swelling of bentonite"], rewrite_query=True)
    assert sorted(names) == ["clay.md", "sand.md"]


def test_results_are_as_many_and_as_good_as_asked_for(client: openai.OpenAI, soils: tuple[VectorStore, str, str]) -> None:
    store = soils[0]
    assert len(found(client, store, "soil water clay sand", max_num_results=1)) == 1
    threshold: Any = {"score_threshold": 1.0}
    assert found(client, store, "completely unrelated words", ranking_options=threshold) == []


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"type": "eq", "key": "kind", "value": "sand"}, ["sand.md"]),
        ({"type": "ne", "key": "kind", "value": "sand"}, ["clay.md"]),
        ({"type": "gt", "key": "year", "value": 2019}, ["sand.md"]),
        ({"type": "gte", "key": "year", "value": 2019}, ["clay.md", "sand.md"]),
        ({"type": "lt", "key": "year", "value": 2024}, ["clay.md"]),
        ({"type": "lte", "key": "year", "value": 2018}, []),
        ({"type": "eq", "key": "open", "value": True}, ["clay.md"]),
        ({"type": "in", "key": "kind", "value": ["sand", "silt"]}, ["sand.md"]),
        ({"type": "nin", "key": "kind", "value": ["sand", "silt"]}, ["clay.md"]),
        (
            {
                "type": "or",
                "filters": [
                    {"type": "eq", "key": "kind", "value": "silt"},
                    {
                        "type": "and",
                        "filters": [{"type": "eq", "key": "open", "value": False}, {"type": "gt", "key": "year", "value": 2000}],
                    },
                ],
            },
            ["sand.md"],
        ),
    ],
)
def test_attributes_choose_what_is_searched(
    client: openai.OpenAI, soils: tuple[VectorStore, str, str], filters: Any, names: list[str]
) -> None:
    assert sorted(found(client, soils[0], "soil clay sand water", filters=filters)) == names


def test_new_attributes_are_searched_by_at_once(client: openai.OpenAI, store: VectorStore) -> None:
    added = client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("a.md", CLAY), poll_interval_ms=POLL_MS)
    wanted: Any = {"type": "eq", "key": "checked", "value": True}
    assert found(client, store, "clay", filters=wanted) == []
    changed = client.vector_stores.files.update(added.id, vector_store_id=store.id, attributes={"checked": True})
    assert changed.attributes == {"checked": True}
    assert found(client, store, "clay", filters=wanted) == ["a.md"]
    assert client.vector_stores.files.update(added.id, vector_store_id=store.id, attributes=None).attributes == {}


def test_a_files_text_is_told_as_it_was_understood(client: openai.OpenAI, store: VectorStore) -> None:
    text = "# Report\n\n" + "\n\n".join(f"Paragraph {n} about clay. " * 20 for n in range(60))
    added = client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("r.md", text.encode()), poll_interval_ms=POLL_MS
    )
    content = client.vector_stores.files.content(added.id, vector_store_id=store.id)
    assert content.object == "vector_store.file_content.page"
    assert len(content.data) > 3
    assert "".join("".join(part.text or "" for part in content.data).split()) == "".join(text.split())


def test_a_file_that_is_taken_out_stays_a_file(client: openai.OpenAI, store: VectorStore) -> None:
    added = client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("a.md", CLAY), poll_interval_ms=POLL_MS)
    assert found(client, store, "bentonite") == ["a.md"]
    deleted = client.vector_stores.files.delete(added.id, vector_store_id=store.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (added.id, "vector_store.file.deleted", True)
    assert found(client, store, "bentonite") == []
    assert client.vector_stores.retrieve(store.id).file_counts.total == 0
    assert client.files.retrieve(added.id).id == added.id
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.files.delete(added.id, vector_store_id=store.id)


def test_a_file_that_is_deleted_leaves_all_stores(client: openai.OpenAI) -> None:
    stores = [client.vector_stores.create() for _ in range(2)]
    file_id = client.files.create(file=("a.md", CLAY), purpose="assistants").id
    for store in stores:
        client.vector_stores.files.create_and_poll(file_id, vector_store_id=store.id, poll_interval_ms=POLL_MS)
    client.files.delete(file_id)
    for store in stores:
        assert client.vector_stores.files.list(store.id).data == []
        assert found(client, store, "bentonite") == []


HOSTILE = [
    ("empty.md", b""),
    ("blank.txt", b" \n\t \n"),
    ("program.exe", b"MZ" + bytes(range(256)) * 40),
    ("broken.pdf", b"%PDF-1.7\nnothing of this is true"),
    ("not.docx", b"PK\x03\x04 this is no archive"),
    ("wrong.pdf", b"\x89PNG\r\n\x1a\n" + bytes(1000)),
    ("noise.bin", bytes(n * 7919 % 256 for n in range(5000))),
]


def test_files_that_cannot_be_read_fail_with_a_sentence_and_hold_up_nothing(client: openai.OpenAI, store: VectorStore) -> None:
    ids = {name: client.files.create(file=(name, data), purpose="assistants").id for name, data in HOSTILE}
    good = client.files.create(file=("good.md", CLAY), purpose="assistants").id
    batch = client.vector_stores.file_batches.create_and_poll(store.id, file_ids=[*ids.values(), good], poll_interval_ms=POLL_MS)
    assert (batch.file_counts.failed, batch.file_counts.completed) == (len(HOSTILE), 1)
    for file_id in ids.values():
        file = client.vector_stores.files.retrieve(file_id, vector_store_id=store.id)
        assert file.last_error is not None
        assert file.last_error.code in ("invalid_file", "unsupported_file"), file.last_error
        assert file.last_error.message.endswith(".")
        assert "Traceback" not in file.last_error.message
        assert client.vector_stores.files.content(file_id, vector_store_id=store.id).data == []
    assert found(client, store, "bentonite") == ["good.md"]


def test_old_sdks_call_the_same_addresses(server: ServerProcess) -> None:
    """Python's 1.x before 1.66 and Node's 4.x have `beta.vector_stores`: the same addresses, with OpenAI's header."""
    headers = {"OpenAI-Beta": "assistants=v2"}
    with openai.OpenAI(base_url=server.base_url + "/v1", api_key=KEY, default_headers=headers, max_retries=0) as old:
        store = old.vector_stores.create()
        assert old.vector_stores.retrieve(store.id).id == store.id
