"""The HTTP side of a model's server: one pool of connections, the key, and what can go wrong before an answer begins.

The key goes to the configured address only: redirects are not followed, and the environment's proxies only used if asked for.
"""

import asyncio
import errno
from base64 import b64encode
from collections.abc import AsyncIterable, Mapping

import aiohttp
from yarl import URL

from ..errors import ConfigError, ModelBroken, ModelUnreachable
from .complaint import complaint_of_body
from .model_list import names_in
from .refusals import refusal
from .retry_after import retry_after
from .tries import NotReached, may_pass
from .wording import Wording

REACH = "Check OPENAI_BASE_URL, and that the server runs."
LIST = "Set OPENAI_MODEL to the model to ask, or give it more time with MODEL_LIST_TIMEOUT_S."

_MAX_ERROR_BODY_BYTES = 64_000
_ERROR_BODY_TIMEOUT_S = 1.0
_MAX_LIST_BYTES = 10_000_000
_SHORTEST_TOKEN = 8
_REASONS = {
    errno.ECONNREFUSED: "the connection was refused",
    errno.ECONNRESET: "the connection was reset",
    errno.ENETUNREACH: "there is no route to it",
    errno.EHOSTUNREACH: "there is no route to it",
}


class Upstream:
    """Requests to one OpenAI-compatible server."""

    def __init__(self, base_url: str, api_key: str | None, *, connect_timeout_s: float, trust_env: bool = False) -> None:
        url = URL(base_url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigError("OPENAI_BASE_URL must be an address such as http://127.0.0.1:8080/v1.")
        if api_key and not (api_key.isascii() and api_key.isprintable()):
            raise ConfigError("OPENAI_API_KEY holds characters that cannot stand in a key. Copy it again.")
        self._base = url.with_user(None).with_password(None)
        self.address = str(url.host_port_subcomponent)
        """The host, and the port where it is not the scheme's own: without credentials, path and query."""
        self._headers = _headers(api_key, url)
        self.wording = Wording(
            secrets=(api_key or "", *_secrets_of(url), *_secrets_of_headers(self._headers)),
            hosts=(self.address, f"{url.host}:{url.port}", url.host if "." in url.host else ""),
            root="/".join(url.path.split("/")[:2]),
        )
        self._connect_timeout_s = connect_timeout_s
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: bytes, *, timeout_s: float) -> aiohttp.ClientResponse:
        """Send JSON; returns when the status and headers are there. Raises NotReached."""
        return await self._request("POST", path, body, timeout_s)

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | AsyncIterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> aiohttp.ClientResponse:
        """Any request; returns when the status and headers are there. `headers` go before its own. The caller sets a deadline
        around it. Raises NotReached."""
        return await self._request(method, path, body, None, query=query, headers=headers)

    async def model_names(self, *, timeout_s: float) -> tuple[str, ...] | None:
        """What GET /models lists, in its order; None when the server has no such list. Raises NotReached."""
        response = None
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._request("GET", "models", None, None)
                if 200 <= response.status < 300:
                    return names_in(await read_bounded(response, _MAX_LIST_BYTES))
                if response.status in (401, 403, 429) or response.status >= 500:
                    raise self.refused(response, await read_refusal(response), model="")
                return None
        except TimeoutError:
            text = f"The model's server at {self.address} did not list its models within {timeout_s:g} seconds. {LIST}"
            raise NotReached(ModelUnreachable(text), "no list of models came in time", again=False) from None
        except (aiohttp.ClientError, OSError):
            text = f"The model's server at {self.address} did not list its models. {REACH}"
            raise NotReached(ModelUnreachable(text), "the list of models was cut", again=True) from None
        finally:
            if response is not None:
                response.close()

    def refused(self, response: aiohttp.ClientResponse, body: bytes, *, model: str) -> NotReached:
        """What a status other than 2xx and its body mean."""
        error = refusal(
            response.status,
            complaint_of_body(body),
            model=model,
            wording=self.wording,
            retry_after_s=retry_after(response.headers),
        )
        return NotReached(error, f"HTTP {response.status}", again=may_pass(response.status, error))

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(
        self,
        method: str,
        path: str,
        body: bytes | AsyncIterable[bytes] | None,
        timeout_s: float | None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> aiohttp.ClientResponse:
        # keep_query: some servers carry their API version in the address.
        url = self._base.with_path(f"{self._base.path.rstrip('/')}/{path}", keep_query=True).update_query(query or {})
        sent = {**self._headers, **(headers or {})}
        try:
            async with asyncio.timeout(timeout_s):
                return await self._open_session().request(method, url, data=body, headers=sent, allow_redirects=False)
        except (aiohttp.ClientError, OSError) as error:
            raise self._not_reached(error, timeout_s) from None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # How many answers run at once is bounded where runs are started, not here.
                connector=aiohttp.TCPConnector(limit=0),
                # Reads have deadlines of their own (silence.py); aiohttp's would cost a timer a token.
                timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=self._trust_env,
            )
        return self._session

    def _not_reached(self, error: Exception, timeout_s: float | None) -> NotReached:
        server = f"The model's server at {self.address}"
        match error:
            case aiohttp.ConnectionTimeoutError():
                text = f"{server} could not be reached within {self._connect_timeout_s:g} seconds. {REACH}"
                return NotReached(ModelUnreachable(text), "connecting took too long", again=False)
            case TimeoutError() if timeout_s is not None:
                return NotReached(self.not_begun(timeout_s), "no answer began in time", again=False)
            case aiohttp.ClientSSLError():
                text = f"{server} could not be reached: no secure connection could be made. Check OPENAI_BASE_URL."
                return NotReached(ModelUnreachable(text), "TLS failed", again=False)
            case aiohttp.ClientConnectorDNSError():
                text = f"{server} could not be reached: its host name was not found. Check OPENAI_BASE_URL."
                return NotReached(ModelUnreachable(text), "the host name was not found", again=True)
            case aiohttp.ClientConnectorError():
                reason = _REASONS.get(error.os_error.errno or 0, "no connection could be made")
                return NotReached(ModelUnreachable(f"{server} could not be reached: {reason}. {REACH}"), reason, again=True)
            case aiohttp.ClientResponseError():
                text = f"What answers at {self.address} is not a model's server: it does not speak HTTP. Check OPENAI_BASE_URL."
                return NotReached(ModelBroken(text), "the answer was no HTTP", again=False)
            case _:
                # Also a kept connection that the server closed in the moment in which it was used again.
                text = f"{server} closed the connection before it answered. Try again in a moment."
                return NotReached(ModelUnreachable(text), "the connection was closed before an answer", again=True)

    def not_begun(self, timeout_s: float) -> ModelUnreachable:
        """No first byte came within the deadline."""
        return ModelUnreachable(
            f"The model's server at {self.address} did not begin to answer within {timeout_s:g} seconds. Try again, or give it "
            "more time with MODEL_FIRST_BYTE_TIMEOUT_S."
        )


