"""One attempt to read a file into a vector store: its bytes, its text, its chunks, their vectors. Nothing of it counts before the
attempt is told to be the one: so it may be broken off anywhere, and begun again by anyone."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..embedding.base import Embedder
from ..errors import NotFound
from ..objects.chunk import Chunk
from ..objects.file import File
from ..objects.vector_store_file import StaticChunking, StaticSizes, VectorStoreFile
from ..parsing.base import Parsed, Parser, Unparsable
from ..store.base import Blobs, Scope, Store
from ..tokens import tokens
from .base import Document, Passage
from .chunk import chunks, new_part
from .vector_blocks import Part, batched, embedded, vector_bytes

MOST_TOKENS = 5_000_000
"""OpenAI's limit for a file."""

DELETED = "The file was deleted before it was read."


@dataclass(frozen=True)
class Made:
    """What an attempt came to."""

    chunks: int
    usage_bytes: int


@dataclass(frozen=True)
class Workbench:
    """What an attempt works with. `folder` is for the bytes of files while they are read, this worker's own."""

    store: Store
    blobs: Blobs
    parser: Parser
    embedder: Embedder
    folder: Path

    async def read(self, file: VectorStoreFile, chunk_set: str) -> Made:
        """Write the file's chunks and vectors under that name. May be repeated under the same name.

        Raises Unparsable, EmbeddingFailed, StoreUnavailable.
        """
        parsed = await self._parsed(file, chunk_set)
        parts = _parts(parsed, file, chunk_set)
        made, usage_bytes, number = 0, 0, 0
        while batch := await asyncio.to_thread(batched, parts):
            block = await embedded(self.embedder, number, batch)
            written = [part.chunk for part in batch]
            await self.store.add_many([*written, block])
            made += len(batch)
            number += 1
            usage_bytes += sum(len(chunk.text.encode()) for chunk in written) + vector_bytes(block)
        return Made(made, usage_bytes)

    async def still_there(self, file: VectorStoreFile) -> None:
        """Raises Unparsable when the file itself was deleted meanwhile."""
        try:
            found = await self.store.get(File, file.file_id, scope=Scope(file.owner))
        except NotFound:
            raise Unparsable("invalid_file", DELETED) from None
        if found.state != "kept":
            raise Unparsable("invalid_file", DELETED)

    def remove_folder(self) -> None:
        """Nothing is read any more. Blocks for a moment."""
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _parsed(self, file: VectorStoreFile, chunk_set: str) -> Parsed:
        await self.still_there(file)
        path = self.folder / chunk_set
        try:
            try:
                await self._copy(file.file_id, path)
            except NotFound:
                raise Unparsable("invalid_file", DELETED) from None
            parsed = await self.parser.parse(path, file.filename)
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        size = await asyncio.to_thread(tokens, parsed.text)
        if size > MOST_TOKENS:
            raise Unparsable(
                "invalid_file",
                f"The file has about {size:,} tokens of text, and {MOST_TOKENS:,} is the most. Cut it into several files.",
            )
        return parsed

    async def _copy(self, file_id: str, path: Path) -> None:
        await asyncio.to_thread(partial(path.parent.mkdir, parents=True, exist_ok=True, mode=0o700))
        target = await asyncio.to_thread(os.open, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            async with self.blobs.read(file_id) as pieces:
                await _write(target, pieces)
        except OSError as error:
            raise Unparsable("server_error", f"The file could not be copied for reading: {error.strerror}.") from None
        finally:
            await asyncio.to_thread(os.close, target)


async def remove_old_copies(folder: Path, store: Store) -> None:
    """Remove what workers left in it that this host knows to be dead: copies of files that they were reading."""
    names = await asyncio.to_thread(lambda: [one.name for one in folder.iterdir()] if folder.is_dir() else [])
    for name in names:
        if await store.worker_lives(name) is False:
            await asyncio.to_thread(shutil.rmtree, folder / name, ignore_errors=True)


async def _write(target: int, pieces: AsyncIterator[bytes]) -> None:
    async for piece in pieces:
        rest = memoryview(piece)
        while rest:
            rest = rest[await asyncio.to_thread(os.write, target, rest) :]


def _parts(parsed: Parsed, file: VectorStoreFile, chunk_set: str) -> Iterator[Part]:
    sizes = file.chunking_strategy.static if isinstance(file.chunking_strategy, StaticChunking) else StaticSizes()
    document = Document(file.file_id, file.filename, parsed.text, parsed.pages)
    before: Passage | None = None
    for passage in chunks(document, max_tokens=sizes.max_chunk_size_tokens, overlap_tokens=sizes.chunk_overlap_tokens):
        yield Part(_chunk(file, chunk_set, passage), new_part(passage, before))
        before = passage


def _chunk(file: VectorStoreFile, chunk_set: str, passage: Passage) -> Chunk:
    return Chunk(
        id=f"{chunk_set}.{passage.number}",
        owner=file.owner,
        seq=passage.number + 1,
        chunk_set=chunk_set,
        vector_store_id=file.vector_store_id,
        file_id=file.file_id,
        number=passage.number,
        heading=list(passage.heading),
        text=passage.text,
        start=passage.start,
        end=passage.end,
        page=passage.page,
    )
