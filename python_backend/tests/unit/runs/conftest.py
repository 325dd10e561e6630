"""A house for every test of runs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.runs.house import House, open_house


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data") as house:
        yield house
