"""The server's own OpenAPI document holds for whatever is asked: no 5xx, and every body is one that the document has."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from schemathesis.core.failures import FailureGroup

from tests.faults.watched_store import Call, WatchedStore
from tests.server_process import ServerProcess
from tests.wire.in_process import serving
from tests.wire.own_openapi import DOCUMENT, fuzz, operation, operations
from underpin.objects.thread import Thread


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of its own: what others count on may be deleted here."""
    with ServerProcess(tmp_path_factory.mktemp("own_openapi") / "data", OPENAI_MODEL="scripted") as process:
        yield process


@pytest.mark.parametrize(("method", "path"), operations())
def test_any_request(server: ServerProcess, method: str, path: str):
    fuzz(operation(method, path), server.base_url)


def test_every_operation_declares_what_it_answers():
    undeclared = [
        f"{method} {path}"
        for path, methods in DOCUMENT["paths"].items()
        for method, told in methods.items()
        if not all(content.get("schema", content.get("itemSchema")) for content in told["responses"]["200"]["content"].values())
        or "4XX" not in told["responses"]
    ]
    assert undeclared == []


async def test_a_mistake_deep_in_the_server_is_found(tmp_path: Path):
    """A 500 that is behind a valid body, for an assistant that is there."""

    async def planted(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        if call.verb == "update" and call.what == "assistants" and "top_p" in (call.changes or {}):
            raise RuntimeError("planted")
        return await do()

    async with serving(tmp_path, wrap_store=lambda store: WatchedStore(store, planted)) as http:
        change = operation("POST", "/v1/assistants/{assistant_id}")
        with pytest.raises(FailureGroup, match="Server error"):
            await asyncio.to_thread(fuzz, change, str(http.base_url))


async def test_an_answer_that_the_document_does_not_have_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Thread, "bookkeeping", Thread.bookkeeping | {"created_at"})
    async with serving(tmp_path) as http:
        with pytest.raises(FailureGroup, match="created_at"):
            await asyncio.to_thread(fuzz, operation("POST", "/v1/threads"), str(http.base_url))
