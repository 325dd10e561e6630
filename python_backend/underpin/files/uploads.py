"""Uploads: a large file in parts, joined when it is completed. Its parts go when it ends, whichever way.

A completion names the file that it makes in the upload before it makes it, and the upload is completed by a conditional
update that asks for that name. So of two at once, or of one that comes back from the dead, exactly one file stays.
"""

import hashlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from ..errors import BadInput, ConditionFailed, NotFound, UnderpinError, WrongState
from ..ids import new_id
from ..objects.file import File, Purpose
from ..objects.upload import Upload, UploadPart
from ..store.base import EVERYONE, Below, Changes, Conditions, Inc, Scope
from .arrival import Arrival, Place
from .files import MOST_AT_ONCE, MOST_OF_AN_ID, Files

logger = logging.getLogger("underpin.files")

MOST_BYTES = 8 << 30
"""OpenAI's limit for an upload."""
MOST_PART_BYTES = 64 << 20
"""OpenAI's limit for a part, and what the SDKs cut."""
MOST_PARTS = 10_000


@dataclass(frozen=True)
class NewUpload:
    """What an upload is to become; `bytes` in all, and the file's life counted from its creation."""

    filename: str
    purpose: Purpose
    bytes: int
    mime_type: str
    expires_after_s: int | None = None


