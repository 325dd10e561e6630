"""A database of each backend for every test of the store's contracts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contracts.backends import BACKENDS, Backend
from underpin.store.base import Conversations, Store


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    return BACKENDS[request.param](tmp_path / "data")


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
