"""A database of each backend for every test of the store's contracts."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contracts.backends import Backend, MongoBackend, SqliteBackend
from tests.mongo_servers.fixtures import obtained
from tests.mongo_servers.processes import own_database
from tests.mongo_servers.servers import MongoServers, server_names
from underpin.store.base import Conversations, Store


@pytest.fixture(params=["sqlite", *server_names()])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    if request.param == "sqlite":
        yield SqliteBackend(str(tmp_path / "data"))
        return
    servers: MongoServers = request.getfixturevalue("mongo_servers")
    with own_database(obtained(lambda: servers.running(request.param))) as uri:
        yield MongoBackend(uri)


@pytest_asyncio.fixture
async def another(backend: Backend) -> AsyncIterator[Callable[[], Awaitable[Store]]]:
    """Opens one more store on the database."""
    opened: list[Store] = []

    async def open_one() -> Store:
        opened.append(backend.store())
        await opened[-1].open()
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest_asyncio.fixture
async def store(another: Callable[[], Awaitable[Store]]) -> Store:
    return await another()


@pytest_asyncio.fixture
async def conversations(backend: Backend, store: Store) -> Conversations:
    return backend.conversations(store)
