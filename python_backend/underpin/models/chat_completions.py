"""A language model behind any OpenAI-compatible `POST /chat/completions`, streamed.

What went wrong before the first fact may be asked again; after it, nothing is.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import aiohttp

from ..errors import ModelBroken, ModelError, ModelUnreachable
from .base import Fact, ModelRequest
from .chat_chunks import CUT, ChatChunks, ErrorObject
from .chat_request import Dialect, encoded_body
from .refusals import refusal_in_stream
from .silence import Silence
from .tries import Patience
from .upstream import Upstream, read_refusal

STOPPED = "The model's server stopped answering: nothing came for {:g} seconds. What it had said is kept: send the message again."
_AFTER_FINISH_S = 2.0
"""Usage and `[DONE]` follow the reason to stop at once; a server that sends neither and stays connected is not waited for."""
_DRAIN_S = 0.05
"""For the end of the body after `[DONE]`, so that the connection can be used again."""


class ChatCompletions:
    """The Model seam over HTTP. Times are in seconds."""

    searches = True
    sees = True
    writes = True

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        connect_timeout_s: float,
        first_byte_timeout_s: float,
        between_bytes_timeout_s: float,
        patience: Patience | None = None,
        trust_env: bool = False,
    ) -> None:
        """`base_url` is the part before /chat/completions. Raises ConfigError when it is no http(s) address."""
        self._upstream = Upstream(base_url, api_key, connect_timeout_s=connect_timeout_s, trust_env=trust_env)
        self._first_byte_timeout_s = first_byte_timeout_s
        self._between_bytes_timeout_s = between_bytes_timeout_s
        self._patience = patience or Patience()
        self._dialect = Dialect()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
        """See Model. The time to the first byte counts from each try; the time between bytes only while one is awaited."""
        response = await self._patience.ask(lambda: self._ask(request), self._upstream.address)
        silence = Silence(response.close)
        chunks = ChatChunks()
        try:
            silence.limit(self._first_byte_timeout_s)
            heard = False
            while not (chunks.done or chunks.failure):
                data = await self._read(response, silence, chunks, begun=heard)
                if not data:
                    break
                if not heard:
                    heard = True
                    self._dialect = self._dialect.after_answer(data)
                    silence.limit(self._between_bytes_timeout_s)
                was_finishing = chunks.finishing
                if facts := chunks.feed(data):
                    yield facts
                if chunks.finishing and not was_finishing:
                    silence.limit(min(_AFTER_FINISH_S, self._between_bytes_timeout_s))
            if not chunks.failure and (facts := chunks.end()):
                yield facts
            if chunks.failure:
                raise self._failure(chunks.failure, request.model)
            await _drain(response)
        finally:
            silence.stop()
            response.close()

    async def names(self, *, timeout_s: float, again: bool = False) -> tuple[str, ...] | None:
        """The models that the server lists, in its order; None when it has no list. Each try may take `timeout_s`; `again`: more
        than one, as for an answer. Raises ModelError."""
        patience = self._patience if again else Patience(pauses_s=())
        return await patience.ask(lambda: self._upstream.model_names(timeout_s=timeout_s), self._upstream.address)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._upstream.close()

    async def _ask(self, request: ModelRequest) -> aiohttp.ClientResponse:
        """One try; asked again at once, at most twice, in the dialect that a refusal teaches. Raises NotReached."""
        while True:
            dialect = self._dialect
            body = encoded_body(request, dialect)
            response = await self._upstream.post("chat/completions", body, timeout_s=self._first_byte_timeout_s)
            if 200 <= response.status < 300:
                return response
            said = await read_refusal(response)
            if response.status in (400, 422):
                learnt = dialect.after_refusal(said.decode("utf-8", "replace"))
                if learnt != dialect:
                    self._dialect = learnt
                    continue
            raise self._upstream.refused(response, said, model=request.model)

    async def _read(self, response: aiohttp.ClientResponse, silence: Silence, chunks: ChatChunks, *, begun: bool) -> bytes:
        """What came; empty at the end. A stream that ends badly after the model's reason to stop has ended well enough."""
        silence.reading()
        try:
            return await response.content.readany()
        except (aiohttp.ClientError, OSError):
            # aiohttp raises the connection's error before it hands out what had arrived. It has no public way to ask for that.
            if (left := response.content._read_nowait(-1)) or chunks.finishing:
                return left
            if silence.broken_after_s is None:
                raise ModelBroken(CUT) from None
            if not begun:
                raise self._upstream.not_begun(silence.broken_after_s) from None
            raise ModelUnreachable(STOPPED.format(silence.broken_after_s)) from None
        finally:
            silence.heard()

    def _failure(self, failure: ModelError | ErrorObject, model: str) -> ModelError:
        if isinstance(failure, ErrorObject):
            return refusal_in_stream(failure.error, model=model, wording=self._upstream.wording)
        return failure


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read to the end of the body if it is near: only then can the connection be used again."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            while await response.content.readany():
                pass
    except (TimeoutError, aiohttp.ClientError, OSError):
        # The answer is complete; the connection is closed instead.
        return
