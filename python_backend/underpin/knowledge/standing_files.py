"""The files of the standing stores, wherever those are: listed, put in, taken out, given back."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field

from ..errors import NotFound, UnderpinError
from ..files.arrival import Arrival
from ..files.files import MOST_OF_AN_ID, Files
from ..objects.file import File
from ..objects.stored import DEFAULT_OWNER
from ..objects.vector_store import VectorStore
from ..objects.vector_store_file import Attribute, FileStatus, VectorStoreFile
from ..store.base import Scope, Store
from .standing import Standing
from .store_files import StoreFiles
from .upstream_stores import UpstreamStores

LIST_KEPT_S = 0.5
"""Front ends ask for the list every second, each tab of its own."""
LIST_KEPT_THERE_S = 5.0
"""The model's server is asked no more often than that; at once after a change that was made here."""
FINISHES_WITHIN_S = 5.0
"""How long a file that is on its way to the model's server may go on when its sender is stopped."""
_PAGE = 1000


Version = tuple[int, int] | None
"""Of a list; None: nobody knows."""


@dataclass(frozen=True)
class StandingFile:
    """`reason` says why it failed."""

    file_id: str
    filename: str
    status: FileStatus
    reason: str | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Bytes:
    """A file to be given back. `size` is as its keeper told it."""

    name: str
    size: int
    content: AbstractAsyncContextManager[AsyncIterator[bytes]]


class StandingFiles:
    """Everything here belongs to the one owner. Where a store is, or might be, at the model's server, every call may raise
    ModelError or VectorStoreAway."""

    def __init__(
        self, standing: Standing, store: Store, files: Files, store_files: StoreFiles, upstream: UpstreamStores | None
    ) -> None:
        self.standing = standing
        self._store = store
        self._files = files
        self._store_files = store_files
        self._upstream = upstream
        self._lists = {known: _List() for known in standing.ids()}

    async def listed(self, store_id: str) -> Sequence[StandingFile]:
        """A standing store's files, newest first, as they were a moment ago."""
        there = await self.standing.place(store_id) == "upstream"
        if there:
            return await self._lists[store_id].files(lambda: self._listed_there(store_id), LIST_KEPT_THERE_S)
        return await self._lists[store_id].files(
            lambda: self._listed_here(store_id), LIST_KEPT_S, lambda: self._version_here(store_id)
        )

    async def add(
        self, store_id: str, arrival: Arrival[File], filename: str, attributes: Mapping[str, Attribute] | None = None
    ) -> str:
        """Put what came into a standing store; its id there. Nothing of it is left when that fails."""
        if await self.standing.place(store_id) == "upstream":
            file_id = await self._add_there(store_id, arrival, filename, attributes or {})
        else:
            file_id = await self._add_here(store_id, arrival, filename, attributes or {})
        self._lists[store_id].changed()
        return file_id

    async def remove(self, store_id: str, file_id: str) -> None:
        """Take a file out of a standing store, and delete it unless another store has it. Raises NotFound."""
        if await self.standing.place(store_id) == "upstream":
            if self._upstream is None or not await self._upstream.remove(store_id, file_id):
                raise no_file(file_id)
        else:
            await self._remove_here(store_id, file_id)
        self._lists[store_id].changed()

    async def bytes_there(self, file_id: str) -> Bytes:
        """A file of a standing store that is at the model's server. Raises NotFound, also for files there that are in neither."""
        for store_id in self.standing.ids():
            if self._upstream is None or self.standing.where(store_id) != "upstream":
                continue
            if await self._upstream.store_file(store_id, file_id) is None:
                continue
            if (file := await self._upstream.file(file_id)) is not None:
                return Bytes(file.filename or file_id, file.bytes, self._upstream.download(file_id))
        raise no_file(file_id)

    def found_there(self, file_id: str, number: int) -> str | None:
        """The passage that a search at the model's server found under this number, while it is remembered."""
        shelves = (self.standing.shelf(DEFAULT_OWNER, store_id) for store_id in self.standing.ids())
        return next((text for shelf in shelves if shelf and (text := shelf.text_of(file_id, number))), None)

    async def text_there(self, file_id: str) -> tuple[str, str] | None:
        """Name and text of such a file, as the model's server read it; None when it is in neither store there."""
        for store_id in self.standing.ids():
            if self._upstream is None or (shelf := self.standing.shelf(DEFAULT_OWNER, store_id)) is None:
                continue
            if (text := await self._upstream.content(store_id, file_id)) is not None:
                return (await shelf.names([file_id]))[0], text
        return None

    async def _version_here(self, store_id: str) -> Version:
        """Grows behind every change of the store's files; `seq` is another when it was made again."""
        try:
            store = await self._store.get(VectorStore, store_id, scope=Scope(DEFAULT_OWNER))
        except NotFound:
            return None
        return store.seq, store.generation

    async def _listed_here(self, store_id: str) -> list[StandingFile]:
        listed: list[StandingFile] = []
        after = None
        while True:
            page = await self._store.page(VectorStoreFile, store_id, scope=Scope(DEFAULT_OWNER), after=after, limit=_PAGE)
            listed += map(_as_listed, page.data)
            if not page.has_more:
                return listed
            after = page.data[-1].seq

    async def _listed_there(self, store_id: str) -> list[StandingFile]:
        shelf = self.standing.shelf(DEFAULT_OWNER, store_id)
        assert self._upstream is not None
        assert shelf is not None
        files = await self._upstream.files(store_id)
        names = await shelf.names([file.id for file in files])
        return [
            StandingFile(file.id, name, file.status, file.last_error.message if file.last_error else None, file.attributes or {})
            for file, name in zip(files, names, strict=True)
        ]

    async def _add_here(self, store_id: str, arrival: Arrival[File], filename: str, attributes: Mapping[str, Attribute]) -> str:
        file = await self._files.keep(arrival, DEFAULT_OWNER, filename=filename, purpose="assistants", expires_after_s=None)
        try:
            await self.standing.be_here(store_id)
            await self._store_files.add(DEFAULT_OWNER, store_id, file.id, attributes=attributes)
        except BaseException:
            await asyncio.shield(self._undo(store_id, file.id))
            raise
        return file.id

    async def _undo(self, store_id: str, file_id: str) -> None:
        # What failed before is what the caller hears of. It may have been put in all the same, by a write without an answer.
        with suppress(UnderpinError):
            await self._files.delete(DEFAULT_OWNER, file_id)
            await self._store_files.remove(DEFAULT_OWNER, store_id, file_id)

    async def _add_there(self, store_id: str, arrival: Arrival[File], filename: str, attributes: Mapping[str, Attribute]) -> str:
        sending = asyncio.create_task(
            self._send_there(store_id, arrival, filename, attributes), name="file to the model's server"
        )
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            # The server may have taken the file already, and only its answer is missing: it is not to be left without a store.
            await asyncio.wait({sending}, timeout=FINISHES_WITHIN_S)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            raise

    async def _send_there(self, store_id: str, arrival: Arrival[File], filename: str, attributes: Mapping[str, Attribute]) -> str:
        shelf = self.standing.shelf(DEFAULT_OWNER, store_id)
        assert self._upstream is not None
        assert shelf is not None
        file = await self._upstream.upload(filename, arrival.read(), arrival.size)
        shelf.named(file.id, filename)
        try:
            await self._upstream.add(store_id, file.id, attributes)
        except BaseException:
            await asyncio.shield(self._undo_there(self._upstream, store_id, file.id))
            raise
        return file.id

    async def _undo_there(self, upstream: UpstreamStores, store_id: str, file_id: str) -> None:
        with suppress(UnderpinError):
            if not await upstream.remove(store_id, file_id):
                await upstream.discard(file_id)

    async def _remove_here(self, store_id: str, file_id: str) -> None:
        try:
            await self._store_files.remove(DEFAULT_OWNER, store_id, file_id.replace("\0", ""))
        except NotFound:
            raise no_file(file_id) from None
        elsewhere = await self._store.page(VectorStoreFile, None, scope=Scope(DEFAULT_OWNER), where={"file_id": file_id}, limit=1)
        if not elsewhere.data:
            with suppress(NotFound):
                await self._files.delete(DEFAULT_OWNER, file_id)


