"""The HTTP side of a model's server: one pool of connections, the key, and what can go wrong before an answer begins.

The key goes to the configured address only: redirects are not followed, and the environment's proxies only used if asked for.
"""

import asyncio
import errno
from base64 import b64encode
from collections.abc import Mapping

import aiohttp
import msgspec
from yarl import URL

from ..errors import ConfigError, ModelBroken, ModelError, ModelUnreachable
from .refusals import complaint_of_body, refusal, retry_after
from .wording import Wording

REACH = "Check OPENAI_BASE_URL, and that the server runs."

_MAX_ERROR_BODY_BYTES = 64_000
_ERROR_BODY_TIMEOUT_S = 5.0
_MAX_LIST_BYTES = 10_000_000
_REASONS = {errno.ECONNREFUSED: "the connection was refused", errno.ECONNRESET: "the connection was reset"}


class NotReached(Exception):
    """No answer began. `reason` is for the log; `again` says whether asking once more may help."""

    def __init__(self, error: ModelError, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.error = error
        self.reason = reason
        self.again = again


class Upstream:
    """Requests to one OpenAI-compatible server."""

    def __init__(self, base_url: str, api_key: str | None, *, connect_timeout_s: float, trust_env: bool = False) -> None:
        url = URL(base_url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigError("OPENAI_BASE_URL must be an address such as http://127.0.0.1:8080/v1.")
        if api_key and not (api_key.isascii() and api_key.isprintable()):
            raise ConfigError("OPENAI_API_KEY holds characters that cannot stand in a key. Copy it again.")
        self._base = url.with_user(None).with_password(None)
        self.address = f"{url.host}:{url.port}"
        """For the log: host and port, without credentials or path."""
        self.wording = Wording(
            secrets=filter(None, (api_key, url.password)), addresses=(self.address, url.host if "." in url.host else "")
        )
        self._headers = _headers(api_key, url)
        self._connect_timeout_s = connect_timeout_s
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: bytes, *, timeout_s: float) -> aiohttp.ClientResponse:
        """Send JSON; returns when the status and headers are there. Raises NotReached."""
        return await self._request("POST", path, body, timeout_s)

    async def model_names(self, *, timeout_s: float) -> tuple[str, ...] | None:
        """What GET /models lists, in its order; None when the server has no such list.

        Raises ModelKeyRejected when the key is refused, ModelUnreachable when nothing answers within `timeout_s` seconds.
        """
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._request("GET", "models", None, timeout_s)
                try:
                    if 200 <= response.status < 300:
                        return _names(await read_bounded(response, _MAX_LIST_BYTES))
                    if response.status in (401, 403, 429) or response.status >= 500:
                        raise await self.refusal(response, model="")
                    return None
                finally:
                    response.close()
        except NotReached as failure:
            raise failure.error from None
        except TimeoutError:
            raise ModelUnreachable(f"The model's server did not list its models within {timeout_s:g} seconds. {REACH}") from None
        except (aiohttp.ClientError, OSError):
            raise ModelUnreachable(f"The model's server did not list its models. {REACH}") from None

    async def refusal(self, response: aiohttp.ClientResponse, *, model: str) -> ModelError:
        """The error that a status other than 2xx means; reads its body."""
        return self.refusal_of_body(response, await read_refusal(response), model=model)

    def refusal_of_body(self, response: aiohttp.ClientResponse, body: bytes, *, model: str) -> ModelError:
        """The same for a body that was read already."""
        complaint = complaint_of_body(body)
        wait_s = retry_after(response.headers)
        return refusal(response.status, complaint, model=model, wording=self.wording, retry_after_s=wait_s)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(self, method: str, path: str, body: bytes | None, timeout_s: float) -> aiohttp.ClientResponse:
        # keep_query: some servers carry their API version in the address.
        url = self._base.with_path(f"{self._base.path.rstrip('/')}/{path}", keep_query=True)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._open_session().request(method, url, data=body, headers=self._headers, allow_redirects=False)
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

    def _not_reached(self, error: Exception, timeout_s: float) -> NotReached:
        match error:
            case aiohttp.ConnectionTimeoutError():
                text = f"The model's server could not be reached within {self._connect_timeout_s:g} seconds. {REACH}"
                return NotReached(ModelUnreachable(text), "connecting took too long", again=False)
            case TimeoutError():
                text = f"The model's server did not begin to answer within {timeout_s:g} seconds."
                return NotReached(ModelUnreachable(text), "no answer began in time", again=False)
            case aiohttp.ClientSSLError():
                text = "The model's server could not be reached: no secure connection could be made. Check OPENAI_BASE_URL."
                return NotReached(ModelUnreachable(text), "TLS failed", again=False)
            case aiohttp.ClientConnectorDNSError():
                text = "The model's server could not be reached: its host name was not found. Check OPENAI_BASE_URL."
                return NotReached(ModelUnreachable(text), "the host name was not found", again=True)
            case aiohttp.ClientConnectorError():
                reason = _REASONS.get(error.os_error.errno or 0, "no connection could be made")
                return NotReached(
                    ModelUnreachable(f"The model's server could not be reached: {reason}. {REACH}"), reason, again=True
                )
            case aiohttp.ClientResponseError():
                text = "What answers at OPENAI_BASE_URL is not a model's server: it does not speak HTTP as expected."
                return NotReached(ModelBroken(text), "the answer was no HTTP", again=False)
            case _:
                # Also a kept connection that the server closed in the moment in which it was used again.
                text = "The model's server closed the connection before it answered."
                return NotReached(ModelUnreachable(text), "the connection was closed before an answer", again=True)


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
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    elif url.user is not None:
        pair = f"{url.user}:{url.password or ''}".encode()
        headers["Authorization"] = "Basic " + b64encode(pair).decode()
    return headers


class _Listed(msgspec.Struct):
    id: str | None = None
    name: str | None = None


class _List(msgspec.Struct):
    data: list[_Listed] | None = None
    models: list[_Listed] | None = None


_decode_list = msgspec.json.Decoder(_List | list[_Listed])


def _names(body: bytes) -> tuple[str, ...] | None:
    try:
        found = _decode_list.decode(body)
    except ValueError:
        return None
    listed = found if isinstance(found, list) else found.data or found.models or []
    return tuple(name for model in listed if (name := model.id or model.name))
