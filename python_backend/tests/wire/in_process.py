"""The server inside the test's own event loop, for faults that only a test can put in: a store that breaks."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn

from underpin.api.rooms import Rooms
from underpin.app import build_app, open_rooms
from underpin.serve import Server, listen
from underpin.settings import Settings
from underpin.store.base import Store


@asynccontextmanager
async def serving(
    data_dir: Path,
    *,
    wrap_store: Callable[[Store], Store] = lambda store: store,
    wrap_rooms: Callable[[Rooms], Rooms] = lambda rooms: rooms,
    **settings: object,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that uses `wrap_store(its store)`, and whose routes use `wrap_rooms(its rooms)`. `settings` have the
    names of Settings' fields."""
    loaded, _ = Settings.load(Path(os.devnull))
    given = {"host": "127.0.0.1", "port": 0, "underpin_data_dir": data_dir, "openai_model": "scripted", **settings}
    chosen = loaded.model_copy(update=given)
    async with open_rooms(chosen, wrap_store=wrap_store) as opened:
        rooms = wrap_rooms(opened)
        config = uvicorn.Config(build_app(chosen, rooms), lifespan="off", log_config=None, server_header=False)
        server, listener = Server(config, rooms), listen(chosen)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with httpx.AsyncClient(base_url=base_url, timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            await serving
