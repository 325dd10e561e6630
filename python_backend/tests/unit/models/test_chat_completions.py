"""The client's answers, and the connection that it lets go of."""

import asyncio
import base64
from contextlib import aclosing

import pytest

from tests.faults.upstream import Chat, HangUp, Silent, Status, call, chunk
from tests.unit.models.chatting import KEY, REQUEST, SAID, answer, client, failure
from underpin.errors import ConfigError, ModelKeyRejected, ModelUnreachable
from underpin.models.base import Finish, ModelRequest, TextDelta, ToolCallDelta


async def test_an_answer_comes_as_facts_and_one_connection_serves_the_next(upstream, model):
    assert await answer(model) == SAID
    assert await answer(model) == SAID
    assert len(upstream.open) == 1
    assert upstream.asked[0].path == "/v1/chat/completions"
    assert upstream.asked[0].headers["authorization"] == f"Bearer {KEY}"


async def test_without_a_key_no_authorization_is_sent(upstream):
    model = client(upstream.base_url, None)
    await answer(model)
    await model.close()
    assert "authorization" not in upstream.asked[0].headers


async def test_credentials_in_the_address_become_a_header_and_are_shown_nowhere(upstream):
    model = client(upstream.base_url.replace("//", "//anna:hunter2canary@") + "/?version=3", None)
    await answer(model)
    upstream.behave(Status(400, {"error": {"message": "hunter2canary is wrong"}}))
    error = await failure(model)
    await model.close()
    assert upstream.asked[0].headers["authorization"] == "Basic " + base64.b64encode(b"anna:hunter2canary").decode()
    assert upstream.requests[0].path == "/v1/chat/completions?version=3"
    assert "canary" not in error.message


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://"])
def test_an_address_that_is_none_is_refused_at_once(address):
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL"):
        client(address)


@pytest.mark.parametrize("split", [1, 2, 5])
async def test_characters_cut_anywhere_arrive_whole(upstream, model, split):
    upstream.behave(Chat("Ton ist 粘土, ", "🪨👩🏽‍🔬", split=split))
    assert await answer(model) == [TextDelta("Ton ist 粘土, "), TextDelta("🪨👩🏽‍🔬"), *SAID[2:]]


async def test_parallel_calls_with_broken_arguments_are_handed_on_as_they_came(upstream, model):
    pieces = [call(0, "f", '{"a', "call_1"), call(0, arguments='":'), call(1, "g", "{}", "call_2")]
    upstream.behave(Chat(*pieces, finish="tool_calls", usage=None))
    assert await answer(model) == [
        ToolCallDelta(0, "call_1", "f", '{"a'),
        ToolCallDelta(0, None, None, '":'),
        ToolCallDelta(1, "call_2", "g", "{}"),
        Finish("tool_calls"),
    ]


