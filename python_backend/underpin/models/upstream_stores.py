"""Vector stores and files at the model's server. OpenAI's went on when its Assistants API ended, and other servers have them too.

404 means that the server does not know the id (None here). Whatever leaves that open raises: nobody may take a store that could
not be asked for for one that is not there.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any, TypeVar

import aiohttp
import msgspec

from ..errors import ModelBroken, ModelError, ModelUnreachable, NotFound
from ..objects.at_upstream import FileThere, HitThere, Piece, StoreFileThere, StoreThere
from .complaint import complaint_of_body
from .tries import NotReached, Patience
from .upstream import REACH, Upstream, read_bounded, read_refusal

T = TypeVar("T")

MOST_LISTED = 100
"""OpenAI's most for one page."""
MOST_HITS = 50
"""OpenAI's most for one search."""

_HEADERS = {"Accept": "application/json", "OpenAI-Beta": "assistants=v2"}
_MAX_BODY_BYTES = 20_000_000
_MAX_PAGES = 100
_SLOWEST_BYTES_S = 64_000
_PIECE_BYTES = 1 << 18
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
# Servers without these routes say so with one of these; LM Studio says it in words, with 200.
_NO_SUCH_STATUSES = {404, 405, 501}
_NO_SUCH_ROUTE = re.compile(r"(?i)\bunexpected endpoint")
# OpenAI's words for an address that is wrong as a whole, a base without its /v1 for instance: they say nothing about an id.
_WRONG_ADDRESS = re.compile(r"(?i)\binvalid url\b")
WRONG_ADDRESS = "The model's server has no vector stores at this address. Check OPENAI_BASE_URL: it usually ends in /v1."


class _StoreFiles(msgspec.Struct):
    data: list[StoreFileThere]
    has_more: bool = False


class _Hits(msgspec.Struct):
    data: list[HitThere]


class _Content(msgspec.Struct):
    data: list[Piece]
    has_more: bool = False
    next_page: str | None = None


