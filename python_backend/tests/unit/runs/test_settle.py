"""Ending what a dead owner left: what it had kept is the answer, and there is one of it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.faults.watched_store import Call
from tests.unit.runs.house import WITHIN_S, House, data, names, open_house, shown
from underpin.models.base import Fact, ModelRequest, TextDelta, ToolCallDelta
from underpin.models.scripted import Scripted
from underpin.objects.run import EVENTS_A_CLAIM, Run
from underpin.objects.thread import Thread
from underpin.runs.settle import OWNER_DIED, settle

BEFORE_THE_WORDS = 7
"""Events of a run before its first delta."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest_asyncio.fixture
async def heir(folder: Path) -> AsyncIterator[House]:
    """The process that comes after."""
    async with open_house(folder) as house:
        yield house


async def left(folder: Path, script: str, words: int) -> tuple[Thread, Run]:
    """A run whose process died when so many words were seen and kept."""
    async with open_house(folder) as house:
        thread = await house.thread()
        run = await house.start(thread, script)
        await house.said(run, words)
        await house.journalled(run, BEFORE_THE_WORDS + words)
        await house.die()
    return thread, run


async def paused(folder: Path, script: str) -> tuple[Thread, Run]:
    """A run that waits for outputs, whose process died."""
    async with open_house(folder) as house:
        thread = await house.thread()
        run = await house.answer(thread, script)
        await house.die()
    return thread, run


async def test_what_was_kept_becomes_the_partial_answer(folder: Path, heir: House) -> None:
    thread, run = await left(folder, "words 3\nhang", 3)
    await heir.sweep.sweep(at_start=True)
    ended = await heir.run(run)
    assert (ended.status, ended.settled, ended.last_error and ended.last_error.message) == ("failed", True, OWNER_DIED)
    assert (await heir.texts(thread))[1:] == [("assistant", "incomplete", "word1 word2 word3")]
    assert await heir.active(thread) is None
    events = await heir.events(run)
    assert names(events)[-3:] == ["thread.message.incomplete", "thread.run.step.failed", "thread.run.failed"]
    assert [event.number for event in events][-3:] == [EVENTS_A_CLAIM + at for at in (1, 2, 3)]
    assert data(events, "thread.message.incomplete")[0]["incomplete_details"] == {"reason": "run_failed"}
    assert (await heir.answer(thread, "words 1")).status == "completed"


async def test_annotations_are_kept_too(folder: Path, heir: House) -> None:
    thread, _ = await left(folder, 'say "Clay"\ncite file-a "Clay is a soil."\nsay " and"\nhang', 4)
    await heir.sweep.sweep(at_start=True)
    (part,) = (await heir.messages(thread))[1].content
    assert part.model_dump()["text"]["annotations"] == [
        {
            "type": "file_citation",
            "text": "【1†source】",
            "start_index": 4,
            "end_index": 14,
            "file_citation": {"file_id": "file-a", "quote": "Clay is a soil."},
        }
    ]


async def test_who_saw_more_than_was_kept_ends_up_with_what_was_kept(folder: Path, heir: House) -> None:
    async with open_house(folder, flush_s=60) as house:  # kept is what this test flushes, and nothing else
        thread = await house.thread()
        run = await house.start(thread, 'words 2\nwait 50\nsay " and more"\nhang')
        await house.said(run, 2)
        await house.log._flush()
        seen = await house.said(run, 4)
        await house.die()
    await heir.sweep.sweep(at_start=True)
    assert list(shown(seen).values()) == ["word1 word2 and more"]
    rest = await heir.events(run, after=seen[-1].number)
    assert rest[0].name == "thread.message.incomplete"
    assert list(shown([*seen, *rest]).values()) == ["word1 word2"]
    assert (await heir.texts(thread))[1:] == [("assistant", "incomplete", "word1 word2")]


async def test_an_answer_of_which_nothing_was_kept_ends_as_an_empty_one(folder: Path, heir: House) -> None:
    """A client may have seen its beginning: it has to be told that nothing of it was kept."""
    async with open_house(folder, flush_s=60) as house:
        thread = await house.thread()
        run = await house.start(thread, "words 2\nhang")
        seen = await house.said(run, 2)
        await house.die()
    await heir.sweep.sweep(at_start=True)
    assert (await heir.texts(thread))[1:] == [("assistant", "incomplete", "")]
    assert list(shown([*seen, *await heir.events(run, after=seen[-1].number)]).values()) == [""]


