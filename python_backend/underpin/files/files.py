"""Files as their owners see them: there from the moment when all their bytes are, gone when deleted or expired."""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from ..errors import NotFound
from ..ids import new_id
from ..objects.file import AnyPurpose, File, expiry
from ..store.base import Order, Page, Scope
from .arrival import Arrival, Place

MOST_AT_ONCE = 1000
"""As many as the store gives in one page."""
MOST_OF_AN_ID = 100
"""As much of a wrong id as an error repeats."""


class Files:
    def __init__(self, place: Place) -> None:
        self._place = place

    def arriving(self, owner: str) -> Arrival[File]:
        """A new file's bytes on their way in; end with `keep`. What it is called may be known only then."""
        return Arrival(self._place, File(id=new_id("file-"), owner=owner))

    async def keep(
        self, arrival: Arrival[File], owner: str, *, filename: str, purpose: AnyPurpose, expires_after_s: int | None
    ) -> File:
        """The file, from now on in its owner's list. Raises as `Arrival.keep`."""
        now = int(time.time())
        changes = {
            "filename": filename,
            "purpose": purpose,
            "created_at": now,
            "expires_at": expiry(purpose, now, expires_after_s),
        }
        return await arrival.keep({**changes, "seq": await self._place.store.next_seq(owner)})

    async def get(self, owner: str, id: str) -> File:
        """Raises NotFound `No such File object: file-x`; its param is `id`, as OpenAI's was."""
        shown = id.replace("\0", "")
        try:
            found = await self._place.store.get(File, shown, scope=Scope(owner))
        except NotFound:
            found = None
        if found is None or not _there(found):
            raise NotFound(f"No such File object: {shown[:MOST_OF_AN_ID]}", param="id")
        return found

    def content(self, file: File) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Its bytes, as `Blobs.read` gives them."""
        return self._place.blobs.read(file.id)

    async def page(
        self, owner: str, *, limit: int, order: Order, after: int | None = None, purpose: str | None = None
    ) -> Page[File]:
        """An owner's files in the order in which they came, any number at once."""
        data: list[File] = []
        while True:
            part = await self._place.store.page(
                File,
                owner,
                scope=Scope(owner),
                after=after,
                limit=min(MOST_AT_ONCE, limit - len(data)),
                order=order,
                where=None if purpose is None else {"purpose": purpose},
            )
            data += filter(_there, part.data)
            if not part.has_more or len(data) >= limit:
                return Page(data, part.has_more)
            after = part.data[-1].seq

    async def delete(self, owner: str, id: str) -> None:
        """Raises NotFound as `get`."""
        file = await self.get(owner, id)
        await self._place.remove(File, file.id, scope=Scope(owner))


def _there(file: File) -> bool:
    return file.state == "kept" and (file.expires_at is None or file.expires_at > time.time())
