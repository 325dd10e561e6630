"""Files as their owners see them."""

import time

import pytest

from tests.unit.files.shelf import ANN, Shelf
from underpin.errors import NotFound
from underpin.objects.file import BATCH_KEPT_S, File
from underpin.store.base import EVERYONE


async def test_a_file_has_what_it_was_given(shelf: Shelf) -> None:
    before = int(time.time())
    file = await shelf.files.get(ANN, await shelf.file(b"12345", filename="粘土.pdf", purpose="assistants", expires_after_s=3600))
    assert before <= file.created_at <= time.time()
    assert file.expires_at is not None
    assert file.wire() == {
        "id": file.id,
        "object": "file",
        "bytes": 5,
        "created_at": file.created_at,
        "expires_at": file.created_at + 3600,
        "filename": "粘土.pdf",
        "purpose": "assistants",
        "status": "processed",
    }


async def test_only_batch_files_expire_by_themselves(shelf: Shelf) -> None:
    batch = await shelf.files.get(ANN, await shelf.file(purpose="batch"))
    assert batch.expires_at == batch.created_at + BATCH_KEPT_S
    assert "expires_at" not in (await shelf.files.get(ANN, await shelf.file())).wire()


async def test_another_owners_file_looks_missing(shelf: Shelf) -> None:
    file_id = await shelf.file(owner="bob")
    for call in (shelf.files.get, shelf.files.delete):
        with pytest.raises(NotFound) as foreign:
            await call(ANN, file_id)
        assert foreign.value.message == f"No such File object: {file_id}"
        assert foreign.value.param == "id"
    assert (await shelf.files.page(ANN, limit=10, order="asc")).data == []
    assert await shelf.content(file_id, "bob") == b"bytes"


@pytest.mark.parametrize("file_id", ["", "file-x", "\0", "file-\0x", "../etc/passwd", "x" * 100_000])
async def test_an_unknown_id_is_not_found_in_a_short_sentence(shelf: Shelf, file_id: str) -> None:
    with pytest.raises(NotFound) as missing:
        await shelf.files.get(ANN, file_id)
    assert len(missing.value.message) < 150
    assert "\0" not in missing.value.message


async def test_an_expired_file_is_gone_before_the_sweep_and_removed_by_it(shelf: Shelf) -> None:
    file_id, stays = await shelf.file(), await shelf.file()
    await shelf.store.update(File, file_id, {"expires_at": int(time.time())}, scope=EVERYONE)
    with pytest.raises(NotFound):
        await shelf.files.get(ANN, file_id)
    assert [file.id for file in (await shelf.files.page(ANN, limit=10, order="asc")).data] == [stays]
    await shelf.store.update(File, file_id, {"expires_at": int(time.time()) - 1}, scope=EVERYONE)
    await shelf.sweep.sweep()
    assert shelf.on_disk() == [stays]


async def test_a_list_may_be_longer_than_the_stores_pages(shelf: Shelf) -> None:
    for number in range(2100):
        purpose = "vision" if number % 2 else "user_data"
        file = File(id=f"file-{number}", owner=ANN, seq=number + 1, filename="a", purpose=purpose, state="kept", created_at=5)
        await shelf.store.add(file)

    async def ids(**asked: object) -> tuple[list[str], bool]:
        page = await shelf.files.page(ANN, **asked)
        return [file.id for file in page.data], page.has_more

    every = [f"file-{number}" for number in range(2100)]
    assert await ids(limit=10_000, order="asc") == (every, False)
    assert await ids(limit=10_000, order="desc") == (every[::-1], False)
    assert await ids(limit=2099, order="asc") == (every[:2099], True)
    assert await ids(limit=1500, order="asc", after=1000) == (every[1000:], False)
    assert await ids(limit=1000, order="asc", purpose="vision") == (every[1:2000:2], True)
    assert await ids(limit=3, order="desc", after=2) == (["file-0"], False)


async def test_files_are_listed_in_the_order_in_which_they_were_kept(shelf: Shelf) -> None:
    ids = [await shelf.file() for _ in range(5)]
    page = await shelf.files.page(ANN, limit=3, order="asc")
    assert ([file.id for file in page.data], page.has_more) == (ids[:3], True)
