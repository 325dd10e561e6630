"""Starting, stopping, going on and ending: one run at a time works on a thread, and every end frees it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.faults.watched_store import Call
from tests.unit.runs.house import ANN, WITHIN_S, House, data, names, open_house
from underpin.errors import ShuttingDown, StoreUnavailable, ThreadBusy, WrongState
from underpin.models.base import Fact, ModelRequest
from underpin.models.scripted import Scripted
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.runs import leg as leg_module
from underpin.runs import runner as runner_module
from underpin.runs.leg import SHUT_DOWN
from underpin.runs.runner import Times


class Concurrent(Scripted):
    """Counts how many answers it gives at a time, and the most there ever were."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.asked = asyncio.Event()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
        self.now += 1
        self.asked.set()
        self.most = max(self.most, self.now)
        try:
            async for batch in super().stream(request):
                yield batch
        finally:
            self.now -= 1


class Gate:
    """Holds the first call that `which` picks until it is opened."""

    def __init__(self, which: Callable[[Call], bool]) -> None:
        self.which = which
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        if not self.reached.is_set() and self.which(call):
            self.reached.set()
            await asyncio.wait_for(self.open.wait(), WITHIN_S)
        return await do()


def calls_of(run: Run) -> list[str]:
    assert run.required_action is not None
    return [call.id for call in run.required_action.submit_tool_outputs.tool_calls]


async def test_when_a_start_returns_the_message_and_the_run_are_kept_and_the_thread_is_held(house: House) -> None:
    thread = await house.thread()
    run = await house.start(thread, "hang")
    assert (run.status, await house.active(thread)) == ("in_progress", run.id)
    assert await house.texts(thread) == [("user", "completed", "hang")]
    kept = await house.run(run)
    assert kept.seq > 0
    assert kept.lease_until is not None
    assert kept.deadline is not None


async def test_an_end_frees_the_thread_and_tells_it(house: House) -> None:
    thread = await house.thread()
    run = await house.answer(thread, "words 1")
    held = await house.store.get(Thread, thread.id, scope=ANN)
    assert (held.active_run, held.active_worker, held.active_until) == (None, None, None)
    assert (run.settled, run.lease_until, run.deadline, run.waiting) == (True, None, None, False)
    events = [(event.seq, event.name) for event in await house.thread_events(thread)]
    assert events == [
        (1, "thread.message.added"),
        (2, "thread.run.started"),
        (3, "thread.message.added"),
        (4, "thread.run.ended"),
    ]


@pytest.mark.parametrize("script", ["words 1", "words 1\nfail broken", "fail key", "hang", "call f {}", "words 1\nfinish length"])
async def test_a_thread_takes_the_next_message_whatever_became_of_the_last(house: House, script: str) -> None:
    thread = await house.thread()
    first = await house.start(thread, script)
    second = await house.answer(thread, "words 2")
    assert second.status == "completed"
    assert (await house.run(first)).ended
    assert await house.active(thread) is None


async def test_a_message_on_a_busy_thread_takes_over_at_once_and_the_partial_answer_is_kept(house: House) -> None:
    thread = await house.thread()
    first = await house.start(thread, "words 3\nhang")
    await house.said(first, 3)
    began = time.monotonic()
    second = await house.start(thread, "hang")
    assert time.monotonic() - began < 0.4  # promised: 0.1
    assert [(await house.run(run)).status for run in (first, second)] == ["cancelled", "in_progress"]
    assert await house.active(thread) == second.id
    assert (await house.texts(thread))[1:] == [("assistant", "incomplete", "word1 word2 word3"), ("user", "completed", "hang")]


