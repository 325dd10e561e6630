"""The body of a download: bytes from the blobs, a piece at a time, as fast as the client takes them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..errors import UnderpinError
from .attachment import attachment_headers

logger = logging.getLogger("underpin.api")

AT_ONCE_BYTES = 1 << 16
"""What is waited for at once: a client has the gap's time for this much, so that a slow one is no dead one."""


class Download(Response):
    """`content` is opened before anything is sent, so that its errors become an answer. `gap_s`: its client's longest silence."""

    def __init__(self, content: AbstractAsyncContextManager[AsyncIterator[bytes]], *, size: int, name: str, gap_s: float) -> None:
        self.status_code = 200
        self.background = None
        self.body = b""
        self._content = content
        self._gap_s = gap_s
        self.init_headers({"content-type": "application/octet-stream", "content-length": str(size), **attachment_headers(name)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._content as pieces:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            gone = asyncio.create_task(_until_gone(receive), name="client gone?")
            try:
                await self._send_all(pieces, send, gone)
            except TimeoutError:
                logger.warning("⚠️ A download was cut: the client took nothing for %g s", self._gap_s)
            except UnderpinError as error:
                logger.warning("⚠️ A download was cut: %s", error.message)
            finally:
                gone.cancel()
                await asyncio.gather(gone, return_exceptions=True)

    async def _send_all(self, pieces: AsyncIterator[bytes], send: Send, gone: "asyncio.Task[None]") -> None:
        async for piece in pieces:
            for start in range(0, len(piece), AT_ONCE_BYTES):
                if gone.done():
                    return
                async with asyncio.timeout(self._gap_s):
                    await send({"type": "http.response.body", "body": piece[start : start + AT_ONCE_BYTES], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
