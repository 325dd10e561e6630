"""Vector stores by the official SDK: made, found, changed, listed, deleted, and what is refused."""

from typing import Any

import openai
import pytest


def mistake(refused: pytest.ExceptionInfo[openai.APIStatusError]) -> tuple[int, str | None, str | None]:
    return refused.value.status_code, refused.value.param, refused.value.code


def text_of(refused: pytest.ExceptionInfo[openai.APIStatusError]) -> str:
    body: Any = refused.value.body
    return str(body["message"])


def test_a_vector_store_is_kept_as_it_was_given(client: openai.OpenAI) -> None:
    store = client.vector_stores.create(
        name="Soils 粘土", expires_after={"anchor": "last_active_at", "days": 7}, metadata={"team": "a"}
    )
    assert store.id.startswith("vs_")
    assert store.id.removeprefix("vs_").isalnum()
    assert (store.object, store.name, store.status, store.usage_bytes) == ("vector_store", "Soils 粘土", "completed", 0)
    assert (store.file_counts.total, store.metadata) == (0, {"team": "a"})
    assert store.last_active_at == store.created_at
    assert store.expires_after is not None
    assert (store.expires_after.days, store.expires_at) == (7, store.created_at + 7 * 86_400)
    assert client.vector_stores.retrieve(store.id) == store


def test_a_vector_store_needs_nothing(client: openai.OpenAI) -> None:
    store = client.vector_stores.create()
    assert (store.name, store.expires_after, store.expires_at, store.metadata) == ("", None, None, {})


def test_what_is_given_is_changed_and_nothing_else(client: openai.OpenAI) -> None:
    store = client.vector_stores.create(name="A", metadata={"a": "b"})
    changed = client.vector_stores.update(store.id, name="B")
    assert (changed.name, changed.metadata) == ("B", {"a": "b"})
    changed = client.vector_stores.update(store.id, expires_after={"anchor": "last_active_at", "days": 1}, metadata={"c": "d"})
    assert (changed.name, changed.metadata, changed.expires_at) == ("B", {"c": "d"}, store.created_at + 86_400)
    changed = client.vector_stores.update(store.id, expires_after=None)
    assert (changed.expires_after, changed.expires_at) == (None, None)


def test_vector_stores_are_listed_newest_first(client: openai.OpenAI) -> None:
    ids = [client.vector_stores.create(name=f"{n}").id for n in range(3)]
    page = client.vector_stores.list(limit=3)
    assert [store.id for store in page.data] == ids[::-1]
    assert [store.id for store in client.vector_stores.list(limit=1, before=ids[0]).data] == [ids[1]]
    every = [store.id for store in client.vector_stores.list(limit=1, order="asc")]  # the iterator goes from page to page
    assert every[-3:] == ids