async def test_two_messages_at_once_are_never_two_active_runs(tmp_path: Path) -> None:
    model = Concurrent()
    async with open_house(tmp_path, model=model) as house:
        thread = await house.thread()
        for _ in range(100):
            orders = [await house.order(thread, "hang") for _ in range(2)]
            runs = await asyncio.gather(*(house.runner.start(order) for order in orders))
            statuses = sorted([(await house.run(run)).status for run in runs])
            assert statuses == ["cancelled", "in_progress"]
            assert await house.active(thread) in {run.id for run in runs}
        assert model.most == 1
        last = await house.runner.stop(await house.run(await house.active(thread) or ""))
        assert last.status == "cancelled"
        assert len(await house.messages(thread)) >= 200


async def test_of_two_starts_that_refuse_to_wait_one_is_refused_and_leaves_nothing(house: House) -> None:
    for _ in range(50):
        thread = await house.thread()
        orders = [await house.order(thread, "hang", "refuse") for _ in range(2)]
        results = await asyncio.gather(*(house.runner.start(order) for order in orders), return_exceptions=True)
        started = [result for result in results if isinstance(result, Run)]
        assert [type(result) for result in results if not isinstance(result, Run)] == [ThreadBusy]
        assert [run.id for run in await house.runs(thread)] == [run.id for run in started]
        assert len(await house.messages(thread)) == 1
        await house.runner.stop(started[0])


async def test_ten_messages_at_once_end_with_one_run_and_ten_messages(house: House) -> None:
    thread = await house.thread()
    orders = [await house.order(thread, "hang") for _ in range(10)]
    await asyncio.gather(*(house.runner.start(order) for order in orders))
    statuses = [run.status for run in await house.runs(thread)]
    assert sorted(statuses) == ["cancelled"] * 9 + ["in_progress"]
    assert [role for role, _, _ in await house.texts(thread)].count("user") == 10


async def test_stopping_twice_or_after_the_end_is_the_same_as_once(house: House) -> None:
    thread = await house.thread()
    run = await house.start(thread, "words 2\nhang")
    await house.said(run, 2)
    stopped = await asyncio.gather(*(house.runner.stop(run) for _ in range(3)))
    again = await house.runner.stop(run)
    assert {one.model_dump_json() for one in (*stopped, again)} == {again.model_dump_json()}
    assert names(await house.events(run)).count("thread.run.cancelled") == 1
    done = await house.answer(thread, "words 1")
    assert (await house.runner.stop(done)).status == "completed"


async def test_a_stop_before_the_first_word_ends_the_question_and_leaves_no_answer(tmp_path: Path) -> None:
    model = Concurrent()
    async with open_house(tmp_path, model=model) as house:
        thread = await house.thread()
        run = await house.start(thread, "hang")
        await asyncio.wait_for(model.asked.wait(), WITHIN_S)
        assert (await house.runner.stop(run)).status == "cancelled"
        assert model.now == 0
        assert [role for role, _, _ in await house.texts(thread)] == ["user"]
        assert names(await house.events(run))[-2:] == ["thread.run.cancelling", "thread.run.cancelled"]


async def test_a_stop_while_the_run_begins_to_wait_for_outputs_ends_it(house: House) -> None:
    thread = await house.thread()
    gate = Gate(lambda call: call.verb == "write_journal" and (call.changes or {}).get("status") == "requires_action")
    house.store.watcher = gate
    run = await house.start(thread, "call f {}")
    await asyncio.wait_for(gate.reached.wait(), WITHIN_S)
    stopping = asyncio.create_task(house.runner.stop(run))
    await asyncio.sleep(0)
    gate.open.set()
    assert (await stopping).status == "cancelled"
    assert await house.active(thread) is None


async def test_a_stop_of_a_run_that_waits_for_outputs_ends_its_step(house: House) -> None:
    thread = await house.thread()
    run = await house.answer(thread, "call f {}\ncall g {}")
    stopped = await house.runner.stop(run)
    assert (stopped.status, stopped.required_action) == ("cancelled", None)
    assert [step.status for step in await house.steps(run)] == ["cancelled"]
    told = names(await house.events(run))
    assert told[-4:] == [
        "thread.run.requires_action",
        "thread.run.cancelling",
        "thread.run.step.cancelled",
        "thread.run.cancelled",
    ]


