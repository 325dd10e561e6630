"""One server for the whole session, answering by scripts, and what the tests of the wire ask of it."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

import dev_node
from tests.server_process import ServerProcess
from tests.wire.functions import given


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The scripted model answers; what it says stands in the message (models/scripted.py)."""
    with ServerProcess(tmp_path_factory.mktemp("wire") / "data", OPENAI_MODEL="scripted") as process:
        yield process


@pytest.fixture(scope="session")
def http(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, timeout=30) as client:
        yield client


@pytest.fixture
def functions(http: httpx.Client) -> Iterator[None]:
    """Those that the scripts of the tests call."""
    with given(http, "get_weather", "get_time", "look", "one", "two", "first", "second", "third", "last", "unknown"):
        yield


@pytest.fixture
def thread(http: httpx.Client) -> str:
    """The id of a new thread."""
    return new_thread(http)


def new_thread(http: httpx.Client) -> str:
    answer = http.post("/threads/create")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["threadId"])


@pytest.fixture(scope="session")
def node() -> None:
    """Node is there, with the SDKs that package-lock.json pins."""
    if not dev_node.is_current():
        assert dev_node.install() == 0, "npm ci failed: run 'make setup' and read what it says"


@pytest.fixture
def stored(http: httpx.Client) -> Callable[[str], list[dict[str, Any]]]:
    """The messages of a thread as they are kept, oldest first."""

    def messages(thread_id: str) -> list[dict[str, Any]]:
        answer = http.get(f"/threads/{thread_id}/history")
        assert answer.status_code == 200, answer.text
        listed: list[dict[str, Any]] = answer.json()["messages"]
        return listed[::-1]

    return messages
