"""An object and its bytes come and go together: whatever fails between any two steps, nobody sees the one without the other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.files.shelf import ANN, Shelf, open_shelf, pieces
from underpin.errors import NotFound, StoreUnavailable, WrongState
from underpin.objects.file import File
from underpin.store.base import EVERYONE


async def kept(shelf: Shelf) -> list[File]:
    """All that the store holds, seen or not."""
    return (await shelf.store.page(File, None, scope=EVERYONE)).data


async def test_bytes_that_nobody_kept_leave_nothing(shelf: Shelf) -> None:
    async with shelf.files.arriving(ANN) as arrival:
        await arrival.take(pieces(b"x"))
        assert shelf.on_disk() == [arrival.id]
    assert shelf.on_disk() == []
    assert await kept(shelf) == []


async def test_an_arrival_without_bytes_writes_nothing(shelf: Shelf) -> None:
    async with shelf.files.arriving(ANN):
        pass
    assert await kept(shelf) == []


async def test_a_client_that_goes_away_leaves_nothing(shelf: Shelf) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        raise EOFError

    with pytest.raises(EOFError):
        async with shelf.files.arriving(ANN) as arrival:
            await arrival.take(half())
    assert shelf.on_disk() == []
    assert await kept(shelf) == []


async def test_a_cancelled_request_leaves_nothing(shelf: Shelf) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        begun.set()
        await asyncio.Event().wait()

    async def upload() -> None:
        async with shelf.files.arriving(ANN) as arrival:
            await arrival.take(endless())

    uploading = asyncio.create_task(upload())
    await asyncio.wait_for(begun.wait(), 10)
    uploading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await uploading
    assert shelf.on_disk() == []
    assert await kept(shelf) == []


async def test_what_is_coming_is_not_seen(shelf: Shelf) -> None:
    async with shelf.files.arriving(ANN) as arrival:
        await arrival.take(pieces(b"x"))
        with pytest.raises(NotFound):
            await shelf.files.get(ANN, arrival.id)
        assert (await shelf.files.page(ANN, limit=10, order="desc")).data == []
        with pytest.raises(NotFound):
            await shelf.files.delete(ANN, arrival.id)
        await shelf.files.keep(arrival, ANN, filename="a", purpose="user_data", expires_after_s=None)
    assert await shelf.content(arrival.id) == b"x"


class Died(BaseException):
    """The process ended here: nothing of it runs on."""


async def die_at(shelf: Shelf, step: int, work) -> int:
    """Run `work` and let no call of the store happen from its write number `step` on; how many writes there were."""
    writes = 0

    async def watch(call, do):
        nonlocal writes
        if call.writes:
            writes += 1
            if writes >= step:
                raise Died
        return await do()

    shelf.store.watcher = watch
    try:
        await work()
    except Died:
        return step
    return writes


async def upload_one(shelf: Shelf) -> None:
    await shelf.file(b"x" * 10)


async def test_a_worker_that_dies_between_any_two_writes_of_an_upload_leaves_nothing_half(tmp_path: Path) -> None:
    steps = 0
    async with open_shelf(tmp_path / "count") as shelf:
        steps = await die_at(shelf, 1000, lambda: upload_one(shelf))
    assert steps == 3
    for step in range(1, steps + 1):
        data = tmp_path / str(step)
        async with open_shelf(data) as dying:
            await die_at(dying, step, lambda dying=dying: upload_one(dying))
        async with open_shelf(data) as shelf:
            assert (await shelf.files.page(ANN, limit=10, order="asc")).data == []
            await shelf.sweep.sweep(at_start=True)
            assert shelf.on_disk() == [], step
            assert await kept(shelf) == [], step


async def test_a_worker_that_dies_between_any_two_writes_of_a_deletion_leaves_all_or_nothing(tmp_path: Path) -> None:
    for step in range(1, 3):
        data = tmp_path / str(step)
        async with open_shelf(data) as dying:
            file_id = await dying.file(b"whole")
            await die_at(dying, step, lambda dying=dying, file_id=file_id: dying.files.delete(ANN, file_id))
        async with open_shelf(data) as shelf:
            if step == 1:
                assert await shelf.content(file_id) == b"whole"
                continue
            with pytest.raises(NotFound):
                await shelf.files.get(ANN, file_id)
            await shelf.sweep.sweep(at_start=True)
            assert await kept(shelf) == []
            assert shelf.on_disk() == []


async def test_the_sweep_leaves_a_living_writer_alone(tmp_path: Path, shelf: Shelf) -> None:
    async with open_shelf(tmp_path) as other, shelf.files.arriving(ANN) as arrival:
        await arrival.take(pieces(b"x"))
        await other.sweep.sweep(at_start=True)
        await other.sweep.sweep()
        file = await shelf.files.keep(arrival, ANN, filename="a", purpose="user_data", expires_after_s=None)
    assert await shelf.content(file.id) == b"x"


async def test_a_writer_whose_lease_ran_out_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    async with open_shelf(tmp_path, lease_s=0) as shelf, open_shelf(tmp_path) as other:

        async def too_slow() -> None:
            async with shelf.files.arriving(ANN) as arrival:
                await arrival.take(pieces(b"x"))
                await other.sweep.sweep()
                await shelf.files.keep(arrival, ANN, filename="a", purpose="user_data", expires_after_s=None)

        with pytest.raises(WrongState, match="given this upload up"):
            await too_slow()
        assert shelf.on_disk() == []
        assert await kept(shelf) == []


async def test_what_the_sweep_has_begun_to_remove_cannot_be_kept(shelf: Shelf) -> None:
    async def upload() -> None:
        async with shelf.files.arriving(ANN) as arrival:
            await arrival.take(pieces(b"x"))
            await shelf.store.update(File, arrival.id, {"state": "going"}, scope=EVERYONE)
            await shelf.files.keep(arrival, ANN, filename="a", purpose="user_data", expires_after_s=None)

    with pytest.raises(WrongState, match="given this upload up"):
        await upload()
    assert shelf.on_disk() == []
    assert await kept(shelf) == []


async def test_bytes_that_keep_coming_renew_the_lease(tmp_path: Path) -> None:
    async with open_shelf(tmp_path, lease_s=0.2) as shelf, open_shelf(tmp_path) as other:

        async def slow() -> AsyncIterator[bytes]:
            started = shelf.store.now()
            while shelf.store.now() < started + 0.6:
                await other.sweep.sweep()
                yield b"x"

        async with shelf.files.arriving(ANN) as arrival:
            await arrival.take(slow())
            file = await shelf.files.keep(arrival, ANN, filename="a", purpose="user_data", expires_after_s=None)
        assert file.bytes == arrival.size > 3


async def test_a_store_that_fails_at_the_end_leaves_the_rest_to_the_sweep(shelf: Shelf) -> None:
    async def watch(call, do):
        if call.writes and call.verb != "add":
            raise StoreUnavailable("The database does not answer.")
        return await do()

    shelf.store.watcher = watch
    with pytest.raises(StoreUnavailable):
        await shelf.file()
    assert len(shelf.on_disk()) == 1
    shelf.store.watcher = lambda call, do: do()
    [file] = await kept(shelf)
    await shelf.store.update(File, file.id, {"lease_until": 0.0}, scope=EVERYONE)
    await shelf.sweep.sweep()
    assert shelf.on_disk() == []
    assert await kept(shelf) == []
