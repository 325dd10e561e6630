"""What every Store promises about many objects at once: those that are new come in, those that are there stay."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.contracts.stored_things import ANN, BOB, message, thread
from underpin.errors import BadInput, NotFound
from underpin.objects.message import Message, Text, TextPart
from underpin.objects.thread import Thread
from underpin.store.base import EVERYONE, Store


async def numbers(store: Store) -> list[int]:
    return [one.seq for one in (await store.page(Message, "thread_t", scope=ANN, limit=1000, order="asc")).data]


async def test_many_objects_come_in_whatever_their_kinds(store: Store) -> None:
    many = [message(f"m{seq}", seq=seq) for seq in range(1, 251)]
    await store.add_many([thread(), *many])
    assert await numbers(store) == list(range(1, 251))
    assert await store.get(Thread, "thread_t", scope=ANN) == thread()
    assert await store.get(Message, "msg_m250", scope=ANN) == many[-1]


async def test_none_is_nothing_to_do(store: Store) -> None:
    await store.add_many([])


async def test_what_is_there_is_left_as_it_is_and_the_rest_comes_in(store: Store) -> None:
    first = message("m2", seq=2, metadata={"n": "first"})
    await store.add(first)
    await store.add(message("m3", owner="bob", seq=3))
    await store.add_many([message(f"m{seq}", seq=seq, metadata={"n": "second"}) for seq in range(1, 5)])
    assert await store.get(Message, "msg_m2", scope=ANN) == first
    assert (await store.get(Message, "msg_m3", scope=BOB)).owner == "bob"
    with pytest.raises(NotFound):
        await store.get(Message, "msg_m3", scope=ANN)
    assert [one.id for one in (await store.page(Message, "thread_t", scope=EVERYONE, order="asc")).data] == [
        "msg_m1", "msg_m2", "msg_m3", "msg_m4",
    ]  # fmt: skip


async def test_one_that_is_named_twice_comes_in_once(store: Store) -> None:
    await store.add_many([message("m1", seq=1, metadata={"n": "first"}), message("m1", seq=1, metadata={"n": "second"})])
    assert (await store.get(Message, "msg_m1", scope=ANN)).metadata == {"n": "first"}
    assert await numbers(store) == [1]


async def test_many_may_be_given_again(store: Store) -> None:
    many = [message(f"m{seq}", seq=seq) for seq in range(1, 121)]
    await store.add_many(many[:60])
    await store.add_many(many)
    await store.add_many(many)
    assert await numbers(store) == list(range(1, 121))


async def test_two_who_add_the_same_at_once_add_it_once(another: Callable[[], Awaitable[Store]]) -> None:
    stores = [await another(), await another()]
    many = [message(f"m{seq}", seq=seq) for seq in range(1, 61)]
    await asyncio.gather(*(store.add_many(many) for store in stores))
    assert await numbers(stores[0]) == list(range(1, 61))


async def test_what_cannot_be_stored_is_refused_with_a_sentence(store: Store) -> None:
    with pytest.raises(BadInput, match="surrogate"):
        await store.add_many([message("m1", seq=1, content=[TextPart(text=Text(value="\ud800"))])])
    assert await numbers(store) == []