class StoresClient:
    """Every call raises ModelError when the server is away, refuses the key or answers something else. Times are in seconds."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        connect_timeout_s: float,
        answer_timeout_s: float = 30.0,
        patience: Patience | None = None,
    ) -> None:
        """`base_url` is the part before /vector_stores. Raises ConfigError when it is no http(s) address."""
        self._upstream = Upstream(base_url, api_key, connect_timeout_s=connect_timeout_s)
        self._answer_timeout_s = answer_timeout_s
        self._patience = patience or Patience()

    async def store(self, id: str) -> StoreThere | None:
        """The vector store; None when the server does not know it, or has no vector stores at all."""
        found = await self._read("GET", f"vector_stores/{id}", StoreThere, ids=(id,))
        if found is not None and (found.object != "vector_store" or found.id != id):
            raise ModelBroken(self._strange())
        return found

    async def search(
        self, store_id: str, query: str, *, limit: int, where: Mapping[str, object] | None, threshold: float
    ) -> list[HitThere]:
        """The best passages, best first, at most 50. Raises NotFound when the store is gone."""
        asked: dict[str, object] = {
            "query": query,
            "max_num_results": min(max(limit, 1), MOST_HITS),
            "rewrite_query": False,
            "ranking_options": {"score_threshold": threshold},
        }
        if where is not None:
            asked["filters"] = where
        found = await self._read("POST", f"vector_stores/{store_id}/search", _Hits, ids=(store_id,), body=asked)
        return _there(found, store_id).data

    async def files(self, store_id: str, *, most: int = 10_000) -> list[StoreFileThere]:
        """The store's files, newest first, as many as `most` or a few more. Raises NotFound when the store is gone."""
        files: list[StoreFileThere] = []
        for _ in range(_MAX_PAGES):
            query = {"limit": str(MOST_LISTED), "order": "desc"} | ({"after": files[-1].id} if files else {})
            page = await self._read("GET", f"vector_stores/{store_id}/files", _StoreFiles, ids=(store_id,), query=query)
            files += _there(page, store_id).data
            if page is None or not (page.has_more and page.data) or len(files) >= most:
                break
        return files

    async def content(self, store_id: str, file_id: str) -> str | None:
        """The text that the server took out of a file; None when it is not in that store."""
        texts: list[str] = []
        query: dict[str, str] = {}
        for _ in range(_MAX_PAGES):
            path = f"vector_stores/{store_id}/files/{file_id}/content"
            page = await self._read("GET", path, _Content, ids=(store_id, file_id), query=query)
            if page is None:
                return None
            texts += (piece.text for piece in page.data)
            if not (page.has_more and page.next_page):
                break
            query = {"page": page.next_page}
        return "\n".join(texts)

    async def file(self, id: str) -> FileThere | None:
        """The file, with its name; None when the server does not know it."""
        return await self._read("GET", f"files/{id}", FileThere, ids=(id,))

    async def upload(self, name: str, pieces: AsyncIterable[bytes], size: int) -> FileThere:
        """A new file of these bytes, of which there are `size`. Asked once: bytes cannot be sent twice."""
        boundary = token_hex(16)
        head, tail = _form(boundary, name)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + size + len(tail)),
        }

        async def body() -> AsyncGenerator[bytes, None]:
            yield head
            async for piece in pieces:
                yield piece
            yield tail

        within_s = self._answer_timeout_s + size / _SLOWEST_BYTES_S
        found = await self._once("POST", "files", FileThere, raw=body(), headers=headers, within_s=within_s)
        if found is None:
            raise ModelUnreachable(WRONG_ADDRESS)
        return found

    async def store_file(self, store_id: str, file_id: str) -> StoreFileThere | None:
        """A file as it is in a store; None when it is not in it."""
        return await self._read("GET", f"vector_stores/{store_id}/files/{file_id}", StoreFileThere, ids=(store_id, file_id))

    async def add(self, store_id: str, file_id: str, attributes: Mapping[str, str | float | bool]) -> StoreFileThere:
        """Put a file into a store. Raises NotFound when either is gone."""
        body = {"file_id": file_id, **({"attributes": attributes} if attributes else {})}
        found = await self._once("POST", f"vector_stores/{store_id}/files", StoreFileThere, ids=(store_id, file_id), body=body)
        return _there(found, store_id)

    async def remove(self, store_id: str, file_id: str) -> bool:
        """Take a file out of a store, and delete it; False when it was not in it."""
        path = f"vector_stores/{store_id}/files/{file_id}"
        if await self._read("DELETE", path, msgspec.Raw, ids=(store_id, file_id)) is None:
            return False
        await self.discard(file_id)
        return True

    async def discard(self, file_id: str) -> None:
        """Delete a file; nothing happens when there is none."""
        await self._read("DELETE", f"files/{file_id}", msgspec.Raw, ids=(file_id,))

    @asynccontextmanager
    async def download(self, file_id: str) -> AsyncGenerator[AsyncGenerator[bytes, None], None]:
        """A file's bytes as they come. Raises NotFound; ModelRefusedRequest where the server does not give them back."""
        if not _ID.fullmatch(file_id):
            raise NotFound(_no_file(file_id))
        response = await self._within(self._answer_timeout_s, lambda: self._upstream.send("GET", f"files/{file_id}/content"))
        try:
            if response.status == 404:
                raise NotFound(_no_file(file_id))
            if response.status != 200:
                raise self._upstream.refused(response, await read_refusal(response), model="").error
            yield self._bytes_of(response)
        finally:
            response.close()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._upstream.close()

    async def _bytes_of(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        while piece := await self._within(self._answer_timeout_s, lambda: response.content.read(_PIECE_BYTES)):
            yield piece

    async def _read(
        self, method: str, path: str, kind: type[T], *, ids: tuple[str, ...], body: object = None,
        query: Mapping[str, str] | None = None,
    ) -> T | None:  # fmt: skip
        """What may be asked again without harm."""

        async def once() -> T | None:
            return await self._attempt(method, path, kind, ids=ids, body=body, query=query)

        return await self._patience.ask(once, self._upstream.address)

    async def _once(self, method: str, path: str, kind: type[T], **asked: Any) -> T | None:
        try:
            return await self._attempt(method, path, kind, **asked)
        except NotReached as failure:
            raise failure.error from None

    async def _attempt(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        ids: tuple[str, ...] = (),
        body: object = None,
        raw: AsyncIterable[bytes] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        within_s: float | None = None,
    ) -> T | None:
        """One request; None when the server does not know what the path names. Raises NotReached."""
        if not all(map(_ID.fullmatch, ids)):
            return None
        content = raw if raw is not None else None if body is None else msgspec.json.encode(body)
        response = None
        try:
            async with asyncio.timeout(within_s or self._answer_timeout_s):
                sent = {**_HEADERS, **(headers or {})}
                response = await self._upstream.send(method, path, query=query, body=content, headers=sent)
                came = await read_bounded(response, _MAX_BODY_BYTES)
        except TimeoutError:
            raise NotReached(self._silent(), "no answer came in time", again=False) from None
        except (aiohttp.ClientError, OSError):
            raise NotReached(ModelUnreachable(self._cut()), "the answer was cut", again=True) from None
        finally:
            if response is not None:
                response.close()
        return self._answer(response, came, kind, ids)

    def _answer(self, response: aiohttp.ClientResponse, body: bytes, kind: type[T], ids: tuple[str, ...]) -> T | None:
        if 200 <= response.status < 300:
            try:
                return msgspec.json.decode(body, type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError):
                if _NO_SUCH_ROUTE.search(complaint_of_body(body).message):
                    return None
                raise NotReached(ModelBroken(self._strange()), "the answer was something else", again=False) from None
        said = complaint_of_body(body).message
        if response.status in _NO_SUCH_STATUSES:
            if _WRONG_ADDRESS.search(said):
                raise NotReached(ModelUnreachable(WRONG_ADDRESS), "no vector stores at this address", again=False)
            return None
        if response.status == 400 and ids and f"'{ids[0]}'" in said and "expected an id" in said.lower():
            return None  # OpenAI's words for an id of another form: it cannot have one like that
        raise self._upstream.refused(response, body, model="")

    async def _within(self, within_s: float, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(within_s):
                return await ask()
        except NotReached as failure:
            raise failure.error from None
        except TimeoutError:
            raise self._silent() from None
        except (aiohttp.ClientError, OSError):
            raise ModelUnreachable(self._cut()) from None

    def _silent(self) -> ModelError:
        what = "a question about vector stores or files"
        return ModelUnreachable(f"The model's server at {self._upstream.address} did not answer {what} in time. {REACH}")

    def _cut(self) -> str:
        return f"The model's server at {self._upstream.address} closed the connection in the middle of an answer. Try again."

    def _strange(self) -> str:
        return f"What answers at {self._upstream.address} did not give a vector store's answer. Check OPENAI_BASE_URL."


def _there(found: T | None, store_id: str) -> T:
    if found is None:
        raise NotFound(f"The model's server has no vector store '{store_id[:100]}' any more, or not the file.")
    return found


def _no_file(file_id: str) -> str:
    return f"No file found with id '{file_id[:100]}'."


def _form(boundary: str, name: str) -> tuple[bytes, bytes]:
    """What stands before and after the bytes."""
    shown = name.replace('"', "%22").replace("\r", "").replace("\n", "")
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{shown}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode(), f"\r\n--{boundary}--\r\n".encode()
