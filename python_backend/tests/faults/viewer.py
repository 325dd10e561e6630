"""A client that shows answers: it remembers what it saw, and when, and goes on behind it when its connection was cut.

viewer = Viewer(thread_id)
await viewer.ask(http, "Hello", until=lambda viewer: viewer.deltas == 50)
...                                     # the server dies, another one starts
await viewer.resume(http)
assert list(viewer.shows.values()) == ["what was kept"]
"""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from tests.wire.clients import Event


def shown(told: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Message id → text, of events by name and data: deltas append, the end of a message replaces."""
    texts: dict[str, str] = {}
    for name, data in told:
        if name == "thread.message.created":
            texts.setdefault(data["id"], "")
        elif name == "thread.message.delta":
            texts[data["id"]] += "".join(part["text"].get("value", "") for part in data["delta"]["content"])
        elif name in ("thread.message.completed", "thread.message.incomplete"):
            texts[data["id"]] = "".join(part["text"]["value"] for part in data["content"])
    return texts


class Viewer:
    def __init__(self, thread_id: str) -> None:
        self.thread_id = thread_id
        self.run_id: str | None = None
        self.events: list[Event] = []
        self.at_s: list[float] = []
        """When each event came, on the monotonic clock."""

    @property
    def shows(self) -> dict[str, str]:
        return shown((event.name, event.data) for event in self.events)

    @property
    def deltas(self) -> int:
        return sum(event.name == "thread.message.delta" for event in self.events)

    def text_before(self, at_s: float) -> str:
        """What it had been told by then."""
        return "".join(
            shown((event.name, event.data) for event, came in zip(self.events, self.at_s, strict=True) if came <= at_s).values()
        )

    async def ask(
        self,
        http: httpx.AsyncClient,
        content: str,
        *,
        key: str | None = None,
        until: Callable[["Viewer"], bool] = lambda viewer: False,
    ) -> None:
        """Send a message, and watch until `until`, or until the stream ends or is cut."""
        headers = {"Idempotency-Key": key} if key else {}
        body = {"content": content, "threadId": self.thread_id}
        request = http.build_request("POST", "/chat/stream", json=body, headers={"Accept": "text/event-stream", **headers})
        await self._watch(http, request, until)

    async def resume(self, http: httpx.AsyncClient) -> None:
        """Go on behind the last event that was seen, to the end."""
        assert self.run_id is not None
        after = {"Last-Event-ID": str(self.events[-1].number)} if self.events else {}
        request = http.build_request("GET", f"/chat/stream/{self.run_id}", headers={"Accept": "text/event-stream", **after})
        await self._watch(http, request, lambda viewer: False)

    async def _watch(self, http: httpx.AsyncClient, request: httpx.Request, until: Callable[["Viewer"], bool]) -> None:
        try:
            response = await http.send(request, stream=True)
        except httpx.TransportError:
            return
        try:
            assert response.status_code == 200, (await response.aread()).decode()
            self.run_id = response.headers["x-run-id"]
            number = 0
            async for line in response.aiter_lines():
                if line.startswith("id: "):
                    number = int(line[4:])
                elif line.startswith("data: "):
                    told = json.loads(line[6:])
                    self.events.append(Event(number, told["event"], told["data"]))
                    self.at_s.append(time.monotonic())
                    if until(self):
                        return
        except httpx.TransportError:
            return
        finally:
            await response.aclose()
