"""When the client asks again, how long it waits, and when it does not."""

import asyncio
import logging

import pytest

from tests.faults.upstream import Chat, HangUp, Status
from tests.unit.models.chatting import KEY, SAID, answer, client, failure
from underpin.errors import ModelBroken, ModelError, ModelUnreachable
from underpin.models.tries import Patience


async def test_a_refused_connection_is_tried_three_times_and_names_the_setting(upstream, model, caplog):
    upstream.refuse()
    error = await failure(model)
    assert isinstance(error, ModelUnreachable)
    assert error.message == (
        f"The model's server at 127.0.0.1:{upstream.port} could not be reached: the connection was refused. "
        "Check OPENAI_BASE_URL, and that the server runs."
    )
    warnings = [record for record in caplog.records if record.name == "underpin.models"]
    assert [record.levelno for record in warnings] == [logging.WARNING] * 2
    told = rf"⚠️ The model's server at 127.0.0.1:{upstream.port}: the connection was refused. Asking again in 0.01 s ({{}} of 2)."
    for record, number in zip(warnings, (1, 2), strict=True):
        assert record.getMessage() == told.format(number)
    assert KEY not in caplog.text


PASSING = [
    Status(500),
    Status(502),
    Status(503),
    Status(504),
    Status(429, headers={"Retry-After": "0"}),
    HangUp(),
    HangUp(reset=True),
]


@pytest.mark.parametrize("behaviour", PASSING, ids=repr)
async def test_a_failure_that_may_pass_is_asked_again_before_anything_was_said(upstream, model, behaviour):
    upstream.behave(behaviour, Chat("Hello ", "there."))
    assert await answer(model) == SAID
    assert len(upstream.asked) == 2
    assert upstream.asked[0].body == upstream.asked[1].body


@pytest.mark.parametrize(
    ("behaviour", "error"), [(Status(500), ModelBroken), (Status(503), ModelUnreachable), (HangUp(), ModelUnreachable)]
)
async def test_a_failure_that_does_not_pass_is_told_after_three_tries(upstream, model, behaviour, error):
    upstream.behave(behaviour)
    assert type(await failure(model)) is error
    assert len(upstream.asked) == 3


async def test_a_short_retry_after_is_waited_for(upstream, model):
    upstream.behave(Status(429, headers={"Retry-After-Ms": "200"}), Chat("Hello ", "there."))
    begin = asyncio.get_running_loop().time()
    assert await answer(model) == SAID
    assert asyncio.get_running_loop().time() - begin >= 0.2


async def test_a_quota_that_is_used_up_is_not_asked_again(upstream, model):
    upstream.behave(Status(429, {"error": {"message": "no", "code": "insufficient_quota"}}, {"Retry-After": "0"}))
    error = await failure(model)
    assert "used up its quota" in error.message
    assert len(upstream.asked) == 1


async def test_cancelling_in_the_wait_before_another_try_asks_no_more(upstream):
    model = client(upstream.base_url, patience=Patience(pauses_s=(60, 60)))
    upstream.behave(Status(503))
    task = asyncio.create_task(answer(model))
    await upstream.question(within_s=5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)
    assert len(upstream.asked) == 1
    await model.close()


@pytest.mark.parametrize(
    "refusal", [Status(429, headers={"Retry-After": "2"}), Status(503, headers={"Retry-After": "2"})], ids=repr
)
async def test_a_retry_after_beyond_the_limit_is_told_and_not_waited_for(upstream, refusal):
    model = client(upstream.base_url, patience=Patience(pauses_s=(0.01,), longest_retry_after_s=1.9))
    upstream.behave(refusal)
    error = await failure(model)
    assert error.retry_after_s == 2
    assert len(upstream.asked) == 1
    await model.close()


async def test_a_retry_after_of_a_server_that_is_away_is_waited_for_too(upstream, model):
    upstream.behave(Status(503, headers={"Retry-After-Ms": "200"}), Chat("Hello ", "there."))
    begin = asyncio.get_running_loop().time()
    assert await answer(model) == SAID
    assert asyncio.get_running_loop().time() - begin >= 0.2


async def test_a_limit_without_a_time_is_told_at_once(upstream, model):
    upstream.behave(Status(429))
    assert (await failure(model)).message.endswith("Try again in a moment.")
    assert len(upstream.asked) == 1


async def test_a_list_of_models_is_asked_for_again_only_by_who_needs_it(upstream, model):
    upstream.models = Status(500)
    with pytest.raises(ModelError):
        await model.names(timeout_s=5)
    assert len(upstream.requests) == 1
    with pytest.raises(ModelError):
        await model.names(timeout_s=5, again=True)
    assert len(upstream.requests) == 4
