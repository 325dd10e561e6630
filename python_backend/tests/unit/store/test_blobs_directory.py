"""The directory of blobs when the disk fails, and when a writer is cancelled at its slowest moments."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from underpin.errors import ConfigError, StoreUnavailable
from underpin.store.blobs_directory import DirectoryBlobs

MIB = 1 << 20


@pytest_asyncio.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[DirectoryBlobs]:
    blobs = DirectoryBlobs(tmp_path)
    await blobs.open()
    yield blobs
    await blobs.close()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def open_files() -> int:
    """How many this process has, where the host tells."""
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.exists() else 0


def failing(code: int):
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
async def test_a_disk_that_fails_is_a_sentence_and_leaves_nothing(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing(code))
        with pytest.raises(StoreUnavailable, match=os.strerror(code)) as failed:
            await blobs.write("file-a", pieces(b"x" * 2 * MIB))
    assert str(blobs.folder) not in failed.value.message
    assert os.listdir(blobs.folder) == []
    assert await blobs.write("file-a", pieces(b"x")) == 1


@pytest.mark.parametrize("call", ["open", "write", "fsync", "rename"])
async def test_a_writer_that_is_cancelled_while_the_disk_is_slow_leaves_nothing(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    reached, go_on, real = threading.Event(), threading.Event(), getattr(os, call)

    def slow(*arguments: object) -> object:
        reached.set()
        assert go_on.wait(20)
        return real(*arguments)

    monkeypatch.setattr(os, call, slow)
    before = open_files()
    writing = asyncio.create_task(blobs.write("file-a", pieces(b"x" * 2 * MIB)))
    assert await asyncio.to_thread(reached.wait, 20)
    writing.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert os.listdir(blobs.folder) == []
    assert open_files() == before


async def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("in the way")
    blobs = DirectoryBlobs(tmp_path)
    with pytest.raises(ConfigError, match="folder of files in the data directory cannot be made"):
        await blobs.open()
    await blobs.close()


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links cannot be refused here")
async def test_a_link_in_the_folder_is_not_followed(blobs: DirectoryBlobs, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (blobs.folder / "file-a").symlink_to(tmp_path / "secret")
    with pytest.raises(StoreUnavailable):
        async with blobs.read("file-a"):
            pass
    await blobs.delete("file-a")
    assert (tmp_path / "secret").read_text() == "secret"
