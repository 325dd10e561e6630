"""The same request twice: which run it stands for."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from tests.unit.runs.house import ANN, House, open_house
from underpin.errors import KeyReused, ModelKeyRejected, NotFound
from underpin.models.base import Fact, ModelRequest
from underpin.models.scripted import Scripted
from underpin.objects.idempotency_key import IdempotencyKey
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.runs.order import admit


class Asked(Scripted):
    """Counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
        self.times += 1
        return super().stream(request)


async def ten_at_once(house: House, thread: Thread, script: str, takeover: str) -> list[Run]:
    orders = [await house.order(thread, script, takeover, key="k", body_hash="h") for _ in range(10)]
    return await asyncio.gather(*(house.runner.start(order) for order in orders))


@pytest.mark.parametrize("takeover", ["cancel", "wait", "refuse"])
async def test_the_same_request_ten_times_at_once_is_one_run_one_message_and_one_question(tmp_path: Path, takeover: str) -> None:
    model = Asked()
    async with open_house(tmp_path, model=model) as house:
        thread = await house.thread()
        runs = await ten_at_once(house, thread, "words 3", takeover)
        assert len({run.id for run in runs}) == 1
        assert (await house.over(runs[0])).status == "completed"
        assert await house.texts(thread) == [("user", "completed", "words 3"), ("assistant", "completed", "word1 word2 word3")]
        assert len(await house.runs(thread)) == 1
        assert model.times == 1
        again = await house.start(thread, "words 3", key="k", body_hash="h")
        assert (again.id, again.status, model.times) == (runs[0].id, "completed", 1)


async def test_without_a_key_the_same_request_is_a_new_run(house: House) -> None:
    thread = await house.thread()
    first, second = await house.answer(thread, "words 1"), await house.answer(thread, "words 1")
    assert first.id != second.id
    assert len(await house.messages(thread)) == 4


async def test_another_body_under_the_same_key_is_refused_and_stores_nothing(house: House) -> None:
    thread = await house.thread()
    await house.answer(thread, "words 1", key="k", body_hash="one")
    with pytest.raises(KeyReused):
        await house.start(thread, "words 2", key="k", body_hash="two")
    assert (len(await house.messages(thread)), len(await house.runs(thread))) == (2, 1)


async def test_a_key_belongs_to_its_thread(house: House) -> None:
    first, second = await house.thread(), await house.thread()
    runs = [await house.answer(thread, "words 1", key="k", body_hash="h") for thread in (first, second)]
    assert runs[0].id != runs[1].id


async def test_a_retry_after_a_refusal_is_a_new_run_on_the_same_message(house: House) -> None:
    thread = await house.thread()
    refused = await house.answer(thread, "fail key", key="k", body_hash="h")
    assert (refused.status, refused.refused) == ("failed", True)
    again = await house.answer(thread, "fail key", key="k", body_hash="h")
    assert again.id != refused.id
    assert [role for role, _, _ in await house.texts(thread)] == ["user"]
    messages = [event for event in await house.thread_events(thread) if event.name == "thread.message.added"]
    assert len({str(event.data["message"]) for event in messages}) == 1


async def test_ten_retries_at_once_after_a_refusal_are_one_new_run(tmp_path: Path) -> None:
    model = Asked()
    async with open_house(tmp_path, model=model) as house:
        thread = await house.thread()
        await house.answer(thread, "fail key", key="k", body_hash="h")
        runs = await ten_at_once(house, thread, "fail key", "cancel")
        for run in runs:
            await house.over(run)
        assert len({run.id for run in runs}) == 1
        assert len(await house.runs(thread)) == 2
        assert (model.times, len(await house.messages(thread))) == (2, 1)


async def test_a_failure_after_words_is_no_refusal_and_its_retry_is_the_same_run(house: House) -> None:
    thread = await house.thread()
    failed = await house.answer(thread, "words 1\nfail broken", key="k", body_hash="h")
    assert (failed.status, failed.refused) == ("failed", False)
    assert (await house.start(thread, "words 1\nfail broken", key="k", body_hash="h")).id == failed.id


async def test_a_key_whose_run_was_never_made_makes_it_under_the_ids_of_the_key(house: House) -> None:
    """Its process died between the two writes."""
    thread = await house.thread()
    order = await house.order(thread, "words 2", key="k", body_hash="h")
    assert (await admit(house.store, order, 60)).existing is None
    run = await house.answer(thread, "words 2", key="k", body_hash="h")
    assert run.id == order.run_id
    assert (await house.messages(thread))[0].id == order.message_id


async def test_a_refusal_that_is_asked_for_after_the_run_is_over_is_still_found(house: House) -> None:
    thread = await house.thread()
    run = await house.answer(thread, "fail key")
    assert isinstance(await house.refusal(run), ModelKeyRejected)
    spoken = await house.answer(thread, "words 1")
    assert await house.refusal(spoken) is None


async def test_the_sweep_forgets_keys_in_their_time(house: House) -> None:
    thread = await house.thread()
    for name, forget_at in (("old", house.store.now() - 1), ("young", house.store.now() + 60)):
        fields = {"thread_id": thread.id, "body_hash": "h", "run_id": "r", "message_id": "m", "forget_at": forget_at}
        await house.store.add(IdempotencyKey.model_validate({"id": f"key_{name}", "owner": "ann", **fields}))
    await house.sweep.sweep()
    await house.store.get(IdempotencyKey, "key_young", scope=ANN)
    with pytest.raises(NotFound):
        await house.store.get(IdempotencyKey, "key_old", scope=ANN)