async def read_refusal(response: aiohttp.ClientResponse) -> bytes:
    """The body of a refusal, as much of it as comes in a short time; then the connection is let go."""
    try:
        async with asyncio.timeout(_ERROR_BODY_TIMEOUT_S):
            return await read_bounded(response, _MAX_ERROR_BODY_BYTES)
    except (TimeoutError, aiohttp.ClientError, OSError):
        # The status alone says enough.
        return b""
    finally:
        response.close()


async def read_bounded(response: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    """The body up to a limit."""
    body = bytearray()
    while len(body) < limit_bytes and (data := await response.content.readany()):
        body += data
    return bytes(body[:limit_bytes])


def _headers(api_key: str | None, url: URL) -> Mapping[str, str]:
    # Compression would hold tokens back and cost more than it saves.
    headers = {
        "Accept": "text/event-stream, application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": "underpin",
    }
    if api_key and "api-version" in url.query:
        # Azure's dated endpoints take a key in this header only; its /openai/v1 takes a bearer as all others do.
        headers["api-key"] = api_key
    elif api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    elif url.user is not None:
        pair = f"{url.user}:{url.password or ''}".encode()
        headers["Authorization"] = "Basic " + b64encode(pair).decode()
    return headers


def _secrets_of_headers(headers: Mapping[str, str]) -> list[str]:
    return headers.get("Authorization", "").split(" ")[1:]


def _secrets_of(url: URL) -> list[str]:
    """What of the address is nobody's business: some gateways take their key as a query parameter."""
    tokens = [value for name, value in url.query.items() if name != "api-version" and len(value) >= _SHORTEST_TOKEN]
    return [url.user or "", url.password or "", url.raw_password or "", *tokens]
