"""The official SDK against a running server, and what its tests begin with."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.beta import Assistant, Thread

from tests.server_process import ServerProcess
from tests.wire.v1.clients import async_client, sync_client
from tests.wire.v1.surface import Surface

HERE = Path(__file__).parent

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            # The SDK calls every one of these methods deprecated: that is what this server is for.
            item.add_marker(pytest.mark.filterwarnings("ignore:(deprecated|The Assistants API):DeprecationWarning"))


@pytest.fixture(scope="session")
def surface() -> Surface:
    return Surface()


@pytest.fixture(scope="session")
def client(server: ServerProcess, surface: Surface) -> Iterator[openai.OpenAI]:
    with sync_client(server.base_url, surface) as client:
        yield client


@pytest.fixture
async def aclient(server: ServerProcess, surface: Surface) -> AsyncIterator[openai.AsyncOpenAI]:
    async with async_client(server.base_url, surface) as client:
        yield client


@pytest.fixture
def assistant(client: openai.OpenAI) -> Assistant:
    return client.beta.assistants.create(model="gpt-4o", name="Weatherman", instructions="Be brief.", tools=[WEATHER])


@pytest.fixture
def talk(client: openai.OpenAI) -> Thread:
    """A new thread, empty."""
    return client.beta.threads.create()
