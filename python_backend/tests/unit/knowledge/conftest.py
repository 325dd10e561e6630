"""Vector stores for every test of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.knowledge.stores import Stores, open_stores


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(tmp_path) as house:
        yield house
