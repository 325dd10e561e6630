"""The vector store of a thread: made once, whoever attaches at the same time; and waited for, but not for ever."""

import asyncio

import pytest

from tests.unit.files.shelf import ANN
from tests.unit.knowledge.stores import Stores
from underpin.errors import ConditionFailed, NotFound, WrongState
from underpin.knowledge.attachments import Attachments, changed_resources
from underpin.objects.thread import Thread
from underpin.objects.vector_store import VectorStore
from underpin.objects.vector_store_file import VectorStoreFile
from underpin.store.base import EVERYONE, Scope


def attachments(house: Stores, wait_s: float = 60, **given: object) -> Attachments:
    return Attachments(house.shelf.store, house.stores, house.files, wait_s=wait_s, **given)  # type: ignore[arg-type]


async def thread(house: Stores, **fields: object) -> Thread:
    made = Thread.model_validate({"id": "thread_t", "owner": ANN, "created_at": 1, "seq": 1, **fields})
    await house.shelf.store.add(made)
    return made


async def stores(house: Stores) -> list[str]:
    page = await house.shelf.store.page(VectorStore, None, scope=EVERYONE)
    return [store.id for store in page.data if not store.going]


async def files(house: Stores, store_id: str) -> set[str]:
    page = await house.shelf.store.page(VectorStoreFile, store_id, scope=Scope(ANN))
    return {file.file_id for file in page.data}


async def test_many_that_attach_at_once_share_one_store(house: Stores) -> None:
    talk = await thread(house, tool_resources={"code_interpreter": {"file_ids": ["file-c"]}})
    named = [await house.shelf.file() for _ in range(4)]
    after = await asyncio.gather(*(attachments(house).attach(talk, [file]) for file in named))
    [store] = await stores(house)
    assert await files(house, store) == set(named)
    for one in after:
        assert one.tool_resources == {"code_interpreter": {"file_ids": ["file-c"]}, "file_search": {"vector_store_ids": [store]}}


async def test_nothing_attached_makes_nothing(house: Stores) -> None:
    talk = await thread(house)
    assert await attachments(house).attach(talk, []) is talk
    assert await stores(house) == []


async def test_a_file_that_is_gone_leaves_no_store_behind(house: Stores) -> None:
    talk = await thread(house)
    with pytest.raises(NotFound):
        await attachments(house).attach(talk, ["file-none"])
    assert await stores(house) == []
    assert (await house.shelf.store.get(Thread, talk.id, scope=Scope(ANN))).tool_resources == {}


async def test_a_change_of_resources_between_reading_and_writing_is_not_lost(house: Stores) -> None:
    talk = await thread(house)
    own = await house.one()
    other = changed_resources({"file_search": {"vector_store_ids": [own.id]}})
    await house.shelf.store.update(Thread, talk.id, other, scope=EVERYONE)
    file = await house.shelf.file()
    assert (await attachments(house).attach(talk, [file])).tool_resources == {"file_search": {"vector_store_ids": [own.id]}}
    assert await files(house, own.id) == {file}
    with pytest.raises(ConditionFailed):
        await house.shelf.store.update(Thread, talk.id, other, scope=EVERYONE, only_if={"resources_key": talk.resources_key})


async def test_a_store_at_the_models_server_is_left_alone(house: Stores) -> None:
    class Remotes:
        def shelf(self, owner: str, vector_store_id: str) -> object:
            return self if vector_store_id == "vs_there" else None

    talk = await thread(house, tool_resources={"file_search": {"vector_store_ids": ["vs_there"]}})
    with pytest.raises(WrongState, match="'vs_there' is kept at the model's server"):
        await attachments(house, remotes=Remotes()).attach(talk, [await house.shelf.file()])
    assert await stores(house) == []


async def test_a_run_waits_until_files_are_read_or_have_failed(house: Stores) -> None:
    talk = await attachments(house).attach(await thread(house), [await house.shelf.file(), await house.shelf.file()])
    [store] = await stores(house)
    assert talk.tool_resources["file_search"] == {"vector_store_ids": [store]}
    waiting = asyncio.create_task(attachments(house).until_ready(ANN, [store]))
    first, second = (await house.shelf.store.page(VectorStoreFile, store, scope=EVERYONE)).data
    await house.complete(first)
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await house.shelf.store.update(VectorStoreFile, second.id, {"status": "failed", "due": None}, scope=EVERYONE)
    await asyncio.wait_for(waiting, 5)


async def test_it_does_not_wait_for_ever(house: Stores, caplog: pytest.LogCaptureFixture) -> None:
    await attachments(house).attach(await thread(house), [await house.shelf.file()])
    [store] = await stores(house)
    await asyncio.wait_for(attachments(house, wait_s=0.2).until_ready(ANN, [store]), 5)
    assert f"Files of vector store {store} are still being read after 0.2 s" in caplog.text
