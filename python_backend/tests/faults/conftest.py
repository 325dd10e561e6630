import asyncio
from collections.abc import Callable, Mapping

import pytest

try:
    import uvloop
except ImportError:  # Windows has none
    FACTORY: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    FACTORY = uvloop.new_event_loop


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Connections are cut and reset here: the loop is the one that the server runs on."""
    return {"served": FACTORY}
