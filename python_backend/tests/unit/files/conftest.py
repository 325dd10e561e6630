"""A shelf for every test of files."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.files.shelf import Shelf, open_shelf


@pytest_asyncio.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with open_shelf(tmp_path) as shelf:
        yield shelf