async def test_a_stop_that_cannot_be_written_in_time_says_that_the_database_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "STOP_WAIT_S", 0.05)
    monkeypatch.setattr(leg_module, "STORE_RETRY_S", 0.01)
    thread = await house.thread()
    run = await house.start(thread, "hang")

    async def away(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        if call.verb == "write_journal":
            raise StoreUnavailable("The database does not answer: the disk is full.")
        return await do()

    watcher, house.store.watcher = house.store.watcher, away
    with pytest.raises(StoreUnavailable):
        await house.runner.stop(run)
    house.store.watcher = watcher
    assert (await house.over(run)).status == "cancelled"
    assert await house.active(thread) is None


async def test_outputs_are_taken_once(house: House) -> None:
    thread = await house.thread()
    run = await house.answer(thread, 'call f {}\ncall g {}\nsay "$1 $2"')
    outputs = dict.fromkeys(calls_of(run), "x")
    results = await asyncio.gather(*(house.runner.submit(run, outputs) for _ in range(5)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["WrongState"] * 4 + ["tuple"]
    assert (await house.over(run)).status == "completed"
    assert (await house.texts(thread))[1:] == [("assistant", "completed", "x x")]
    with pytest.raises(WrongState, match='Runs in status "completed" do not accept tool outputs'):
        await house.runner.submit(await house.run(run), outputs)


async def test_outputs_must_be_those_that_were_asked_for(house: House) -> None:
    thread = await house.thread()
    run = await house.answer(thread, "call f {}\ncall g {}")
    first, second = calls_of(run)
    for wrong in ({}, {first: "x"}, {first: "x", second: "y", "call_z": "z"}, {"call_z": "z"}):
        with pytest.raises(WrongState) as refused:
            await house.runner.submit(run, wrong)
        assert refused.value.message == f"Expected tool outputs for call_ids ['{first}', '{second}'], got {list(wrong)}"
    assert (await house.run(run)).status == "requires_action"
    await house.runner.submit(run, {second: "y", first: "x"})
    assert (await house.over(run)).status == "completed"


async def test_several_rounds_of_calls_go_on_in_one_run(house: House) -> None:
    thread = await house.thread()
    run = await house.answer(thread, 'call f {}\nsay "between"\ncall g {}\nsay "$1 and $2"')
    for output in ("one", "two"):
        assert run.status == "requires_action"
        await house.runner.submit(run, {calls_of(run)[0]: output})
        run = await house.over(run)
    assert run.status == "completed"
    assert [text for _, _, text in await house.texts(thread)][1:] == ["between", "one and two"]
    events = await house.events(run)
    assert [event.number for event in events] == sorted({event.number for event in events})


async def test_a_run_that_takes_too_long_expires_with_what_it_said(tmp_path: Path) -> None:
    async with open_house(tmp_path, times=Times(run_timeout_s=0.3)) as house:
        thread = await house.thread()
        run = await house.answer(thread, "words 2\nhang")
        assert run.status == "expired"
        assert (await house.texts(thread))[1:] == [("assistant", "incomplete", "word1 word2")]
        end = ["thread.message.incomplete", "thread.run.step.expired", "thread.run.expired"]
        assert names(await house.events(run))[-3:] == end
        assert await house.active(thread) is None


async def test_a_mistake_inside_is_a_failed_run_that_tells_nothing_of_it(tmp_path: Path) -> None:
    class Broken(Scripted):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
            raise ZeroDivisionError("/secret/path")
            yield []

    async with open_house(tmp_path, model=Broken()) as house:
        thread = await house.thread()
        run = await house.answer(thread, "words 1")
        assert run.status == "failed"
        assert run.last_error is not None
        assert "secret" not in run.model_dump_json()
        assert await house.active(thread) is None


async def test_a_store_that_fails_in_the_middle_of_the_end_tells_each_event_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is kept, and then its step cannot be: the end is written again."""
    monkeypatch.setattr(leg_module, "STORE_RETRY_S", 0.01)
    failures = 2

    async def sometimes(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        nonlocal failures
        if failures and (call.verb, call.what) == ("add", "run_steps"):
            failures -= 1
            raise StoreUnavailable("The database does not answer: it is locked by another program.")
        return await do()

    house.store.watcher = sometimes
    thread = await house.thread()
    run = await house.answer(thread, "words 2")
    told = names(await house.events(run))
    assert [told.count(f"thread.message.{end}") for end in ("completed", "incomplete")] == [1, 0]
    ends = [
        name for name in told if name.startswith("thread.run.step.") and name.split(".")[-1] not in ("created", "in_progress")
    ]
    assert len(ends) == 1
    assert len(await house.messages(thread)) == 2
    assert [step.status for step in await house.steps(run)] == [ends[0].split(".")[-1]]
    assert await house.active(thread) is None


async def test_a_start_that_its_thread_cannot_be_told_of_is_answered_and_let_go_of(house: House) -> None:
    """Followers see the gap and read the thread anew."""
    failed = False

    async def once(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        nonlocal failed
        if not failed and (call.verb, call.what) == ("add", "thread_events"):
            failed = True
            raise StoreUnavailable("The database does not answer: it is busy.")
        return await do()

    house.store.watcher = once
    thread = await house.thread()
    run = await house.answer(thread, "words 2")
    assert (failed, run.status, run.settled) == (True, "completed", True)
    assert await house.active(thread) is None


async def test_a_server_that_stops_ends_its_runs_with_a_sentence(house: House) -> None:
    threads = [await house.thread() for _ in range(3)]
    runs = [await house.start(thread, "words 2\nhang") for thread in threads]
    for run in runs:
        await house.said(run, 2)
    await house.runner.close()
    for run, thread in zip(runs, threads, strict=True):
        ended = await house.run(run)
        assert (ended.status, ended.last_error and ended.last_error.message) == ("failed", SHUT_DOWN)
        assert (await house.texts(thread))[1:] == [("assistant", "incomplete", "word1 word2")]
        assert (await house.events(run))[-1].name == "thread.run.failed"
    with pytest.raises(ShuttingDown):
        await house.start(threads[0], "words 1")


async def test_a_server_that_stops_ends_the_messages_that_wait_too(house: House) -> None:
    thread = await house.thread(shared=True)
    first = await house.start(thread, "hang", "wait")
    waiting = [await house.start(thread, f"words {number}", "wait") for number in (1, 2)]
    follower = asyncio.create_task(house.events(waiting[0]))
    await house.runner.close()
    assert [(await house.run(run)).status for run in (first, *waiting)] == ["failed"] * 3
    assert (await follower)[-1].name == "thread.run.failed"
    assert [text for role, _, text in await house.texts(thread) if role == "user"] == ["hang", "words 1", "words 2"]


async def test_a_start_that_is_under_way_when_the_server_stops_is_ended_too(house: House) -> None:
    thread = await house.thread()
    gate = Gate(lambda call: (call.verb, call.what) == ("add", "messages"))
    house.store.watcher = gate
    starting = asyncio.create_task(house.start(thread, "hang"))
    await asyncio.wait_for(gate.reached.wait(), WITHIN_S)
    closing = asyncio.create_task(house.runner.close())
    await asyncio.sleep(0)
    gate.open.set()
    run = await starting
    await asyncio.wait_for(closing, WITHIN_S)
    assert (await house.run(run)).status == "failed"
    assert await house.active(thread) is None


async def test_the_lists_of_a_run_name_its_thread_and_the_cursor_to_follow(house: House) -> None:
    thread = await house.thread()
    run = await house.answer(thread, "words 1")
    started = [event.data for event in await house.thread_events(thread) if event.name == "thread.run.started"]
    assert started == [{"runId": run.id, "after": 0}]
    assert data(await house.events(run, after=0), "thread.run.created")[0]["thread_id"] == thread.id
