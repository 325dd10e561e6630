"""The server in the test's own process, on a real socket, so that what it leaves behind can be counted.

    async with Inside(tmp_path, openai_base_url=upstream.base_url, model_gap_timeout_s=0.5) as server:
        talk = await server.talk()                   # a new thread
        answer = await talk.stream("Hello")          # POST /chat/stream, read to its end
        later = await talk.send("Hello")             # POST /chat, and the run followed to its end
        assert await talk.messages() == [...]
        await server.quiet()                         # every task that it made has ended

Its model's server (`tests/faults/upstream.py`) may live in the same loop.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
from pydantic import SecretStr

from tests.wire.clients import Event, parse_sse, text_of
from tests.wire.in_process import serving

WAIT_S = 20
"""For what should take a moment: four times what a busy machine needs."""


@dataclass(frozen=True)
class Told:
    """What a client was told about one message: the status, what came with it, and the run's events to its end."""

    response: httpx.Response
    events: list[Event]

    @property
    def text(self) -> str:
        return text_of(self.events)

    @property
    def end(self) -> Event:
        return self.events[-1]

    @property
    def last_error(self) -> dict[str, str] | None:
        error: dict[str, str] | None = self.end.data["last_error"]
        return error


class Talk:
    """One thread."""

    def __init__(self, http: httpx.AsyncClient, thread_id: str) -> None:
        self.http = http
        self.thread_id = thread_id

    async def stream(self, content: str = "What is clay?") -> Told:
        """Ask and read the stream; where a refusal became a status, the run's events are fetched."""
        response = await self.http.post("/chat/stream", json={"content": content, "threadId": self.thread_id})
        return Told(response, _events(response) if response.status_code == 200 else await self.follow(_run_of(response)))

    async def send(self, content: str = "What is clay?") -> Told:
        """Ask without a stream; the run is followed afterwards."""
        response = await self.http.post("/chat", json={"content": content, "threadId": self.thread_id})
        return Told(response, await self.follow(_run_of(response)))

    async def follow(self, run_id: str) -> list[Event]:
        """Every event of a run, to its end."""
        return _events(await self.http.get(f"/chat/stream/{run_id}"))

    async def begin(self, content: str = "What is clay?") -> str:
        """Ask without a stream and go on; the run's id."""
        return _run_of(await self.http.post("/chat", json={"content": content, "threadId": self.thread_id}))

    async def stop(self) -> httpx.Response:
        return await self.http.post(f"/threads/{self.thread_id}/stop")

    async def messages(self) -> list[tuple[str, str, str]]:
        """Role, status and text of each message that is kept, oldest first; an image has no text here."""
        listed = (await self._history())["messages"][::-1]
        return [(said["role"], said["status"], said["content"][0]["text"]["value"] if said["content"] else "") for said in listed]

    async def active_run(self) -> Any:
        return (await self._history())["activeRun"]

    async def _history(self) -> dict[str, Any]:
        response = await self.http.get(f"/threads/{self.thread_id}/history")
        assert response.status_code == 200, response.text
        history: dict[str, Any] = response.json()
        return history


class Inside:
    """`settings` have the names of Settings' fields. After `async with` it answers."""

    def __init__(self, data_dir: Path, **settings: object) -> None:
        key = settings.get("openai_api_key")
        self.data_dir = data_dir
        self.said: list[str] = []
        """Every header and every body that a client got."""
        self.http: httpx.AsyncClient
        self._settings = settings | ({"openai_api_key": SecretStr(str(key))} if key else {})
        self._stack = AsyncExitStack()
        self._tasks: Counter[str] = Counter()

    async def talk(self) -> Talk:
        """A new thread."""
        response = await self.http.post("/threads/create")
        return Talk(self.http, response.json()["threadId"])

    def remember_tasks(self) -> None:
        """What is at work now is the base that `quiet` goes back to."""
        self._tasks = _tasks()

    async def quiet(self) -> None:
        """Until no task is left beyond the base. Raises AssertionError with their names."""
        await until(lambda: not _tasks() - self._tasks, lambda: f"left at work: {dict(_tasks() - self._tasks)}")

    async def __aenter__(self) -> Self:
        self.http = await self._stack.enter_async_context(serving(self.data_dir, **self._settings))
        self.http.event_hooks = {"response": [self._keep]}
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _keep(self, response: httpx.Response) -> None:
        await response.aread()
        self.said += [response.text, *map(str, response.headers.items())]


async def until(true: Callable[[], bool], otherwise: Callable[[], str], *, within_s: float = WAIT_S) -> None:
    """Wait for something that has no event of its own. Raises AssertionError with what `otherwise` says."""
    try:
        async with asyncio.timeout(within_s):
            while not true():  # noqa: ASYNC110 -- what is waited for has no event
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(otherwise()) from None


def _tasks() -> Counter[str]:
    """All but our own, by the name of what they run: most have no name of their own."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return Counter(getattr(task.get_coro(), "__qualname__", "?") for task in others)


def _run_of(response: httpx.Response) -> str:
    return response.headers["x-run-id"]


def _events(response: httpx.Response) -> list[Event]:
    assert response.status_code == 200, response.text
    return list(parse_sse(response.text.split("\n")))