WHOLE = {"choices": [{"message": {"content": "Hello there."}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("behaviour", "facts"),
    [
        (Chat("a", done=False, usage=None), [TextDelta("a"), Finish("stop")]),
        (Chat("a", done=False, usage=None, then="cut"), [TextDelta("a"), Finish("stop")]),
        (Chat("a", finish=None, usage=None), [TextDelta("a"), Finish("stop")]),
        (Chat("a", then="cut"), [TextDelta("a"), *SAID[2:]]),
        (Chat("a", then="stall"), [TextDelta("a"), *SAID[2:]]),
        (Chat(b"\xef\xbb\xbf: ping\r\n\r\n", "a", content_type="text/plain"), [TextDelta("a"), *SAID[2:]]),
        (Status(200, WHOLE), [TextDelta("Hello there."), Finish("stop")]),
        (Chat(b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n', usage=None), [TextDelta("�"), Finish("stop")]),
    ],
    ids=[
        "no DONE",
        "cut after the finish",
        "no finish",
        "cut at the end",
        "no end",
        "odd framing",
        "not streamed",
        "invalid UTF-8",
    ],
)
async def test_an_answer_that_is_odd_but_whole_is_an_answer(upstream, model, behaviour, facts):
    upstream.behave(behaviour)
    assert await answer(model) == facts
    assert len(upstream.asked) == 1


async def test_a_server_that_neither_says_done_nor_closes_is_not_waited_for(upstream):
    model = client(upstream.base_url, between_bytes_s=0.05)
    upstream.behave(Chat("a", done=False, usage=None, then="stall"))
    assert await answer(model) == [TextDelta("a"), Finish("stop")]
    await upstream.abandoned(within_s=1)
    await model.close()


async def test_a_slow_drip_is_not_silence(upstream):
    model = client(upstream.base_url, first_byte_s=0.5, between_bytes_s=0.5)
    upstream.behave(Chat(*"abcdefghij", rate=10))
    assert len(await answer(model)) == 12
    await model.close()


async def test_a_reader_that_takes_its_time_is_not_silence(upstream):
    model = client(upstream.base_url, between_bytes_s=0.1)
    upstream.behave(Chat("a", "b", rate=100))
    async with aclosing(model.stream(REQUEST)) as stream:
        said = list(await anext(stream))
        await asyncio.sleep(0.4)
        said += [fact async for batch in stream for fact in batch]
    assert said == [TextDelta("a"), TextDelta("b"), *SAID[2:]]
    await model.close()


@pytest.mark.parametrize("then", ["cut", "reset"])
async def test_what_arrived_while_the_reader_was_busy_is_kept_when_the_connection_is_lost(upstream, model, then):
    upstream.behave(Chat("a", *"b" * 50, then=then))
    async with aclosing(model.stream(REQUEST)) as stream:
        said = list(await anext(stream))
        await asyncio.gather(*(connection.lost.wait() for connection in upstream.open))
        # The client's side has no event for it; a moment later it knows too.
        await asyncio.sleep(0.05)
        said += [fact async for batch in stream for fact in batch]
    assert said == [TextDelta("a"), *[TextDelta("b")] * 50, *SAID[2:]]


async def test_a_kept_connection_that_the_server_closed_is_replaced_unseen(upstream, model):
    assert await answer(model) == SAID
    upstream.refuse()
    await upstream.listen()
    assert await answer(model) == SAID


async def test_a_server_that_refuses_stream_options_is_asked_without_and_remembered(upstream, model):
    upstream.behave(Status(400, {"error": {"message": "Unknown field: stream_options"}}), Chat("Hello ", "there."))
    assert await answer(model) == SAID
    assert await answer(model) == SAID
    assert ["stream_options" in request.json for request in upstream.asked] == [True, False, False]


async def test_a_server_of_the_older_name_gets_max_tokens_and_is_remembered(upstream, model):
    request = ModelRequest("m", REQUEST.messages, max_completion_tokens=9)
    upstream.behave(
        Status(400, {"error": {"message": "stream_options: extra fields not permitted"}}),
        Status(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"], "msg": "Extra inputs"}]}),
        Chat("Hello ", "there."),
    )
    assert await answer(model, request) == SAID
    assert await answer(model, request) == SAID
    assert [request.json.get("max_tokens") for request in upstream.asked] == [None, None, 9, 9]
    assert ["max_completion_tokens" in request.json for request in upstream.asked] == [True, True, False, False]


async def test_closing_the_stream_closes_the_connection_at_once(upstream, model):
    upstream.behave(Chat("a", "b", finish=None, usage=None, done=False, then="stall"))
    async with aclosing(model.stream(REQUEST)) as stream:
        await anext(stream)
    await upstream.abandoned(within_s=1)
    assert not upstream.open


@pytest.mark.parametrize(
    "behaviour", [Silent(), Silent(head=True), Chat("a", finish=None, usage=None, done=False, then="stall")], ids=repr
)
async def test_cancelling_closes_the_connection_at_once_whatever_the_server_does(upstream, model, behaviour):
    upstream.behave(behaviour)
    task = asyncio.create_task(answer(model))
    await upstream.question(within_s=5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await upstream.abandoned(within_s=1)
    assert not upstream.open


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (("a", "b"), ("a", "b")),
        (Status(200, {"models": [{"name": "a"}]}), ("a",)),
        (Status(200, '[{"id": "a"}]'), ("a",)),
        (Status(200, {"data": []}), ()),
        (Status(200, "<html>"), None),
        (Status(404), None),
        (Status(405), None),
    ],
)
async def test_the_names_of_models_are_read_in_the_forms_that_servers_use(upstream, model, models, names):
    upstream.models = models
    assert await model.names(timeout_s=1) == names


@pytest.mark.parametrize(
    ("models", "error"),
    [
        (Status(401), ModelKeyRejected),
        (Status(503), ModelUnreachable),
        (Silent(), ModelUnreachable),
        (HangUp(), ModelUnreachable),
    ],
    ids=repr,
)
async def test_a_list_of_models_that_fails_says_why_in_time(upstream, model, models, error):
    upstream.models = models
    with pytest.raises(error):
        await asyncio.wait_for(model.names(timeout_s=0.1), 1)


async def test_a_chunk_of_another_answer_is_ignored(upstream, model):
    upstream.behave(Chat("Hello ", chunk(logprobs=None, system_fingerprint="x") | {"choices": []}, "there."))
    assert await answer(model) == SAID
