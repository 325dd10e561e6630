"""Uploads: parts in any order, one file of them however often and by however many it is asked for, nothing left of the others."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from tests.unit.files.shelf import ANN, Shelf, open_shelf, pieces
from tests.unit.files.test_arrival import die_at
from underpin.errors import BadInput, NotFound, WrongState
from underpin.files.uploads import MOST_PART_BYTES, NewUpload
from underpin.objects.file import File
from underpin.objects.upload import Upload, UploadPart
from underpin.store.base import EVERYONE


async def begin(shelf: Shelf, size: int, *parts: bytes, **given: object) -> tuple[str, list[str]]:
    new = NewUpload(**{"filename": "a.txt", "purpose": "user_data", "bytes": size, "mime_type": "text/plain", **given})
    upload = await shelf.uploads.create(ANN, new)
    return upload.id, [await add(shelf, upload.id, part) for part in parts]


async def add(shelf: Shelf, upload_id: str, data: bytes) -> str:
    async with await shelf.uploads.part_arriving(ANN, upload_id) as arrival:
        await arrival.take(pieces(data))
        return (await shelf.uploads.keep_part(arrival, ANN, upload_id)).id


async def stored(shelf: Shelf, kind) -> list:
    return (await shelf.store.page(kind, None, scope=EVERYONE)).data


async def nothing_but(shelf: Shelf, *file_ids: str) -> None:
    assert shelf.on_disk() == sorted(file_ids)
    assert [file.id for file in await stored(shelf, File)] == list(file_ids)
    assert await stored(shelf, UploadPart) == []


async def test_parts_are_joined_in_the_order_that_completion_names(shelf: Shelf) -> None:
    upload_id, (a, b, c) = await begin(shelf, 9, b"aaa", b"bbb", b"ccc", filename="粘土", purpose="vision", expires_after_s=3600)
    md5 = hashlib.md5(b"cccaaabbb").hexdigest().upper()
    upload, file = await shelf.uploads.complete(ANN, upload_id, [c, a, b], md5)
    assert (upload.status, file.bytes, file.filename, file.purpose) == ("completed", 9, "粘土", "vision")
    assert file.expires_at == file.created_at + 3600
    assert await shelf.content(file.id) == b"cccaaabbb"
    await nothing_but(shelf, file.id)
    assert (await shelf.store.get(Upload, upload_id, scope=EVERYONE)).tidy_at is None


async def test_completing_again_gives_the_same_file_and_never_another(shelf: Shelf) -> None:
    upload_id, parts = await begin(shelf, 2, b"a", b"b")
    _, file = await shelf.uploads.complete(ANN, upload_id, parts, None)
    assert (await shelf.uploads.complete(ANN, upload_id, parts, None))[1] == file
    with pytest.raises(WrongState, match="has status 'completed'"):
        await shelf.uploads.complete(ANN, upload_id, parts[::-1], None)
    await nothing_but(shelf, file.id)


async def test_ten_completions_at_once_make_one_file(tmp_path: Path) -> None:
    for round_number in range(5):
        data = tmp_path / str(round_number)
        async with open_shelf(data) as shelf, open_shelf(data) as other:
            upload_id, parts = await begin(shelf, 4, b"ab", b"cd")
            calls = [each.uploads.complete(ANN, upload_id, parts, None) for each in (shelf, other) * 5]
            done = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(one, tuple | WrongState) for one in done), done
            _, file = await shelf.uploads.complete(ANN, upload_id, parts, None)
            assert {one[1].id for one in done if isinstance(one, tuple)} <= {file.id}
            assert await shelf.content(file.id) == b"abcd"
            await nothing_but(shelf, file.id)


@pytest.mark.parametrize(
    ("chosen", "md5", "param", "said"),
    [
        ([0], None, "part_ids", "3 bytes together, and 6 were announced"),
        ([0, 0], None, "part_ids[1]", "is named twice"),
        ([0, 1, 2], None, "part_ids", "9 bytes together"),
        ([1, 0], hashlib.md5(b"aaabbb").hexdigest(), "md5", "Look at their order"),
        ([0, 1], "x" * 10_000, "md5", "Look at their order"),
    ],
)
async def test_a_wrong_completion_is_refused_and_can_be_put_right(shelf: Shelf, chosen, md5, param, said) -> None:
    upload_id, parts = await begin(shelf, 6, b"aaa", b"bbb", b"ccc")
    with pytest.raises(BadInput, match=said) as refused:
        await shelf.uploads.complete(ANN, upload_id, [parts[at] for at in chosen], md5)
    assert refused.value.param == param
    assert len(refused.value.message) < 300
    assert await stored(shelf, File) == []
    _, file = await shelf.uploads.complete(ANN, upload_id, parts[:2], hashlib.md5(b"aaabbb").hexdigest())
    assert await shelf.content(file.id) == b"aaabbb"


async def test_anothers_part_is_no_part(shelf: Shelf) -> None:
    _, [foreign] = await begin(shelf, 1, b"a")
    upload_id, _ = await begin(shelf, 1, b"b")
    for part_id in (foreign, "part_x", "", "\0", "x" * 10_000):
        with pytest.raises(BadInput, match="is no part of this upload"):
            await shelf.uploads.complete(ANN, upload_id, [part_id], None)


async def test_a_file_that_may_not_be_so_large_is_refused_when_it_is_announced(shelf: Shelf) -> None:
    with pytest.raises(BadInput, match=r"1,001 is more than 1,000 bytes.*raise MAX_FILE_BYTES") as refused:
        await begin(shelf, 1001)
    assert refused.value.param == "bytes"
    await begin(shelf, 1000)


async def test_parts_beyond_what_was_announced_and_one_sent_twice_are_refused(shelf: Shelf) -> None:
    upload_id, _ = await begin(shelf, 3, b"abc", b"abc")
    await shelf.store.update(Upload, upload_id, {"received_bytes": MOST_PART_BYTES}, scope=EVERYONE)
    await add(shelf, upload_id, b"abc")
    with pytest.raises(WrongState, match="more than the 3 bytes that were announced"):
        await add(shelf, upload_id, b"a")
    assert len(await stored(shelf, UploadPart)) == 3


async def test_a_cancelled_upload_takes_nothing_and_keeps_nothing(shelf: Shelf) -> None:
    upload_id, parts = await begin(shelf, 3, b"abc")
    assert (await shelf.uploads.cancel(ANN, upload_id)).status == "cancelled"
    assert (await shelf.uploads.cancel(ANN, upload_id)).status == "cancelled"
    await nothing_but(shelf)
    with pytest.raises(WrongState, match="has status 'cancelled'"):
        await add(shelf, upload_id, b"x")
    with pytest.raises(WrongState, match="has status 'cancelled'"):
        await shelf.uploads.complete(ANN, upload_id, parts, None)


async def test_a_completed_upload_cannot_be_cancelled(shelf: Shelf) -> None:
    upload_id, parts = await begin(shelf, 3, b"abc")
    _, file = await shelf.uploads.complete(ANN, upload_id, parts, None)
    with pytest.raises(WrongState, match="has status 'completed'"):
        await shelf.uploads.cancel(ANN, upload_id)
    assert await shelf.content(file.id) == b"abc"


async def test_a_part_that_comes_while_its_upload_ends_is_refused_and_leaves_nothing(shelf: Shelf) -> None:
    upload_id, _ = await begin(shelf, 3)

    async def cancelled_half_way():
        yield b"a"
        await shelf.uploads.cancel(ANN, upload_id)
        yield b"b"

    async def add_slowly() -> None:
        async with await shelf.uploads.part_arriving(ANN, upload_id) as arrival:
            await arrival.take(cancelled_half_way())
            await shelf.uploads.keep_part(arrival, ANN, upload_id)

    with pytest.raises(WrongState):
        await add_slowly()
    await nothing_but(shelf)


async def test_an_upload_that_is_cancelled_while_it_is_joined_makes_no_file(shelf: Shelf) -> None:
    upload_id, parts = await begin(shelf, 4, b"ab", b"cd")

    async def watch(call, do):
        done = await do()
        if call.verb == "add" and call.what == "files":
            shelf.store.watcher = lambda call, do: do()
            await shelf.uploads.cancel(ANN, upload_id)
        return done

    shelf.store.watcher = watch
    with pytest.raises(WrongState):
        await shelf.uploads.complete(ANN, upload_id, parts, None)
    await nothing_but(shelf)


async def test_an_upload_expires_before_the_sweep_and_its_parts_go_with_it(tmp_path: Path) -> None:
    async with open_shelf(tmp_path, timeout_s=3600) as shelf:
        upload_id, parts = await begin(shelf, 3, b"abc")
        await shelf.store.update(Upload, upload_id, {"tidy_at": shelf.store.now()}, scope=EVERYONE)
        for call in (
            lambda: add(shelf, upload_id, b"x"),
            lambda: shelf.uploads.complete(ANN, upload_id, parts, None),
            lambda: shelf.uploads.cancel(ANN, upload_id),
        ):
            with pytest.raises(WrongState, match="has status 'expired'"):
                await call()
        await shelf.sweep.sweep()
        assert (await shelf.store.get(Upload, upload_id, scope=EVERYONE)).status == "expired"
        await nothing_but(shelf)


async def test_an_upload_lives_for_its_time(shelf: Shelf) -> None:
    upload_id, parts = await begin(shelf, 3, b"abc")
    upload = await shelf.store.get(Upload, upload_id, scope=EVERYONE)
    assert upload.expires_at == upload.created_at + 3600
    await shelf.sweep.sweep()
    assert (await shelf.uploads.complete(ANN, upload_id, parts, None))[0].status == "completed"


async def test_a_worker_that_dies_between_any_two_writes_of_a_completion_can_be_followed_by_another(tmp_path: Path) -> None:
    step = 0
    while True:
        step += 1
        data = tmp_path / str(step)
        async with open_shelf(data) as dying:
            upload_id, parts = await begin(dying, 4, b"ab", b"cd")

            async def work(dying=dying, upload_id=upload_id, parts=parts) -> None:
                await dying.uploads.complete(ANN, upload_id, parts, None)

            written = await die_at(dying, step, work)
        async with open_shelf(data) as shelf:
            _, file = await shelf.uploads.complete(ANN, upload_id, parts, None)
            assert await shelf.content(file.id) == b"abcd"
            await shelf.sweep.sweep(at_start=True)
            await nothing_but(shelf, file.id)
        if written < step:
            break
    assert step > 8


async def test_a_worker_that_dies_while_completing_leaves_an_upload_that_expires_with_all_it_made(tmp_path: Path) -> None:
    for step in range(1, 7):
        data = tmp_path / str(step)
        async with open_shelf(data) as dying:
            upload_id, parts = await begin(dying, 4, b"ab", b"cd")

            async def work(dying=dying, upload_id=upload_id, parts=parts) -> None:
                await dying.uploads.complete(ANN, upload_id, parts, None)

            await die_at(dying, step, work)
        async with open_shelf(data) as shelf:
            upload = await shelf.store.get(Upload, upload_id, scope=EVERYONE)
            if upload.status == "pending":
                await shelf.store.update(Upload, upload_id, {"tidy_at": 0.0}, scope=EVERYONE)
                await shelf.sweep.sweep(at_start=True)
                await nothing_but(shelf)


async def at(shelf: Shelf, verb: str, what: str, changed: str | None, meanwhile) -> None:
    """The next such write of the shelf's finds that `meanwhile` has happened."""

    async def watch(call, do):
        if call.verb == verb and call.what == what and (changed is None or changed in (call.changes or {}).values()):
            shelf.store.watcher = lambda call, do: do()
            await meanwhile()
        return await do()

    shelf.store.watcher = watch


