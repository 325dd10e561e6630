"""Vector stores by the official SDK for Node, of two major versions."""

from typing import Any

import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import run_node

pytestmark = [pytest.mark.usefixtures("node"), pytest.mark.parametrize("sdk", ["openai-6", "openai-7"])]


def test_files_are_put_in_waited_for_and_found(server: ServerProcess, sdk: str) -> None:
    seen: Any = run_node("v1_stores.mjs", {"sdk": sdk, "baseUrl": server.base_url, "do": "polls"})
    assert seen["batch"] == ["completed", 2]
    assert seen["ms"] < 20_000
    assert seen["one"] == ["completed", {"organic": True}, "static"]
    assert seen["listed"] == ["completed"] * 3
    assert seen["best"] == ["clay.md", "text"]
    assert seen["filtered"] == ["peat.md"]
    assert seen["content"].split() == ["#", "Soil", "Peat", "is", "organic."]
    assert seen["whole"] == ["completed", 3]
    assert (seen["taken"], seen["deleted"]) == ("vector_store.file.deleted", "vector_store.deleted")
    assert (seen["gone"]["class"], seen["gone"]["status"]) == ("NotFoundError", 404)
    assert seen["gone"]["message"] == f"404 No vector store found with id '{seen['storeId']}'."