@pytest.mark.parametrize("after", [True, False])
async def test_an_answer_that_was_committed_before_the_death_stays_as_it_is(folder: Path, heir: House, after: bool) -> None:
    """The owner died between its message and its end; `after`: what it said last was kept by then."""
    async with open_house(folder, flush_s=0.01 if after else 60) as house:
        thread = await house.thread()
        died = asyncio.Event()

        async def last_write(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
            if call.verb == "write_journal" and "status" in (call.changes or {}):
                died.set()
                await asyncio.Event().wait()
            return await do()

        house.store.watcher = last_write
        run = await house.start(thread, "words 3")
        await died.wait()
        await house.die()
    await heir.sweep.sweep(at_start=True)
    assert (await heir.run(run)).status == "failed"
    assert (await heir.texts(thread))[1:] == [("assistant", "completed", "word1 word2 word3")]
    told = names(await heir.events(run))
    assert told.count("thread.message.completed") == 1
    assert "thread.message.incomplete" not in told
    assert len([name for name in told if name in ("thread.run.step.completed", "thread.run.step.failed")]) == 1
    assert told[-1] == "thread.run.failed"


async def dies_at_write(folder: Path, number: int) -> None:
    """A process that sweeps and dies before its write of that number."""
    async with open_house(folder) as house:
        died = asyncio.Event()
        writes = 0

        async def stop_at_it(call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
            nonlocal writes
            writes += call.writes
            if writes >= number:
                died.set()
                await asyncio.Event().wait()
            return await do()

        house.store.watcher = stop_at_it
        sweep = asyncio.create_task(house.sweep.sweep(at_start=True))
        await asyncio.wait_for(died.wait(), WITHIN_S)
        sweep.cancel()
        await house.die()


@pytest.mark.parametrize("deaths", [(2,), (4,), (2, 4), (3, 5), (2, 4, 5), (5, 4, 3)])
async def test_heirs_that_die_too_leave_one_message_and_one_end(folder: Path, deaths: tuple[int, ...]) -> None:
    thread, run = await left(folder, "words 3\nhang", 3)
    for number in deaths:
        await dies_at_write(folder, number)
    async with open_house(folder) as last:
        await last.sweep.sweep(at_start=True)
        assert (await last.run(run)).settled
        assert (await last.texts(thread))[1:] == [("assistant", "incomplete", "word1 word2 word3")]
        events = await last.events(run)
        assert names(events).count("thread.run.failed") == 1
        assert list(shown(events).values()) == ["word1 word2 word3"]
        assert await last.active(thread) is None
        assert [step.status for step in await last.steps(run)] == ["failed"]


async def test_outputs_may_come_to_the_next_process(folder: Path, heir: House) -> None:
    thread, run = await paused(folder, 'call f {"a": 1}\nsay "It is $1."')
    await heir.sweep.sweep(at_start=True)
    waiting = await heir.run(run)
    assert (waiting.status, await heir.active(thread)) == ("requires_action", run.id)
    assert waiting.required_action is not None
    await heir.runner.submit(waiting, {waiting.required_action.submit_tool_outputs.tool_calls[0].id: "cold"})
    assert (await heir.over(run)).status == "completed"
    assert (await heir.texts(thread))[1:] == [("assistant", "completed", "It is cold.")]


async def test_a_step_that_waited_for_outputs_ends_with_its_run(folder: Path, heir: House) -> None:
    thread, run = await paused(folder, 'say "Hm."\ncall f {"a": 1}')
    ended = await settle(heir.room, heir.claims, run, "expired")
    await heir.runner.after_end(ended)
    assert (ended.status, ended.required_action) == ("expired", None)
    steps = await heir.steps(run)
    assert [step.status for step in steps] == ["completed", "expired"]
    assert names(await heir.events(run))[-3:] == ["thread.run.requires_action", "thread.run.step.expired", "thread.run.expired"]
    assert await heir.active(thread) is None


async def test_a_death_in_the_middle_of_a_call_keeps_the_pieces_that_came(folder: Path, heir: House) -> None:
    class Calling(Scripted):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
            yield [TextDelta("Hm."), ToolCallDelta(0, "call_f", "f", "")]
            yield [ToolCallDelta(0, None, None, '{"city": "Par')]
            await asyncio.Event().wait()

    async with open_house(folder, model=Calling()) as house:
        thread = await house.thread()
        run = await house.start(thread, "What is the weather?")
        await house.journalled(run, BEFORE_THE_WORDS + 1 + 2 + 2 + 2)
        await house.die()
    await heir.sweep.sweep(at_start=True)
    assert (await heir.run(run)).status == "failed"
    assert (await heir.texts(thread))[1:] == [("assistant", "completed", "Hm.")]
    message, calls = await heir.steps(run)
    assert (message.status, calls.status) == ("completed", "failed")
    assert [call["arguments"] for call in calls.model_calls] == ['{"city": "Par']
    assert await heir.active(thread) is None


async def test_what_the_dead_owner_used_is_counted(folder: Path, heir: House) -> None:
    _, run = await paused(folder, "usage 3 4\ncall f {}")
    ended = await settle(heir.room, heir.claims, run, "expired")
    assert ended.usage is not None
    assert (ended.usage.prompt_tokens, ended.usage.completion_tokens) == (3, 4)


async def test_five_who_end_the_same_orphan_at_once_end_it_once(folder: Path, heir: House) -> None:
    for number in range(10):
        thread, run = await paused(folder, "call f {}") if number % 2 else await left(folder, "words 2\nhang", 2)
        ended = await asyncio.gather(*(heir.runner.stop(run) for _ in range(5)))
        assert {one.status for one in ended} == {"cancelled"}
        assert {one.settled for one in ended} == {True}
        assert names(await heir.events(run)).count("thread.run.cancelled") == 1
        assert await heir.active(thread) is None


async def test_two_processes_that_end_the_same_orphan_end_it_once(folder: Path, heir: House) -> None:
    async with open_house(folder) as other:
        for _ in range(10):
            thread, run = await left(folder, "words 2\nhang", 2)
            await asyncio.gather(heir.sweep.sweep(at_start=True), other.sweep.sweep(at_start=True))
            assert (await heir.run(run)).status == "failed"
            assert (await heir.texts(thread))[1:] == [("assistant", "incomplete", "word1 word2")]
            assert names(await heir.events(run)).count("thread.run.failed") == 1
            await heir.sweep.sweep(at_start=True)
            assert await heir.active(thread) is None


async def test_a_run_that_has_ended_meanwhile_stays_as_it_is(heir: House) -> None:
    thread = await heir.thread()
    run = await heir.start(thread, "words 2")
    ended = await heir.over(run)
    assert await settle(heir.room, heir.claims, run, "failed") == ended
    assert len(await heir.messages(thread)) == 2
