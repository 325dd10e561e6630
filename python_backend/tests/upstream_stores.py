"""A model's server that has /vector_stores and /files as OpenAI's document describes them, on 127.0.0.1 and a free port.

    async with UpstreamStores() as upstream:
        upstream.keep("vs_a", {"file-a": ("clay.txt", "Clay swells.")})
        ...  # something asks upstream.base_url with the key "sk-upstream"
        upstream.refuse(503, headers={"Retry-After": "0"}, times=1)
        assert upstream.asked[-1] == ("POST", "/vector_stores/vs_a/search")

Every answer that it gives is held against that document before it is sent.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.wire.v1.surface import Surface

KEY = "sk-upstream-0123456789"
_SEARCH_KEYS = {"query", "max_num_results", "rewrite_query", "filters", "ranking_options"}


@dataclass
class KeptFile:
    name: str
    data: bytes
    purpose: str = "assistants"


@dataclass
class KeptStore:
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


class UpstreamStores:
    """`host` may be given to come back on the same `port` after `stop`."""

    def __init__(self) -> None:
        self.stores: dict[str, KeptStore] = {}
        self.files: dict[str, KeptFile] = {}
        self.asked: list[tuple[str, str]] = []
        self.searches: list[dict[str, Any]] = []
        self.downloads_allowed = False
        self.port = 0
        self._surface = Surface()
        self._refusals: list[tuple[int, Mapping[str, str], str]] = []
        self._always: tuple[int, Mapping[str, str], str] | None = None
        self._runner: web.AppRunner | None = None
        self._made = 0
        self._more = asyncio.Condition()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def keep(self, store_id: str, files: Mapping[str, tuple[str, str]] | None = None, **attributes: Any) -> None:
        """A vector store with these files: id → name and text."""
        store = self.stores.setdefault(store_id, KeptStore())
        for file_id, (name, text) in (files or {}).items():
            self.files[file_id] = KeptFile(name, text.encode())
            store.files[file_id] = self._store_file(store_id, file_id, attributes)

    def refuse(self, status: int, *, headers: Mapping[str, str] | None = None, body: str | None = None, times: int = 0) -> None:
        """Answer the next `times` requests with this, or all from now on; `heal` ends that."""
        said = {"error": {"message": f"Refused with {status}.", "type": "server_error", "param": None, "code": None}}
        refusal = (status, headers or {}, json.dumps(said) if body is None else body)
        self._refusals = [refusal] * times
        self._always = None if times else refusal

    def heal(self) -> None:
        self._refusals, self._always = [], None

    async def until_asked(self, times: int, *, within_s: float) -> None:
        """Wait until it was asked that often in all."""
        async with asyncio.timeout(within_s), self._more:
            await self._more.wait_for(lambda: len(self.asked) >= times)

    async def start(self) -> Self:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/v1/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        async with self._more:
            self.asked.append((request.method, path))
            self._more.notify_all()
        assert "%2f" not in request.raw_path.lower(), request.raw_path
        if refusal := self._refusals.pop(0) if self._refusals else self._always:
            await request.read()
            return web.Response(status=refusal[0], headers=dict(refusal[1]), text=refusal[2])
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return self._error(request.method, path, 401, "Incorrect API key provided.")
        for method, pattern, handler in self._ROUTES:
            if method == request.method and (found := re.fullmatch(pattern, path)):
                return await handler(self, request, *found.groups())
        return self._error(request.method, path, 404, f"Invalid URL ({request.method} /v1{path})")

    async def _store(self, request: web.Request, store_id: str) -> web.Response:
        if store_id not in self.stores:
            return self._no_store(request, store_id)
        files = self.stores[store_id].files.values()
        counts = {
            name: sum(one["status"] == name for one in files) for name in ("in_progress", "completed", "cancelled", "failed")
        }
        body = {
            "id": store_id, "object": "vector_store", "created_at": 1, "name": "Reports", "usage_bytes": 1, "status": "completed",
            "last_active_at": 1, "file_counts": {**counts, "total": len(files)}, "metadata": {},
        }  # fmt: skip
        return self._json(request, body)

    async def _search(self, request: web.Request, store_id: str) -> web.Response:
        if store_id not in self.stores:
            return self._no_store(request, store_id)
        asked = await request.json()
        assert set(asked) <= _SEARCH_KEYS, asked
        assert 1 <= asked.get("max_num_results", 10) <= 50
        self.searches.append(asked)
        words = set(re.findall(r"\w+", asked["query"].lower()))
        hits = []
        for file_id, entry in self.stores[store_id].files.items():
            text = self.files[file_id].data.decode()
            score = len(words & set(re.findall(r"\w+", text.lower()))) / max(len(words), 1)
            if score and score >= asked.get("ranking_options", {}).get("score_threshold", 0) and entry["status"] == "completed":
                hits.append({
                    "file_id": file_id, "filename": self.files[file_id].name, "score": score,
                    "attributes": entry["attributes"], "content": [{"type": "text", "text": text}],
                })  # fmt: skip
        hits.sort(key=lambda hit: -hit["score"])
        body = {
            "object": "vector_store.search_results.page", "search_query": [asked["query"]],
            "data": hits[: asked.get("max_num_results", 10)], "has_more": False, "next_page": None,
        }  # fmt: skip
        return self._json(request, body)

    async def _list(self, request: web.Request, store_id: str) -> web.Response:
        if store_id not in self.stores:
            return self._no_store(request, store_id)
        limit, after = int(request.query.get("limit", 20)), request.query.get("after")
        assert 1 <= limit <= 100
        entries = list(self.stores[store_id].files.values())[::-1]
        ids = [entry["id"] for entry in entries]
        entries = entries[ids.index(after) + 1 :] if after else entries
        part = entries[:limit]
        first, last = (part[0]["id"], part[-1]["id"]) if part else (None, None)
        body = {"object": "list", "data": part, "first_id": first, "last_id": last, "has_more": len(entries) > limit}
        return self._json(request, body)

    async def _add(self, request: web.Request, store_id: str) -> web.Response:
        asked = await request.json()
        assert set(asked) <= {"file_id", "attributes", "chunking_strategy"}, asked
        if store_id not in self.stores or asked["file_id"] not in self.files:
            return self._no_store(request, store_id)
        entry = self._store_file(store_id, asked["file_id"], asked.get("attributes"))
        self.stores[store_id].files[asked["file_id"]] = entry
        return self._json(request, entry)

    async def _one(self, request: web.Request, store_id: str, file_id: str) -> web.Response:
        if store_id not in self.stores or file_id not in self.stores[store_id].files:
            return self._no_store(request, store_id)
        return self._json(request, self.stores[store_id].files[file_id])

    async def _remove(self, request: web.Request, store_id: str, file_id: str) -> web.Response:
        if store_id not in self.stores or self.stores[store_id].files.pop(file_id, None) is None:
            return self._no_store(request, store_id)
        return self._json(request, {"id": file_id, "object": "vector_store.file.deleted", "deleted": True})

    async def _parsed(self, request: web.Request, store_id: str, file_id: str) -> web.Response:
        if store_id not in self.stores or file_id not in self.stores[store_id].files:
            return self._no_store(request, store_id)
        data = [{"type": "text", "text": self.files[file_id].data.decode()}]
        body = {"object": "vector_store.file_content.page", "data": data, "has_more": False, "next_page": None}
        return self._json(request, body)

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        given = form["file"]
        assert isinstance(given, web.FileField)
        self._made += 1
        file_id = f"file-made{self._made}"
        self.files[file_id] = KeptFile(given.filename, given.file.read(), str(form["purpose"]))
        return self._json(request, self._file_object(file_id))

    async def _file(self, request: web.Request, file_id: str) -> web.Response:
        if file_id not in self.files:
            return self._error(request.method, request.path, 404, f"No such File object: {file_id}", param="id")
        if request.method == "DELETE":
            del self.files[file_id]
            for store in self.stores.values():
                store.files.pop(file_id, None)
            return self._json(request, {"id": file_id, "object": "file", "deleted": True})
        return self._json(request, self._file_object(file_id))

    async def _content(self, request: web.Request, file_id: str) -> web.Response:
        if file_id not in self.files:
            return self._error(request.method, request.path, 404, f"No such File object: {file_id}", param="id")
        if not self.downloads_allowed:
            return self._error(request.method, request.path, 400, "Not allowed to download files of purpose: assistants")
        return web.Response(body=self.files[file_id].data, content_type="application/octet-stream")

    _ROUTES = (
        ("GET", r"/vector_stores/([^/]+)", _store),
        ("POST", r"/vector_stores/([^/]+)/search", _search),
        ("GET", r"/vector_stores/([^/]+)/files", _list),
        ("POST", r"/vector_stores/([^/]+)/files", _add),
        ("GET", r"/vector_stores/([^/]+)/files/([^/]+)", _one),
        ("DELETE", r"/vector_stores/([^/]+)/files/([^/]+)", _remove),
        ("GET", r"/vector_stores/([^/]+)/files/([^/]+)/content", _parsed),
        ("POST", r"/files", _upload),
        ("GET", r"/files/([^/]+)", _file),
        ("DELETE", r"/files/([^/]+)", _file),
        ("GET", r"/files/([^/]+)/content", _content),
    )

    def _store_file(self, store_id: str, file_id: str, attributes: Any) -> dict[str, Any]:
        sizes = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
        return {
            "id": file_id, "object": "vector_store.file", "usage_bytes": 1, "created_at": 1, "vector_store_id": store_id,
            "status": "completed", "last_error": None, "chunking_strategy": {"type": "static", "static": sizes},
            "attributes": attributes or {},
        }  # fmt: skip

    def _file_object(self, file_id: str) -> dict[str, Any]:
        kept = self.files[file_id]
        return {
            "id": file_id, "object": "file", "bytes": len(kept.data), "created_at": 1, "filename": kept.name,
            "purpose": kept.purpose, "status": "processed",
        }  # fmt: skip

    def _no_store(self, request: web.Request, store_id: str) -> web.Response:
        return self._error(request.method, request.path, 404, f"No vector store found with id '{store_id}'.")

    def _error(self, method: str, path: str, status: int, text: str, param: str | None = None) -> web.Response:
        body = {"error": {"message": text, "type": "invalid_request_error", "param": param, "code": None}}
        self._surface.check_answer(method, path, status, body)
        return web.json_response(body, status=status)

    def _json(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        self._surface.check_answer(request.method, request.path, 200, body)
        return web.json_response(body)


async def stopped_for_good() -> UpstreamStores:
    """One whose port is free again: nobody answers there."""
    upstream = await UpstreamStores().start()
    await upstream.stop()
    await asyncio.sleep(0)
    return upstream