class _List:
    """What was listed last, or why it could not be, by one who asked for all."""

    def __init__(self) -> None:
        self._asking = asyncio.Lock()
        self._files: Sequence[StandingFile] = ()
        self._failure: UnderpinError | None = None
        self._good_until = 0.0
        self._changes = 0
        self._version: Version = None

    def changed(self) -> None:
        """Whoever asks next gets a new one."""
        self._changes += 1
        self._good_until = 0.0

    async def files(
        self,
        load: Callable[[], Awaitable[Sequence[StandingFile]]],
        kept_s: float,
        version: Callable[[], Awaitable[Version]] | None = None,
    ) -> Sequence[StandingFile]:
        """The list, at most `kept_s` seconds old, or older where its `version` is still the same. Raises what `load` raised."""
        async with self._asking:
            if time.monotonic() >= self._good_until:
                before, self._failure = self._changes, None
                try:
                    # Asked before the list: what changes in between is seen the next time.
                    now = await version() if version is not None else None
                    if now is None or now != self._version:
                        self._files, self._version = await load(), now
                except UnderpinError as error:
                    self._failure, self._version = error, None
                if before == self._changes:
                    self._good_until = time.monotonic() + kept_s
            files, failure = self._files, self._failure
        if failure is not None:
            raise type(failure)(failure.message, retry_after_s=failure.retry_after_s)
        return files


def no_file(file_id: str) -> NotFound:
    """For an id that names no file of these stores."""
    return NotFound(f"No file found with id '{file_id.replace(chr(0), '')[:MOST_OF_AN_ID]}'.")


def _as_listed(file: VectorStoreFile) -> StandingFile:
    reason = file.last_error.message if file.last_error else None
    return StandingFile(file.file_id, file.filename, file.status, reason, file.attributes)
