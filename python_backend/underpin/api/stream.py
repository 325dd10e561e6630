"""The body of a stream: a log being followed, framed, sent. Plain ASGI, because it is the path of every token.

When the client goes away, following stops; the run does not.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..errors import UnderpinError
from ..eventlog.base import Event
from .framing import VARY, Framing

logger = logging.getLogger("underpin.api")


class EventStream(Response):
    """`events` yields batches; an empty one says that it was quiet for the keep-alive's time."""

    def __init__(
        self, events: AsyncGenerator[Sequence[Event], None], framing: Framing, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status_code = 200
        self.background = None
        self.body = b""
        self._events = events
        self._framing = framing
        self.init_headers(
            {
                "content-type": f"{framing.media_type}; charset=utf-8",
                "cache-control": "no-cache, no-transform",
                "x-accel-buffering": "no",
                "vary": VARY,
                **(headers or {}),
            }
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self._without_length()})
        pump = asyncio.create_task(self._pump(send), name="stream")
        gone = asyncio.create_task(_until_gone(receive), name="client gone?")
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            pump.cancel()
            await asyncio.gather(pump, gone, return_exceptions=True)
            await self._events.aclose()
        if not pump.cancelled():
            pump.result()  # what nobody foresaw goes on up: it is logged there, and the connection is cut

    async def _pump(self, send: Send) -> None:
        framing = self._framing
        frame, keep_alive = framing.frame, framing.keep_alive
        try:
            async for batch in self._events:
                body = frame(batch) if batch else keep_alive
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except UnderpinError as error:
            # The status is sent already. The log is whole: the client resumes, and reads the rest or the reason.
            logger.warning("⚠️ A stream was cut: %s", error.message)
            if told := framing.broken(error):
                await send({"type": "http.response.body", "body": told, "more_body": True})
        await send({"type": "http.response.body", "body": framing.end, "more_body": False})

    def _without_length(self) -> list[tuple[bytes, bytes]]:
        return [(name, value) for name, value in self.raw_headers if name != b"content-length"]


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