def test_a_deleted_vector_store_is_gone(client: openai.OpenAI) -> None:
    store = client.vector_stores.create()
    deleted = client.vector_stores.delete(store.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (store.id, "vector_store.deleted", True)
    calls: list[Any] = [
        lambda: client.vector_stores.retrieve(store.id),
        lambda: client.vector_stores.update(store.id, name="x"),
        lambda: client.vector_stores.delete(store.id),
        lambda: client.vector_stores.search(store.id, query="x"),
        lambda: client.vector_stores.files.list(store.id),
        lambda: client.vector_stores.file_batches.create(store.id, file_ids=["file-x"]),
        lambda: client.vector_stores.list(after=store.id),
    ]
    for call in calls:
        with pytest.raises(openai.NotFoundError) as gone:
            call()
        assert gone.value.body == {
            "message": f"No vector store found with id '{store.id}'.", "type": "invalid_request_error", "param": None,
            "code": None,
        }  # fmt: skip
    assert store.id not in {one.id for one in client.vector_stores.list(limit=100)}


def test_an_id_that_cannot_be_one_is_told(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.vector_stores.retrieve("undefined")
    assert text_of(refused) == "Invalid 'vector_store_id': 'undefined'. Expected an ID that begins with 'vs'."
    assert mistake(refused) == (400, "vector_store_id", "invalid_value")
    store = client.vector_stores.create()
    with pytest.raises(openai.NotFoundError) as missing:
        client.vector_stores.files.retrieve("file-none", vector_store_id=store.id)
    assert text_of(missing) == f"No file found with id 'file-none' in vector store '{store.id}'."
    with pytest.raises(openai.BadRequestError) as wrong:
        client.vector_stores.files.retrieve("none", vector_store_id=store.id)
    assert text_of(wrong) == "Invalid 'file_id': 'none'. Expected an ID that begins with 'file'."
    with pytest.raises(openai.NotFoundError) as batch:
        client.vector_stores.file_batches.retrieve("vsfb_none", vector_store_id=store.id)
    assert text_of(batch) == "No vector store file batch found with id 'vsfb_none'."


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"name": "x" * 257}, "name", "string_above_max_length"),
        ({"name": 5}, "name", "invalid_type"),
        ({"file_ids": ["file-x"] * 501}, "file_ids", "array_above_max_length"),
        ({"file_ids": [5]}, "file_ids[0]", "invalid_type"),
        ({"expires_after": {"anchor": "last_active_at", "days": 0}}, "expires_after.days", "integer_below_min_value"),
        ({"expires_after": {"anchor": "last_active_at", "days": 366}}, "expires_after.days", "integer_above_max_value"),
        ({"expires_after": {"anchor": "created_at", "days": 1}}, "expires_after.anchor", "invalid_value"),
        ({"expires_after": {"days": 1}}, "expires_after.anchor", "missing_required_parameter"),
        ({"chunking_strategy": {"type": "semantic"}}, "chunking_strategy.type", "invalid_value"),
        (
            {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 0}}},
            "chunking_strategy.static.max_chunk_size_tokens",
            "integer_below_min_value",
        ),
        (
            {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 4097, "chunk_overlap_tokens": 0}}},
            "chunking_strategy.static.max_chunk_size_tokens",
            "integer_above_max_value",
        ),
        (
            {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}}},
            "chunking_strategy.static.chunk_overlap_tokens",
            "integer_above_max_value",
        ),
        ({"chunking_strategy": {"type": "static"}}, "chunking_strategy.static", "missing_required_parameter"),
        ({"metadata": {f"{n}": "x" for n in range(17)}}, "metadata", "object_above_max_properties"),
    ],
)
def test_a_store_that_cannot_be_is_refused(client: openai.OpenAI, given: Any, param: str, code: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.vector_stores.create(**given)
    assert mistake(refused) == (400, param, code), text_of(refused)


def test_a_store_is_not_made_when_a_file_is_not_there(client: openai.OpenAI) -> None:
    before = [store.id for store in client.vector_stores.list(limit=100)]
    file = client.files.create(file=("a.txt", b"Clay."), purpose="assistants")
    with pytest.raises(openai.NotFoundError) as refused:
        client.vector_stores.create(file_ids=[file.id, "file-none"])
    assert mistake(refused) == (404, "file_ids[1]", None)
    assert text_of(refused) == "No such File object: file-none"
    assert [store.id for store in client.vector_stores.list(limit=100)] == before


@pytest.mark.parametrize(
    ("attributes", "param"),
    [
        ({f"{n}": n for n in range(17)}, "attributes"),
        ({"k" * 65: "x"}, "attributes"),
        ({"k": "x" * 513}, "attributes"),
        ({"k": ["x"]}, "attributes"),
        ({"k": None}, "attributes"),
        ("x", "attributes"),
    ],
)
def test_attributes_that_cannot_be_are_refused(client: openai.OpenAI, attributes: Any, param: str) -> None:
    store = client.vector_stores.create()
    with pytest.raises(openai.BadRequestError) as refused:
        client.vector_stores.files.create(store.id, file_id="file-none", attributes=attributes)
    assert mistake(refused)[1] == param, text_of(refused)


FILTERS: list[tuple[Any, str]] = [
    ("x", "filters"),
    ({}, "filters.type"),
    ({"type": "like", "key": "a", "value": "b"}, "filters.type"),
    ({"type": "eq", "value": "b"}, "filters.key"),
    ({"type": "eq", "key": "", "value": "b"}, "filters.key"),
    ({"type": "eq", "key": "a"}, "filters.value"),
    ({"type": "eq", "key": "a", "value": ["b"]}, "filters.value"),
    ({"type": "eq", "key": "a", "value": None}, "filters.value"),
    ({"type": "in", "key": "a", "value": "b"}, "filters.value"),
    ({"type": "in", "key": "a", "value": ["b", {}]}, "filters.value[1]"),
    ({"type": "and"}, "filters.filters"),
    ({"type": "and", "filters": []}, "filters.filters"),
    ({"type": "or", "filters": [{"type": "eq", "key": "a", "value": 1}, {"type": "gt"}]}, "filters.filters[1].key"),
    ({"type": "or", "filters": [{"type": "eq", "key": "a", "value": 1}] * 101}, "filters"),
]


@pytest.mark.parametrize(("filters", "param"), FILTERS)
def test_a_filter_that_cannot_be_is_refused_with_its_place(client: openai.OpenAI, filters: Any, param: str) -> None:
    store = client.vector_stores.create()
    with pytest.raises(openai.BadRequestError) as refused:
        client.vector_stores.search(store.id, query="clay", filters=filters)
    assert mistake(refused)[1] == param, text_of(refused)


def test_filters_that_are_nested_too_deeply_are_refused(client: openai.OpenAI) -> None:
    filters: Any = {"type": "eq", "key": "a", "value": 1}
    for _ in range(60):
        filters = {"type": "and", "filters": [filters]}
    store = client.vector_stores.create()
    with pytest.raises(openai.BadRequestError) as refused:
        client.vector_stores.search(store.id, query="clay", filters=filters)
    assert "nested" in text_of(refused)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"query": ""}, "query"),
        ({"query": []}, "query"),
        ({"query": [""]}, "query"),
        ({"query": 5}, "query"),
        ({"query": "x", "max_num_results": 0}, "max_num_results"),
        ({"query": "x", "max_num_results": 51}, "max_num_results"),
        ({"query": "x", "ranking_options": {"score_threshold": 1.1}}, "ranking_options.score_threshold"),
        ({"query": "x", "ranking_options": {"ranker": "best"}}, "ranking_options.ranker"),
        ({"query": "x", "rewrite_query": "yes"}, "rewrite_query"),
    ],
)
def test_a_search_that_cannot_be_is_refused(client: openai.OpenAI, asked: Any, param: str) -> None:
    store = client.vector_stores.create()
    with pytest.raises(openai.BadRequestError) as refused:
        client.vector_stores.search(store.id, **asked)
    assert mistake(refused)[1] == param, text_of(refused)


def test_a_batch_names_its_files_in_one_way(client: openai.OpenAI) -> None:
    store = client.vector_stores.create()
    create: Any = client.vector_stores.file_batches.create
    for given, param in [
        ({}, "file_ids"),
        ({"file_ids": []}, "file_ids"),
        ({"files": []}, "files"),
        ({"file_ids": ["file-x"], "files": [{"file_id": "file-x"}]}, "files"),
        ({"file_ids": ["file-x"] * 2001}, "file_ids"),
        ({"files": [{}]}, "files[0].file_id"),
        ({"files": [{"file_id": "file-x", "attributes": {"a": []}}]}, "files[0].attributes"),
    ]:
        with pytest.raises(openai.BadRequestError) as refused:
            create(store.id, **given)
        assert mistake(refused)[1] == param, text_of(refused)


def test_an_empty_store_is_searched_and_finds_nothing(client: openai.OpenAI) -> None:
    store = client.vector_stores.create()
    page = client.vector_stores.search(store.id, query=["clay", "sand"], rewrite_query=True, ranking_options={"ranker": "none"})
    assert page.data == []
