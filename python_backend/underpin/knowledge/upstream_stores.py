"""A vector store that the model's server keeps, as a shelf: searched there, cited as any other."""

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ..errors import NotFound
from ..objects.at_upstream import FileThere, HitThere, StoreFileThere, StoreThere
from .base import Found, Passage
from .filters import Compound, Filter

MOST_TOPICS = 30
_TOPICS_FROM = 100
"""Of so many of its newest files: one question."""
MOST_REMEMBERED = 2000
"""Passages that were found, so that a citation's number leads to one."""
_MOST_NUMBER = (1 << 29) - 1
"""Nine digits, which every client takes for a number."""
AT_ONCE = 8
"""Questions about names that are open at the same time."""


class UpstreamStores(Protocol):
    """What is asked of the server that keeps it. Every call may raise ModelError: the server cannot be asked."""

    async def store(self, id: str) -> StoreThere | None:
        """None: the server does not know it."""

    async def search(
        self, store_id: str, query: str, *, limit: int, where: Mapping[str, object] | None, threshold: float
    ) -> list[HitThere]:
        """Best first. Raises NotFound when the store is gone."""

    async def files(self, store_id: str, *, most: int = 10_000) -> list[StoreFileThere]:
        """Newest first, at most so many or a few more. Raises NotFound when the store is gone."""

    async def file(self, id: str) -> FileThere | None:
        """None: the server does not know it."""

    async def store_file(self, store_id: str, file_id: str) -> StoreFileThere | None:
        """None: it is not in that store."""

    async def content(self, store_id: str, file_id: str) -> str | None:
        """The text that the server took out of a file; None: it is not in that store."""

    async def upload(self, name: str, pieces: AsyncIterable[bytes], size: int) -> FileThere:
        """A new file of these bytes, of which there are `size`."""

    async def add(self, store_id: str, file_id: str, attributes: Mapping[str, str | float | bool]) -> StoreFileThere:
        """Put a file into a store. Raises NotFound when either is gone."""

    async def remove(self, store_id: str, file_id: str) -> bool:
        """Take a file out of a store, and delete it; False when it was not in it."""

    async def discard(self, file_id: str) -> None:
        """Delete a file that is in no store; nothing happens when there is none."""

    def download(self, file_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """A file's bytes. Raises NotFound, and ModelRefusedRequest where the server does not give them back."""


class RemoteShelf(Protocol):
    """A vector store that is kept elsewhere. Every call may raise an UnderpinError: the store cannot be asked."""

    async def search(self, query: str, *, limit: int, where: Filter | None = None, threshold: float = 0.0) -> list[Found]:
        """The best passages, best first, none below the threshold."""

    async def topics(self) -> list[str]:
        """The names of its files, some thirty at most."""


class Remotes(Protocol):
    """Which of an owner's vector stores are kept elsewhere."""

    def shelf(self, owner: str, vector_store_id: str) -> RemoteShelf | None:
        """None: it is here, or nowhere. Asks nobody."""


class UpstreamShelf:
    """Implements RemoteShelf."""

    def __init__(self, stores: UpstreamStores, vector_store_id: str) -> None:
        self._stores = stores
        self._id = vector_store_id
        self._names: dict[str, str] = {}
        self._found: OrderedDict[tuple[str, int], str] = OrderedDict()

    async def search(self, query: str, *, limit: int, where: Filter | None = None, threshold: float = 0.0) -> list[Found]:
        """As RemoteShelf says. A store that was deleted there finds nothing."""
        asked = None if where is None else wire_filter(where)
        try:
            hits = await self._stores.search(self._id, query, limit=limit, where=asked, threshold=threshold)
        except NotFound:
            return []
        found = [_found(hit) for hit in hits[:limit] if hit.content and hit.score >= threshold]
        self._remember(found)
        return found

    def text_of(self, file_id: str, number: int) -> str | None:
        """The passage that was found under this number, while it is remembered."""
        return self._found.get((file_id, number))

    async def topics(self) -> list[str]:
        """The newest files' names; each is asked for once, and kept."""
        try:
            files = await self._stores.files(self._id, most=_TOPICS_FROM)
        except NotFound:
            return []
        return await self.names([file.id for file in files if file.status == "completed"][:MOST_TOPICS])

    async def names(self, file_ids: Sequence[str]) -> list[str]:
        """The names of these files, in this order; an id where the server knows no name for it. Each is asked for once, some at
        the same time."""
        looks = asyncio.Semaphore(AT_ONCE)

        async def look(file_id: str) -> None:
            async with looks:
                file = await self._stores.file(file_id)
                self._names[file_id] = file.filename if file is not None and file.filename else file_id

        missing = [file_id for file_id in dict.fromkeys(file_ids) if file_id not in self._names]
        for answer in await asyncio.gather(*map(look, missing), return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
        return [self._names[file_id] for file_id in file_ids]

    def _remember(self, found: Sequence[Found]) -> None:
        for passage in (hit.passage for hit in found):
            self._found[passage.file_id, passage.number] = passage.text
            self._found.move_to_end((passage.file_id, passage.number))
        while len(self._found) > MOST_REMEMBERED:
            self._found.popitem(last=False)

    def named(self, file_id: str, name: str) -> None:
        """A name that need not be asked for."""
        self._names[file_id] = name


def wire_filter(where: Filter) -> dict[str, object]:
    """A filter as OpenAI's search takes it."""
    if isinstance(where, Compound):
        return {"type": where.operator, "filters": [wire_filter(inner) for inner in where.filters]}
    value = list(where.value) if isinstance(where.value, tuple) else where.value
    return {"type": where.operator, "key": where.key, "value": value}


def _found(hit: HitThere) -> Found:
    text = "\n\n".join(piece.text for piece in hit.content)
    # The server does not say which piece of the file it is. The same text gets the same number, whichever question found it.
    passage = Passage(hit.file_id, hit.filename or hit.file_id, zlib.crc32(text.encode()) & _MOST_NUMBER, (), text, 0, len(text))
    return Found(passage, min(max(hit.score, 0.0), 1.0), dict(hit.attributes or {}))
