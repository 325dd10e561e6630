"""Two legs of one run follow each other closely: the first one's end does not touch the second."""

import asyncio

from tests.unit.runs.house import WITHIN_S, House
from tests.unit.runs.test_runner import Gate, calls_of


async def test_a_leg_that_tidies_up_late_leaves_the_next_leg_of_its_run_alone(house: House) -> None:
    thread = await house.thread()
    gate = Gate(lambda call: (call.verb, call.what) == ("add", "thread_events"))  # the first leg is still telling of its start
    house.store.watcher = gate
    run = await house.start(thread, 'call f {}\nsay "$1"\nhang')
    first = house.runner.leg_of(run.id)
    assert first is not None
    async with asyncio.timeout(WITHIN_S):
        while (paused := await house.run(run)).status != "requires_action":  # noqa: ASYNC110 (it tells nobody: its leg is not over)
            await asyncio.sleep(0.005)
    assert gate.reached.is_set()
    await house.runner.submit(paused, {calls_of(paused)[0]: "x"})
    second = house.runner.leg_of(run.id)
    assert second is not first
    gate.open.set()
    await asyncio.wait_for(first.over.wait(), WITHIN_S)
    assert house.runner.leg_of(run.id) is second
    await house.runner.stop(run)
    assert second is not None
    assert second.over.is_set()
    assert (await house.run(run)).claim_no == 2  # that of the outputs: its own leg ended it
