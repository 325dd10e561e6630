"""What every implementation of Blobs promises: whole or not at all, streamed both ways, nothing left behind."""

import asyncio
import os
import sys
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contracts.blob_backends import BlobBackend, DirectoryBackend, GridFSBackend
from tests.mongo_servers.fixtures import obtained
from tests.mongo_servers.processes import own_database
from tests.mongo_servers.servers import MongoServers, server_names
from underpin.errors import AlreadyExists, NotFound, StoreUnavailable
from underpin.ids import new_id
from underpin.store.base import Blobs

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20


@pytest.fixture(params=["directory", *server_names()])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobBackend]:
    if request.param == "directory":
        yield DirectoryBackend(str(tmp_path / "data"))
        return
    servers: MongoServers = request.getfixturevalue("mongo_servers")
    with own_database(obtained(lambda: servers.running(request.param))) as uri:
        yield GridFSBackend(uri)


@pytest_asyncio.fixture
async def another(backend: BlobBackend) -> AsyncIterator[Callable[[], Awaitable[Blobs]]]:
    """Opens one more on the same place, as another process would."""
    opened: list[Blobs] = []

    async def open_one() -> Blobs:
        opened.append(backend.blobs())
        await opened[-1].open()
        return opened[-1]

    yield open_one
    for blobs in opened:
        await blobs.close()


@pytest_asyncio.fixture
async def blobs(another: Callable[[], Awaitable[Blobs]]) -> Blobs:
    return await another()


@pytest.fixture
def blob_id() -> str:
    return new_id("file-")


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(blobs: Blobs, blob_id: str) -> bytes:
    async with blobs.read(blob_id) as found:
        return b"".join([piece async for piece in found])


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"",),
        (b"x",),
        (b"ab", b"", b"c"),
        (bytes(range(256)) * 5000,),
        (b"y" * MIB, b"z"),
        tuple(b"%d" % n for n in range(3000)),
    ],
    ids=["none", "empty", "one", "three", "large", "a MiB and one", "many"],
)
async def test_bytes_come_back_as_they_went_in(blobs: Blobs, blob_id: str, parts: tuple[bytes, ...]) -> None:
    whole = b"".join(parts)
    assert await blobs.write(blob_id, pieces(*parts)) == len(whole)
    assert await read(blobs, blob_id) == whole


async def test_another_process_reads_what_was_written(
    blobs: Blobs, another: Callable[[], Awaitable[Blobs]], blob_id: str
) -> None:
    await blobs.write(blob_id, pieces(b"shared"))
    assert await read(await another(), blob_id) == b"shared"


async def test_pieces_are_at_most_a_mebibyte(blobs: Blobs, blob_id: str) -> None:
    await blobs.write(blob_id, pieces(b"x" * (3 * MIB + 5)))
    async with blobs.read(blob_id) as found:
        sizes = [len(piece) async for piece in found]
    assert max(sizes) <= MIB
    assert sum(sizes) == 3 * MIB + 5


async def test_an_id_is_used_once(blobs: Blobs, blob_id: str) -> None:
    await blobs.write(blob_id, pieces(b"first"))
    with pytest.raises(AlreadyExists):
        await blobs.write(blob_id, pieces(b"second"))
    assert await read(blobs, blob_id) == b"first"


async def test_what_is_not_there_is_not_found(blobs: Blobs, blob_id: str) -> None:
    with pytest.raises(NotFound):
        await read(blobs, blob_id)
    assert await blobs.delete(blob_id) is False


async def test_deleted_bytes_are_gone(blobs: Blobs, blob_id: str, backend: BlobBackend) -> None:
    await blobs.write(blob_id, pieces(b"x"))
    assert await blobs.delete(blob_id) is True
    assert await blobs.delete(blob_id) is False
    with pytest.raises(NotFound):
        await read(blobs, blob_id)
    assert backend.leftovers() == []


async def test_nothing_can_be_read_before_all_of_it_came(blobs: Blobs, blob_id: str) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 2 * MIB
        asked.set()
        await go_on.wait()
        yield b"y"

    writing = asyncio.create_task(blobs.write(blob_id, slow()))
    await asyncio.wait_for(asked.wait(), 10)
    with pytest.raises(NotFound):
        await read(blobs, blob_id)
    go_on.set()
    assert await writing == 2 * MIB + 1
    assert len(await read(blobs, blob_id)) == 2 * MIB + 1


async def test_a_source_that_fails_leaves_nothing(blobs: Blobs, blob_id: str, backend: BlobBackend) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 3 * MIB
        raise EOFError("the client went away")

    with pytest.raises(EOFError):
        await blobs.write(blob_id, broken())
    assert backend.leftovers() == []
    assert await blobs.write(blob_id, pieces(b"again")) == 5


