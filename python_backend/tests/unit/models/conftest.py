from collections.abc import AsyncIterator

import pytest

from tests.faults.upstream import Upstream
from tests.unit.models.chatting import client
from underpin.models.chat_completions import ChatCompletions


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def model(upstream: Upstream) -> AsyncIterator[ChatCompletions]:
    model = client(upstream.base_url)
    yield model
    await model.close()
