"""Group threads: messages wait for their turn, in their order, boundedly."""

import asyncio
from pathlib import Path

import pytest

from tests.unit.runs.house import ANN, House, names, open_house
from tests.unit.runs.test_runner import Concurrent
from underpin.errors import TooManyWaiting
from underpin.objects.run import Run
from underpin.runs.runner import Times


async def test_messages_are_answered_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    model = Concurrent()
    async with open_house(tmp_path, model=model) as house:
        thread = await house.thread(shared=True)
        runs = [await house.start(thread, f'wait 5\nsay "{number}"', "wait") for number in range(6)]
        assert [run.waiting for run in runs] == [False] + [True] * 5
        for run in runs:
            assert (await house.over(run)).status == "completed"
        texts = [text for _, _, text in await house.texts(thread)]
        assert texts == [text for number in range(6) for text in (f'wait 5\nsay "{number}"', str(number))]
        assert model.most == 1
        assert await house.active(thread) is None


async def test_messages_that_come_at_once_are_all_answered_one_after_the_other(tmp_path: Path) -> None:
    model = Concurrent()
    async with open_house(tmp_path, model=model) as house:
        thread = await house.thread(shared=True)
        for _ in range(10):
            orders = [await house.order(thread, f"words {number + 1}", "wait") for number in range(8)]
            runs = await asyncio.gather(*(house.runner.start(order) for order in orders))
            for run in runs:
                assert (await house.over(run)).status == "completed"
        assert model.most == 1
        said = await house.texts(thread)
        assert [role for role, _, _ in said] == ["user", "assistant"] * 80
        for question, answer in zip(said[::2], said[1::2], strict=True):
            assert len(answer[2].split()) == int(question[2].split()[1])  # each answer stands behind its own question


async def test_a_waiting_message_is_not_in_the_thread_before_its_turn(house: House) -> None:
    thread = await house.thread(shared=True)
    await house.start(thread, "hang", "wait")
    waiting = await house.start(thread, "words 1", "wait")
    assert [text for _, _, text in await house.texts(thread)] == ["hang"]
    assert waiting.status == "queued"
    assert "thread.run.queued" in [event.name for event in await house.thread_events(thread)]


async def test_a_follower_of_a_waiting_run_sees_it_created_queued_and_answered(house: House) -> None:
    thread = await house.thread(shared=True)
    first = await house.start(thread, "hang", "wait")
    waiting = await house.start(thread, "words 1", "wait")
    follower = asyncio.create_task(house.events(waiting))
    await asyncio.sleep(0.01)
    await house.runner.stop(first)
    told = names(await follower)
    assert told[:3] == ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
    assert told[-1] == "thread.run.completed"


async def test_no_more_messages_wait_than_the_setting_allows(tmp_path: Path) -> None:
    async with open_house(tmp_path, max_waiting=3) as house:
        thread = await house.thread(shared=True)
        await house.start(thread, "hang", "wait")
        for _ in range(3):
            await house.start(thread, "words 1", "wait")
        with pytest.raises(TooManyWaiting) as refused:
            await house.start(thread, "words 1", "wait")
        assert refused.value.retry_after_s is not None
        assert len(await house.runs(thread)) == 4


async def test_stopping_a_waiting_run_keeps_its_message_and_lets_the_others_wait_on(house: House) -> None:
    thread = await house.thread(shared=True)
    first = await house.start(thread, "hang", "wait")
    second = await house.start(thread, "words 2", "wait")
    third = await house.start(thread, "words 3", "wait")
    stopped = await house.runner.stop(second)
    assert (stopped.status, stopped.waiting, stopped.settled) == ("cancelled", False, True)
    assert await house.active(thread) == first.id
    assert [text for _, _, text in await house.texts(thread)] == ["hang", "words 2"]
    assert names(await house.events(second))[-1] == "thread.run.cancelled"
    await house.runner.stop(first)
    assert (await house.over(third)).status == "completed"
    assert (await house.run(second)).status == "cancelled"


async def test_a_stop_and_a_turn_at_once_end_the_run_once(house: House) -> None:
    for _ in range(20):
        thread = await house.thread(shared=True)
        first = await house.start(thread, "hang", "wait")
        second = await house.start(thread, "hang", "wait")
        await asyncio.gather(house.runner.stop(first), house.runner.stop(second))
        assert [(await house.run(run)).status for run in (first, second)] == ["cancelled", "cancelled"]
        assert names(await house.events(second)).count("thread.run.cancelled") == 1
        assert await house.active(thread) is None
        assert [text for _, _, text in await house.texts(thread)] == ["hang", "hang"]


@pytest.mark.parametrize("script", ["words 1\nfail broken", "fail key", "call f {}"])
async def test_the_next_one_has_its_turn_whatever_became_of_the_last(house: House, script: str) -> None:
    thread = await house.thread(shared=True)
    first = await house.start(thread, f"wait 20\n{script}", "wait")
    second = await house.start(thread, "words 2", "wait")
    if script.startswith("call"):
        assert (await house.over(first)).status == "requires_action"
        assert (await house.run(second)).waiting  # the thread is held until the outputs come
        await house.runner.stop(first)
    assert (await house.over(second)).status == "completed"


async def test_a_run_that_waits_too_long_expires_and_keeps_its_message(tmp_path: Path) -> None:
    async with open_house(tmp_path, times=Times(run_timeout_s=0.2)) as house:
        thread = await house.thread(shared=True)
        first = await house.start(thread, "hang", "wait")
        second = await house.start(thread, "words 2", "wait")
        await house.store.update(Run, second.id, {"deadline": house.store.now() - 1}, scope=ANN)
        await house.sweep.sweep()
        assert (await house.run(second)).status == "expired"
        assert "words 2" in [text for _, _, text in await house.texts(thread)]
        await house.runner.stop(first)