async def test_a_second_completion_is_refused_while_the_first_is_at_work(tmp_path: Path) -> None:
    async with open_shelf(tmp_path) as first, open_shelf(tmp_path) as second:
        upload_id, parts = await begin(first, 4, b"ab", b"cd")

        async def refused() -> None:
            with pytest.raises(WrongState, match="is being completed by another request"):
                await second.uploads.complete(ANN, upload_id, parts, None)

        await at(first, "update", "files", "kept", refused)
        _, file = await first.uploads.complete(ANN, upload_id, parts, None)
        assert await second.content(file.id) == b"abcd"
        await nothing_but(first, file.id)


async def test_a_completion_that_was_taken_over_is_refused_and_its_file_removed(tmp_path: Path) -> None:
    async with open_shelf(tmp_path) as slow, open_shelf(tmp_path) as quick:
        upload_id, parts = await begin(slow, 4, b"ab", b"cd")
        done = []

        async def take_over() -> None:
            # The slow one has kept its file and is about to end; the quick one claims, and waits before its own file comes.
            await at(quick, "add", "files", None, go_on)
            done.append(await quick.uploads.complete(ANN, upload_id, parts, None))

        claimed, slow_ended = asyncio.Event(), asyncio.Event()

        async def go_on() -> None:
            claimed.set()
            await asyncio.wait_for(slow_ended.wait(), 10)

        async def begin_to_take_over() -> None:
            tasks.append(asyncio.create_task(take_over()))
            await asyncio.wait_for(claimed.wait(), 10)

        tasks: list[asyncio.Task[None]] = []
        await at(slow, "update", "uploads", "completed", begin_to_take_over)
        with pytest.raises(WrongState, match="Another request completes it"):
            await slow.uploads.complete(ANN, upload_id, parts, None)
        slow_ended.set()
        await asyncio.wait_for(tasks[0], 10)
        [(_, file)] = done
        assert await quick.content(file.id) == b"abcd"
        await nothing_but(quick, file.id)


async def test_files_of_all_attempts_but_one_go_when_an_upload_ends(shelf: Shelf) -> None:
    upload_id, parts = await begin(shelf, 1, b"x")
    given_up = [await shelf.file(), await shelf.file()]
    await shelf.store.update(Upload, upload_id, {"attempts": given_up, "file_id": given_up[1]}, scope=EVERYONE)
    _, file = await shelf.uploads.complete(ANN, upload_id, parts, None)
    await nothing_but(shelf, file.id)


@pytest.mark.parametrize("upload_id", ["upload_x", "", "\0", "x" * 100_000])
async def test_an_unknown_upload_is_not_found(shelf: Shelf, upload_id: str) -> None:
    for call in (shelf.uploads.part_arriving, shelf.uploads.cancel):
        with pytest.raises(NotFound, match=r"^No upload found with id '.{0,100}'\.$"):
            await call(ANN, upload_id)
    mine, _ = await begin(shelf, 1)
    with pytest.raises(NotFound):
        await shelf.uploads.cancel("bob", mine)
