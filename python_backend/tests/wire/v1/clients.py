"""The official SDK over transports that hold all that passes against OpenAI's document."""

import json
from collections.abc import AsyncIterator, Iterator

import httpx2
import openai

from tests.wire.v1.surface import Surface

KEY = "sk-anything"
"""Anybody's key is taken while none are configured."""


def sync_client(base_url: str, surface: Surface) -> openai.OpenAI:
    """A client whose every answer is checked. It does not retry: an answer is what it is."""
    http = httpx2.Client(transport=Checking(httpx2.HTTPTransport(), surface))
    return openai.OpenAI(base_url=base_url + "/v1", api_key=KEY, max_retries=0, timeout=30, http_client=http)


def async_client(base_url: str, surface: Surface) -> openai.AsyncOpenAI:
    http = httpx2.AsyncClient(transport=AsyncChecking(httpx2.AsyncHTTPTransport(), surface))
    return openai.AsyncOpenAI(base_url=base_url + "/v1", api_key=KEY, max_retries=0, timeout=30, http_client=http)


class Checking(httpx2.BaseTransport):
    def __init__(self, inner: httpx2.BaseTransport, surface: Surface) -> None:
        self._inner, self._surface = inner, surface

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = self._inner.handle_request(request)
        check_headers(response)
        if is_stream(response):
            return httpx2.Response(
                response.status_code, headers=response.headers, stream=_Read(response, self._surface), request=request
            )
        body = response.read()
        self._surface.check_answer(request.method, request.url.path, response.status_code, json.loads(body))
        return response

    def close(self) -> None:
        self._inner.close()


class AsyncChecking(httpx2.AsyncBaseTransport):
    def __init__(self, inner: httpx2.AsyncBaseTransport, surface: Surface) -> None:
        self._inner, self._surface = inner, surface

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        check_headers(response)
        if is_stream(response):
            return httpx2.Response(
                response.status_code, headers=response.headers, stream=_AsyncRead(response, self._surface), request=request
            )
        body = await response.aread()
        self._surface.check_answer(request.method, request.url.path, response.status_code, json.loads(body))
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def check_headers(response: httpx2.Response) -> None:
    """What every answer carries."""
    assert response.headers["x-request-id"].startswith("req_")
    assert response.headers["openai-version"] == "2020-10-01"
    assert int(response.headers["openai-processing-ms"]) >= 0
    assert 0 < int(response.headers["openai-poll-after-ms"]) <= 500


def is_stream(response: httpx2.Response) -> bool:
    return response.headers["content-type"].startswith("text/event-stream")


class _Read(httpx2.SyncByteStream):
    """A stream that is checked once it was read to its end; what was read of one that was left, too."""

    def __init__(self, response: httpx2.Response, surface: Surface) -> None:
        self._response, self._surface = response, surface
        self._read = b""
        self._whole = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._response.stream:
            self._read += chunk
            yield chunk
        self._whole = True

    def close(self) -> None:
        self._response.stream.close()
        # A client stops at `[DONE]`, and need not wait for the end of the body.
        self._surface.check_stream(self._read, whole=self._whole or b"[DONE]" in self._read)


class _AsyncRead(httpx2.AsyncByteStream):
    def __init__(self, response: httpx2.Response, surface: Surface) -> None:
        self._response, self._surface = response, surface
        self._read = b""
        self._whole = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.stream:
            self._read += chunk
            yield chunk
        self._whole = True

    async def aclose(self) -> None:
        await self._response.stream.aclose()
        self._surface.check_stream(self._read, whole=self._whole or b"[DONE]" in self._read)
