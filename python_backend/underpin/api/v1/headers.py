"""The headers that every answer of /v1 carries, as OpenAI's did: a request's id, how long it took, and how often to poll."""

import secrets
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .envelope import is_v1

VERSION = "2020-10-01"
POLL_AFTER_MS = 100
"""The SDKs' pollers wait this long; without the header Python's wait 1 s and Node's 5 s."""


class OpenAIHeaders:
    """Plain ASGI around the app: it adds to the answer's head and passes the rest on untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_v1(scope["path"]):
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = f"req_{secrets.token_hex(16)}"
                headers["openai-version"] = VERSION
                headers["openai-processing-ms"] = str(round((time.monotonic() - began) * 1000))
                headers["openai-poll-after-ms"] = str(POLL_AFTER_MS)
            await send(message)

        await self._app(scope, receive, send_with_headers)
