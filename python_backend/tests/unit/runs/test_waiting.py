"""Group threads: messages wait for their turn, in their order, boundedly."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.faults.watched_store import Call, let_pass
from tests.unit.runs.house import ANN, House, names, open_house
from tests.unit.runs.test_runner import Concurrent
from underpin.errors import TooManyWaiting
from underpin.objects.message import Message
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.runs.runner import Times
from underpin.runs.waiting import waiting_runs, waiting_text


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
    (told,) = [event for event in await house.thread_events(thread) if event.name == "thread.run.queued"]
    shown = Message.model_validate(told.data["message"])
    assert (told.data["runId"], shown.role, shown.text()) == (waiting.id, "user", "words 1")
    listed = await waiting_runs(house.store, thread, 10)
    assert [(run.id, waiting_text(run)) for run in listed] == [(waiting.id, "words 1")]


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


async def test_of_messages_that_come_at_once_no_more_wait_than_may_and_the_others_leave_no_trace(tmp_path: Path) -> None:
    async with open_house(tmp_path, max_waiting=3) as house:
        thread = await house.thread(shared=True)
        await house.start(thread, "hang", "wait")
        orders = [await house.order(thread, f"words {number + 1}", "wait") for number in range(12)]
        came = await asyncio.gather(*(house.runner.start(order) for order in orders), return_exceptions=True)
        waiting = [run for run in came if isinstance(run, Run)]
        assert len(waiting) == 3
        assert [type(refused) for refused in came if not isinstance(refused, Run)] == [TooManyWaiting] * 9
        assert len(await house.runs(thread)) == 4
        await house.runner.stop((await house.runs(thread))[0])


async def test_a_message_that_others_were_faster_than_in_another_process_is_withdrawn(tmp_path: Path) -> None:
    async with open_house(tmp_path, max_waiting=1) as house, open_house(tmp_path, max_waiting=1) as other:
        thread = await house.thread(shared=True)
        await house.start(thread, "hang", "wait")
        late = await other.order(thread, "words 2", "wait")

        async def overtaken(call: Call, do: Callable[[], Awaitable[object]]) -> object:
            if call.what == Thread.kind and list(call.changes or {}) == ["last_seq"]:  # the list was read, and nobody waited
                other.store.watcher = let_pass
                await house.start(thread, "words 1", "wait")
            return await do()

        other.store.watcher = overtaken
        with pytest.raises(TooManyWaiting):
            await other.runner.start(late)
        assert [waiting_text(run) for run in await waiting_runs(house.store, thread, 10)] == ["words 1"]
        assert late.run_id not in {run.id for run in await house.runs(thread)}
        assert not other.runner.works_on(late.run_id)


async def test_a_message_that_waits_for_a_run_of_another_process_has_its_turn_when_that_has_ended(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, open_house(tmp_path) as other:
        thread = await house.thread(shared=True)
        first = await house.start(thread, "hang", "wait")
        second = await other.start(thread, "words 2", "wait")
        await house.runner.stop(first)
        await house.sweep.sweep()
        assert (await house.run(second)).status == "queued"
        await other.sweep.sweep()
        assert (await other.over(second)).status == "completed"


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