async def test_a_cancelled_writer_leaves_nothing(blobs: Blobs, backend: BlobBackend) -> None:
    whole = 0
    for turns in range(40):
        blob_id = new_id("file-")
        writing = asyncio.create_task(blobs.write(blob_id, pieces(b"x" * MIB, b"y" * MIB)))
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        try:
            whole += await writing > 0
            await blobs.delete(blob_id)
        except asyncio.CancelledError:
            pass
        assert backend.leftovers() == [], turns
    assert whole < 40


async def test_bytes_deleted_while_they_come_are_not_there_afterwards(blobs: Blobs, blob_id: str, backend: BlobBackend) -> None:
    async def deleted_half_way() -> AsyncIterator[bytes]:
        yield b"x" * 2 * MIB
        await blobs.delete(blob_id)
        yield b"y" * 2 * MIB

    with pytest.raises(NotFound):
        await blobs.write(blob_id, deleted_half_way())
    assert backend.leftovers() == []


async def test_bytes_deleted_while_they_are_read_end_or_are_not_found(blobs: Blobs, blob_id: str) -> None:
    await blobs.write(blob_id, pieces(b"x" * 4 * MIB))
    size = 0
    async with blobs.read(blob_id) as found:
        size += len(await anext(found))
        await blobs.delete(blob_id)
        try:
            async for piece in found:
                size += len(piece)
        except NotFound:
            return
    assert size == 4 * MIB


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "a\0", "x.part", "a" * 101, "ü", "a b", "C:x"])
async def test_a_name_that_is_no_id_is_refused_before_any_work(blobs: Blobs, name: str, backend: BlobBackend) -> None:
    for call in (lambda: blobs.write(name, pieces(b"x")), lambda: blobs.delete(name), lambda: read(blobs, name)):
        with pytest.raises(ValueError, match="name of a blob"):
            await call()
    assert backend.leftovers() == []


async def test_large_bytes_are_never_whole_in_memory(blobs: Blobs, blob_id: str) -> None:
    async def many() -> AsyncIterator[bytes]:
        for number in range(32 * 16):
            yield bytes([number % 256]) * 65536

    tracemalloc.start()
    try:
        await blobs.write(blob_id, many())
        async with blobs.read(blob_id) as found:
            assert sum([len(piece) async for piece in found]) == 32 * MIB
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB


async def test_many_are_written_and_read_at_once(blobs: Blobs) -> None:
    ids = [new_id("file-") for _ in range(20)]
    await asyncio.gather(*(blobs.write(blob_id, pieces(blob_id.encode() * 1000)) for blob_id in ids))
    assert await asyncio.gather(*(read(blobs, blob_id) for blob_id in ids)) == [blob_id.encode() * 1000 for blob_id in ids]


@pytest.mark.parametrize("round_number", range(3))
async def test_a_killed_writer_leaves_no_bytes_to_read_and_delete_clears_up(
    backend: BlobBackend, another: Callable[[], Awaitable[Blobs]], round_number: int
) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contracts.writing_blobs_child", backend.name, backend.place),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdout is not None
    lines: list[str] = []
    try:
        async with asyncio.timeout(60):
            while len(lines) < 12 + round_number:
                lines.append((await child.stdout.readline()).decode().strip())
    finally:
        child.kill()
        await child.wait()
    lines += [line for line in (await child.stdout.read()).decode().split("\n")[:-1] if line]

    blobs = await another()
    begun = [line.removeprefix("begun ") for line in lines if line.startswith("begun ")]
    done = {line.removeprefix("done ") for line in lines if line.startswith("done ")}
    assert done
    for blob_id in begun:
        try:
            assert await read(blobs, blob_id) == blob_id.encode() * 100_000
        except NotFound:
            assert blob_id not in done
        await blobs.delete(blob_id)
    assert backend.leftovers() == []


async def test_closed_blobs_are_unavailable(blobs: Blobs, blob_id: str) -> None:
    await blobs.close()
    await blobs.close()
    with pytest.raises(StoreUnavailable):
        await blobs.write(blob_id, pieces(b"x"))


@pytest.mark.skipif(sys.platform == "win32", reason="has no such permissions")
async def test_files_are_the_owners_alone_and_named_by_their_ids(tmp_path: Path, blob_id: str) -> None:
    backend = DirectoryBackend(str(tmp_path / "data"))
    blobs = backend.blobs()
    await blobs.open()
    await blobs.write(blob_id, pieces(b"x"))
    await blobs.close()
    folder = tmp_path / "data" / "blobs"
    assert os.listdir(folder) == [blob_id]
    assert (folder / blob_id).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