class Uploads:
    """`most_bytes`: the most that a file may have. `timeout_s`: after it, an upload that was not completed expires."""

    def __init__(self, place: Place, files: Files, *, most_bytes: int, timeout_s: float) -> None:
        self._place = place
        self._store = place.store
        self._files = files
        self._most_bytes = min(most_bytes, MOST_BYTES)
        self._timeout_s = timeout_s

    async def create(self, owner: str, new: NewUpload) -> Upload:
        """Raises BadInput for more bytes than a file may have."""
        if new.bytes > self._most_bytes:
            most = f"{self._most_bytes:,} bytes, the most that a file may have here"
            raise BadInput(
                f"Invalid 'bytes': {new.bytes:,} is more than {most}. Send less, or raise MAX_FILE_BYTES.", param="bytes"
            )
        now = int(time.time())
        upload = Upload(
            id=new_id("upload_"),
            owner=owner,
            seq=await self._store.next_seq(owner),
            bytes=new.bytes,
            created_at=now,
            expires_at=int(now + self._timeout_s),
            filename=new.filename,
            purpose=new.purpose,
            mime_type=new.mime_type,
            expires_after_s=new.expires_after_s,
            tidy_at=self._store.now() + self._timeout_s,
        )
        await self._store.add(upload)
        return upload

    async def part_arriving(self, owner: str, id: str) -> Arrival[UploadPart]:
        """One more part's bytes on their way in; end with `keep_part`. Raises NotFound, WrongState for an upload that ended."""
        await self._pending(owner, id)
        only_if = {"last_seq": Below(MOST_PARTS)}
        upload = await self._change(
            owner, id, {"last_seq": Inc()}, only_if, f"It has {MOST_PARTS:,} parts, the most that it may."
        )
        part = UploadPart(id=new_id("part_"), owner=owner, seq=upload.last_seq, created_at=int(time.time()), upload_id=upload.id)
        return Arrival(self._place, part)

    async def keep_part(self, arrival: Arrival[UploadPart], owner: str, id: str) -> UploadPart:
        """The part, from now on one of the upload's. Raises WrongState, also when its parts are too much for it."""
        upload = await self._pending(owner, id)
        # One part more than it needs: the answer to one may have been lost, and it was sent again.
        room = upload.bytes + MOST_PART_BYTES - arrival.size
        only_if = {"received_bytes": Below(room + 1)}
        excess = f"Its parts are more than the {upload.bytes:,} bytes that were announced."
        await self._change(owner, id, {"received_bytes": Inc(arrival.size)}, only_if, excess)
        return await arrival.keep({})

    async def complete(self, owner: str, id: str, part_ids: Sequence[str], md5: str | None) -> tuple[Upload, File]:
        """Join the parts in this order; the completed upload and its file. Repeated with the same parts: the same answer.

        Raises NotFound, WrongState, and BadInput when parts, size or md5 are not what they must be: it stays pending then.
        """
        upload = await self._get(owner, id)
        if upload.status == "completed" and upload.file_id is not None and upload.part_ids == list(part_ids):
            return upload, await self._files.get(owner, upload.file_id)
        self._must_be_pending(upload)
        parts = await self._chosen(upload, part_ids)
        await self._nobody_completes(upload)
        file = await self._join(upload, parts, md5)
        ended = {"status": "completed", "tidy_at": self._store.now()}
        try:
            completed = await self._change(owner, id, ended, {"file_id": file.id}, "Another request completes it.")
        except WrongState:
            await self._place.remove(File, file.id)
            raise
        await self._tidy_now(completed)
        return completed, file

    async def cancel(self, owner: str, id: str) -> Upload:
        """The cancelled upload, again if it was one. Raises NotFound, WrongState."""
        upload = await self._get(owner, id)
        if upload.status != "cancelled":
            self._must_be_pending(upload)
            upload = await self._change(owner, id, {"status": "cancelled", "tidy_at": self._store.now()})
        await self._tidy_now(upload)
        return upload

    async def tidy(self, upload: Upload) -> None:
        """Remove what an ended upload has no use for: its parts, and the files of attempts that came to nothing."""
        while page := (await self._store.page(UploadPart, upload.id, scope=EVERYONE, limit=MOST_AT_ONCE)).data:
            for part in page:
                await self._place.remove(UploadPart, part.id)
        for file_id in upload.attempts:
            if upload.status != "completed" or file_id != upload.file_id:
                await self._place.remove(File, file_id)
        await self._store.update(Upload, upload.id, {"tidy_at": None}, scope=EVERYONE)

    async def expire(self, upload: Upload) -> None:
        """End it if it is still pending, and tidy. Its time has come."""
        try:
            upload = await self._store.update(
                Upload, upload.id, {"status": "expired"}, scope=EVERYONE, only_if={"status": "pending"}
            )
        except ConditionFailed:
            upload = await self._store.get(Upload, upload.id, scope=EVERYONE)
        await self.tidy(upload)

    async def _join(self, upload: Upload, parts: Sequence[UploadPart], md5: str | None) -> File:
        digest = hashlib.md5(usedforsecurity=False)
        async with self._files.arriving(upload.owner) as arrival:
            claim = {
                "file_id": arrival.id, "attempts": [*upload.attempts, arrival.id], "part_ids": [part.id for part in parts],
            }  # fmt: skip
            await self._change(upload.owner, upload.id, claim, {"file_id": upload.file_id}, "Another request completes it.")
            try:
                async with aclosing(self._bytes_of(parts, digest.update if md5 is not None else None)) as joined:
                    await arrival.take(joined)
            except NotFound:
                await self._pending(upload.owner, upload.id)
                raise
            if md5 is not None and md5.lower() != digest.hexdigest():
                text = f"Invalid 'md5': the parts' is {digest.hexdigest()}, not {md5[:MOST_OF_AN_ID]}. Look at their order."
                raise BadInput(text, param="md5")
            return await self._files.keep(
                arrival,
                upload.owner,
                filename=upload.filename,
                purpose=upload.purpose,
                expires_after_s=upload.expires_after_s,
            )

    async def _bytes_of(self, parts: Sequence[UploadPart], look: Callable[[bytes], None] | None) -> AsyncGenerator[bytes, None]:
        for part in parts:
            async with self._place.blobs.read(part.id) as pieces:
                async for piece in pieces:
                    if look is not None:
                        look(piece)
                    yield piece

    async def _chosen(self, upload: Upload, part_ids: Sequence[str]) -> list[UploadPart]:
        there = {part.id: part for part in await self._parts(upload)}
        chosen: list[UploadPart] = []
        for number, part_id in enumerate(part_ids):
            if (part := there.pop(part_id, None)) is None:
                said = "is named twice" if part_id in {one.id for one in chosen} else "is no part of this upload"
                raise BadInput(f"Invalid 'part_ids[{number}]': '{part_id[:MOST_OF_AN_ID]}' {said}.", param=f"part_ids[{number}]")
            chosen.append(part)
        size = sum(part.bytes for part in chosen)
        if size != upload.bytes:
            text = f"The parts have {size:,} bytes together, and {upload.bytes:,} were announced when the upload was created."
            raise BadInput(f"{text} Name all of its parts, or cancel it.", param="part_ids")
        return chosen

    async def _parts(self, upload: Upload) -> list[UploadPart]:
        parts: list[UploadPart] = []
        after = None
        while True:
            page = await self._store.page(
                UploadPart, upload.id, scope=Scope(upload.owner), after=after, limit=MOST_AT_ONCE, order="asc"
            )
            parts += [part for part in page.data if part.state == "kept"]
            if not page.has_more:
                return parts
            after = page.data[-1].seq

    async def _nobody_completes(self, upload: Upload) -> None:
        if upload.file_id is None:
            return
        try:
            file = await self._store.get(File, upload.file_id, scope=Scope(upload.owner))
        except NotFound:
            return
        if file.state == "coming" and await self._place.writer_lives(file):
            raise WrongState(f"Upload '{upload.id}' is being completed by another request.")

    async def _get(self, owner: str, id: str) -> Upload:
        shown = id.replace("\0", "")
        try:
            return await self._store.get(Upload, shown, scope=Scope(owner))
        except NotFound:
            raise NotFound(f"No upload found with id '{shown[:MOST_OF_AN_ID]}'.", param="upload_id") from None

    async def _pending(self, owner: str, id: str) -> Upload:
        upload = await self._get(owner, id)
        self._must_be_pending(upload)
        return upload

    def _must_be_pending(self, upload: Upload) -> None:
        # The sweep may be late.
        late = upload.status == "pending" and upload.tidy_at is not None and upload.tidy_at <= self._store.now()
        if late or upload.status != "pending":
            raise _ended(upload.id, "expired" if late else upload.status)

    async def _change(
        self, owner: str, id: str, changes: Changes, only_if: Conditions | None = None, otherwise: str = ""
    ) -> Upload:
        """Change a pending upload; `otherwise` says why it may not when `only_if` fails."""
        conditions = {"status": "pending", **(only_if or {})}
        try:
            return await self._store.update(Upload, id, changes, scope=Scope(owner), only_if=conditions)
        except ConditionFailed as lost:
            if lost.field == "status":
                raise _ended(id, (await self._get(owner, id)).status) from None
            raise WrongState(f"Upload '{id}' cannot be changed. {otherwise}") from None

    async def _tidy_now(self, upload: Upload) -> None:
        try:
            await self.tidy(upload)
        except UnderpinError as failure:
            logger.warning("⚠️ The parts of an upload are removed later: %s", failure.message)


def _ended(id: str, status: str) -> WrongState:
    return WrongState(f"Upload '{id}' has status '{status}': only a pending one takes parts, is completed or cancelled.")
