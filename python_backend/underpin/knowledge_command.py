"""`underpin knowledge`: fill, list and empty the knowledge base from a terminal.

It works on the database itself, as one more worker beside the server, which need not run: whoever of the two is free reads the
files.
"""

import argparse
import asyncio
import shutil
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from .app import build_stores_client
from .bookshelf import build_embedders
from .errors import UnderpinError
from .files.arrival import Place
from .files.files import Files
from .files.sweep import FileSweep
from .files.uploads import Uploads
from .knowledge.filling import Filling, Told
from .knowledge.folder_files import FolderFile, Missed, files_of
from .knowledge.standing import Standing
from .knowledge.standing_files import StandingFile, StandingFiles
from .knowledge.store_files import StoreFiles
from .knowledge.vector_stores import VectorStores
from .reading import open_reading
from .settings import Settings
from .storage import open_storage

_BAR_WIDTH = 24
_MARKS = {"failed": "❌", "unchanged": "·", "added": "✅", "replaced": "✅"}


@dataclass(frozen=True)
class _Base:
    """The knowledge base, open."""

    files: Files
    standing_files: StandingFiles
    store_id: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments after `underpin knowledge`."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    add = commands.add_parser(
        "add",
        help="add files and folders",
        description="Add files to the knowledge base, folders through and through. What is there unchanged is skipped, what "
        "changed is replaced. Of folders, what is hidden or of a kind that cannot be read is left out. The exit code is 1 when a "
        "file could not be added.",
    )
    add.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder")
    commands.add_parser("list", help="list its files", description="List the files of the knowledge base: id, status, name.")
    remove = commands.add_parser("remove", help="remove files", description="Remove files from the knowledge base.")
    remove.add_argument("files", nargs="+", metavar="FILE", help="a file's id, or its name where no other has it")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Do what was asked; the exit code. Raises UnderpinError when the knowledge base cannot be had."""
    try:
        return asyncio.run(_run(settings, arguments))
    except KeyboardInterrupt:
        print("\nStopped. What was added stays; the same command goes on from there.", file=sys.stderr)
        return 130


async def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    async with _open_base(settings, reads=arguments.action == "add") as base:
        match arguments.action:
            case "add":
                return await _add(base, settings.max_file_bytes, arguments.paths)
            case "list":
                return await _list(base)
            case _:
                return await _remove(base, arguments.files)


@asynccontextmanager
async def _open_base(settings: Settings, *, reads: bool) -> AsyncGenerator[_Base, None]:
    """`reads`: read what is added, if the base is here; the server may be down."""
    async with AsyncExitStack() as closing:
        storage = await closing.enter_async_context(open_storage(settings))
        store = storage.store
        place = Place(store, storage.blobs, storage.worker, lease_s=3 * settings.file_gap_s)
        files = Files(place)
        stores = VectorStores(store)
        store_files = StoreFiles(store, files, stores, lease_s=settings.run_lease_s)
        place.on_removal.append(store_files.forget_file)
        # What an earlier command left that was stopped in the middle.
        uploads = Uploads(place, files, most_bytes=settings.max_file_bytes, timeout_s=settings.upload_timeout_s)
        await FileSweep(place, uploads, every_s=settings.sweep_s).sweep(at_start=True)
        stores_there = build_stores_client(settings)
        if stores_there is not None:
            closing.push_async_callback(stores_there.close)
        standing = Standing(
            store, stores_there, uploads=settings.openai_vector_store_id, knowledge=settings.openai_knowledge_store_id
        )
        closing.push_async_callback(standing.stop)
        await standing.begin()
        if await standing.place(standing.knowledge.id) == "here" and reads:
            embedders = build_embedders(settings)
            closing.push_async_callback(embedders.close)
            reading = await closing.enter_async_context(
                open_reading(
                    settings,
                    store=store,
                    blobs=storage.blobs,
                    worker=storage.worker,
                    embedder=embedders.current,
                    stores=stores,
                    files=store_files,
                )
            )
            await reading.begin()
        yield _Base(files, StandingFiles(standing, store, files, store_files, stores_there), standing.knowledge.id)


async def _add(base: _Base, most_bytes: int, paths: Sequence[Path]) -> int:
    found: list[FolderFile | Missed] = await asyncio.to_thread(lambda: list(files_of(paths)))
    progress = _Progress(sys.stderr, len(found))
    filling = Filling(base.files, base.standing_files, base.store_id, most_bytes=most_bytes, tell=progress.tell)
    try:
        await filling.fill(found)
    finally:
        progress.end()
    counts = progress.counts
    print(", ".join(f"{counts[outcome]} {outcome}" for outcome in ("added", "replaced", "unchanged", "failed")))
    for one in progress.failed:
        print(f"❌ {one.shown}: {one.reason}", file=sys.stderr)
    return 1 if progress.failed else 0


async def _list(base: _Base) -> int:
    for file in await base.standing_files.listed(base.store_id):
        print(f"{file.file_id}  {file.status:<11}  {file.filename}" + (f"  ({file.reason})" if file.reason else ""))
    return 0


async def _remove(base: _Base, asked: Sequence[str]) -> int:
    there = await base.standing_files.listed(base.store_id)
    failed = False
    for name in dict.fromkeys(asked):
        try:
            file = _the_one(name, there)
            await base.standing_files.remove(base.store_id, file.file_id)
            print(f"Removed {file.file_id}  {file.filename}")
        except UnderpinError as error:
            failed = True
            print(f"❌ {error.message}", file=sys.stderr)
    return 1 if failed else 0


def _the_one(name: str, there: Sequence[StandingFile]) -> StandingFile:
    meant = [file for file in there if name == file.file_id] or [file for file in there if name == file.filename]
    if not meant:
        raise UnderpinError(f"No file of the knowledge base has the id or the name '{name[:200]}'.")
    if len(meant) > 1:
        raise UnderpinError(f"{len(meant)} files are called '{name[:200]}'. Name the one you mean by its id.")
    return meant[0]


class _Progress:
    """A bar on a terminal, a line for each file elsewhere."""

    def __init__(self, out: TextIO, total: int) -> None:
        self.counts: Counter[str] = Counter()
        self.failed: list[Told] = []
        self._out = out
        self._total = total
        self._is_terminal = out.isatty()
        self._draw("")

    def tell(self, told: Told) -> None:
        self.counts[told.outcome] += 1
        if told.outcome == "failed":
            self.failed.append(told)
        if self._is_terminal:
            self._draw(Path(told.shown).name)
        else:
            print(f"{_MARKS[told.outcome]} {told.outcome:<9}  {told.shown}", file=self._out, flush=True)

    def end(self) -> None:
        """Leave the bar's line."""
        if self._is_terminal:
            print(file=self._out, flush=True)

    def _draw(self, name: str) -> None:
        if not self._is_terminal:
            return
        done = min(self.counts.total(), self._total)
        filled = _BAR_WIDTH * done // max(self._total, 1)
        line = f"[{'#' * filled}{'-' * (_BAR_WIDTH - filled)}] {done}/{self._total}  {name}"
        width = shutil.get_terminal_size().columns - 1
        print(
            "\r" + "".join(char if char.isprintable() else "?" for char in line)[:width].ljust(width),
            end="",
            file=self._out,
            flush=True,
        )
