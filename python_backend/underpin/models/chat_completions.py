"""A language model behind any OpenAI-compatible `POST /chat/completions`, streamed.

What went wrong before the first fact may be asked again; after it, nothing is.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Sequence

import aiohttp

from ..errors import ModelBroken, ModelError, ModelRateLimited, ModelUnreachable
from .base import Fact, ModelRequest
from .chat_chunks import CUT, ChatChunks, ErrorObject
from .chat_request import Dialect, encoded_body
from .refusals import refusal_in_stream
from .silence import Silence
from .upstream import NotReached, Upstream, read_refusal

PAUSES_S = (0.25, 0.75)
"""Before the second and the third try: a refusal still comes within the two seconds in which it can be an HTTP status."""

_PASSING_STATUSES = {500, 502, 503, 504}
_AFTER_FINISH_S = 2.0
"""Usage and `[DONE]` follow the reason to stop at once; a server that sends neither and stays connected is not waited for."""
_DRAIN_S = 0.05
"""For the end of the body after `[DONE]`, so that the connection can be used again."""

_log = logging.getLogger("underpin.models")


class ChatCompletions:
    """The Model seam over HTTP. Times are in seconds; `pauses_s` are the waits before each further try."""

    searches = True

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        connect_timeout_s: float,
        first_byte_timeout_s: float,
        between_bytes_timeout_s: float,
        pauses_s: Sequence[float] = PAUSES_S,
        longest_retry_after_s: float = 5.0,
        trust_env: bool = False,
    ) -> None:
        """`base_url` is the part before /chat/completions. Raises ConfigError when it is no http(s) address.

        A 429 is asked again only when its Retry-After is at most `longest_retry_after_s`.
        """
        self._upstream = Upstream(base_url, api_key, connect_timeout_s=connect_timeout_s, trust_env=trust_env)
        self._first_byte_timeout_s = first_byte_timeout_s
        self._between_bytes_timeout_s = between_bytes_timeout_s
        self._pauses_s = tuple(pauses_s)
        self._longest_retry_after_s = longest_retry_after_s
        self._dialect = Dialect()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
        """See Model. The time to the first byte counts from each try; the time between bytes only while one is awaited."""
        response = await self._ask(request)
        silence = Silence(response.close)
        chunks = ChatChunks()
        try:
            silence.limit(self._first_byte_timeout_s)
            heard = False
            while not (chunks.done or chunks.failure):
                data = await self._read(response, silence, chunks)
                if not data:
                    break
                if not heard:
                    heard = True
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

    async def names(self, *, timeout_s: float) -> tuple[str, ...] | None:
        """The models that the server lists, in its order; None when it has no list. Raises ModelError."""
        return await self._upstream.model_names(timeout_s=timeout_s)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._upstream.close()

    async def _ask(self, request: ModelRequest) -> aiohttp.ClientResponse:
        """A response whose status is good, after at most len(pauses_s) further tries."""
        for number, pause_s in enumerate((*self._pauses_s, None), start=1):
            try:
                return await self._ask_once(request)
            except NotReached as failure:
                if pause_s is None or not failure.again:
                    raise failure.error from None
                # Jitter, so that many streams which failed together do not come back together.
                wait_s = max(pause_s * random.uniform(0.8, 1.2), failure.error.retry_after_s or 0.0)
                tries = len(self._pauses_s)
                reason = failure.reason
            _log.warning(
                "The model's server at %s: %s. Asking again in %.2f s (%d of %d).",
                self._upstream.address,
                reason,
                wait_s,
                number,
                tries,
            )
            await asyncio.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    async def _ask_once(self, request: ModelRequest) -> aiohttp.ClientResponse:
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
            error = self._upstream.refusal_of_body(response, said, model=request.model)
            raise NotReached(error, f"HTTP {response.status}", again=self._passing(response.status, error))

    def _passing(self, status: int, error: ModelError) -> bool:
        if isinstance(error, ModelRateLimited):
            return error.retry_after_s is not None and error.retry_after_s <= self._longest_retry_after_s
        return status in _PASSING_STATUSES

    async def _read(self, response: aiohttp.ClientResponse, silence: Silence, chunks: ChatChunks) -> bytes:
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
            raise ModelUnreachable(f"The model's server sent nothing for {silence.broken_after_s:g} seconds.") from None
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
