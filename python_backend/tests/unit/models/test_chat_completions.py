"""The client against a server that misbehaves. Its texts must never hold the key or the server's address."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from tests.faults.upstream import Chat, HangUp, Silent, Status, Upstream, call, chunk
from underpin.errors import (
    ConfigError,
    ModelBroken,
    ModelError,
    ModelKeyRejected,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelUnknown,
    ModelUnreachable,
)
from underpin.models.base import ChatMessage, Fact, Finish, ModelRequest, TextDelta, ToolCallDelta, UsageFact
from underpin.models.chat_completions import ChatCompletions

KEY = "sk-canary-5f0e2b"
REQUEST = ModelRequest("m", (ChatMessage("user", "What is clay?"),))
SAID = [TextDelta("Hello "), TextDelta("there."), UsageFact(7, 5), Finish("stop")]


def client(
    base_url: str, key: str | None = KEY, *, first_byte_s: float = 5, between_bytes_s: float = 5, **more
) -> ChatCompletions:
    times = {"connect_timeout_s": 5, "first_byte_timeout_s": first_byte_s, "between_bytes_timeout_s": between_bytes_s}
    return ChatCompletions(base_url, key, **times, **({"pauses_s": (0.01, 0.01)} | more))


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def model(upstream: Upstream) -> AsyncIterator[ChatCompletions]:
    model = client(upstream.base_url)
    yield model
    await model.close()


async def answer(model: ChatCompletions, request: ModelRequest = REQUEST) -> list[Fact]:
    return [fact async for batch in model.stream(request) for fact in batch]


async def failure(model: ChatCompletions, said: list[Fact] | None = None) -> ModelError:
    """The error of an answer; what was said before it goes into `said`."""
    said = [] if said is None else said
    try:
        async for batch in model.stream(REQUEST):
            said.extend(batch)
    except ModelError as error:
        return error
    raise AssertionError(f"no failure, but {said}")


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


CLOSED = "The model's server closed the connection in the middle of the answer."
KEY_REJECTED = "Invalid API key. Please check your OPENAI_API_KEY in the .env file."
BROKEN = {
    "cut": (Chat("a", finish=None, usage=None, done=False, then="cut"), ModelBroken, CLOSED),
    "cut in a line": (Chat("a", b'data: {"choi', finish=None, usage=None, done=False, then="cut"), ModelBroken, CLOSED),
    "cut before a word": (Chat(finish=None, usage=None, done=False, then="cut"), ModelBroken, CLOSED),
    "reset": (Chat("a", finish=None, usage=None, done=False, then="reset"), ModelBroken, CLOSED),
    "ended early": (Chat("a", finish=None, usage=None, done=False), ModelBroken, CLOSED),
    "empty": (Chat(finish=None, usage=None, done=False), ModelBroken, "sent no answer of a model"),
    "malformed": (Chat("a", b"data: {nonsense}\n\n"), ModelBroken, "not a chat completion"),
    "a page": (Status(200, "<html>Sign in</html>"), ModelBroken, "a web page"),
    "JSON of another kind": (Status(200, {"status": "ok"}), ModelBroken, "sent no answer of a model"),
    "an error instead": (Chat({"error": {"message": f"bad {KEY}", "code": 500}}), ModelBroken, "bad ***"),
    "an error in between": (Chat("a", {"error": {"type": "rate_limit"}}), ModelRateLimited, "no more requests"),
    "400": (Status(400, {"error": {"message": f"no {KEY}"}}), ModelRefusedRequest, "refused the request: no ***"),
    "401": (Status(401, {"error": {"message": KEY}}), ModelKeyRejected, KEY_REJECTED),
    "403": (Status(403), ModelKeyRejected, "Invalid API key."),
    "404": (Status(404, {"error": {"code": "model_not_found"}}), ModelUnknown, "no model 'm'. Set OPENAI_MODEL"),
    "404 path": (Status(404, {"detail": "Not Found"}), ModelUnreachable, "Check OPENAI_BASE_URL"),
    "429": (Status(429, headers={"Retry-After": "600"}), ModelRateLimited, "in 600 seconds"),
    "a redirect": (Status(302, headers={"Location": "/v1/elsewhere"}), ModelUnreachable, "Check OPENAI_BASE_URL"),
    "no HTTP": (HangUp(say=b"220 mail ready\r\n\r\n"), ModelBroken, "does not speak HTTP"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
async def test_a_failure_is_one_sentence_and_one_request(upstream, model, caplog, name):
    behaviour, error, text = BROKEN[name]
    upstream.behave(behaviour)
    said: list[Fact] = []
    found = await failure(model, said)
    assert type(found) is error
    assert text in found.message
    assert len(upstream.requests) == 1
    assert not any(isinstance(fact, Finish) for fact in said)
    for shown in (found.message, caplog.text):
        assert KEY not in shown
        assert str(upstream.port) not in shown
        assert "Traceback" not in shown


@pytest.mark.parametrize("name", ["cut", "cut in a line", "reset", "ended early", "malformed", "an error in between"])
async def test_what_was_said_before_a_failure_is_kept(upstream, model, name):
    upstream.behave(BROKEN[name][0])
    said: list[Fact] = []
    await failure(model, said)
    assert said == [TextDelta("a")]


async def test_a_token_of_ten_megabytes_is_refused_and_the_text_before_it_kept(upstream, model):
    upstream.behave(Chat("a", "x" * 10_500_000))
    said: list[Fact] = []
    error = await failure(model, said)
    assert said == [TextDelta("a")]
    assert "a line of more than 10 MB" in error.message


@pytest.mark.parametrize("behaviour", [Silent(), Silent(head=True)], ids=["no status", "no byte after the status"])
async def test_a_server_that_never_begins_is_left_after_the_first_deadline(upstream, behaviour):
    model = client(upstream.base_url, first_byte_s=0.05)
    upstream.behave(behaviour)
    error = await failure(model)
    assert isinstance(error, ModelUnreachable)
    assert "0.05 seconds" in error.message
    await upstream.abandoned(within_s=1)
    assert len(upstream.asked) == 1
    await model.close()


async def test_a_server_that_falls_silent_is_left_and_the_text_kept(upstream):
    model = client(upstream.base_url, between_bytes_s=0.05)
    upstream.behave(Chat("a", finish=None, usage=None, done=False, then="stall"))
    said: list[Fact] = []
    error = await failure(model, said)
    assert said == [TextDelta("a")]
    assert error.message == "The model's server sent nothing for 0.05 seconds."
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


async def test_a_refused_connection_is_tried_three_times_and_names_the_setting(upstream, model, caplog):
    upstream.refuse()
    error = await failure(model)
    assert isinstance(error, ModelUnreachable)
    assert error.message == (
        "The model's server could not be reached: the connection was refused. Check OPENAI_BASE_URL, and that the server runs."
    )
    warnings = [record for record in caplog.records if record.name == "underpin.models"]
    assert [record.levelno for record in warnings] == [logging.WARNING] * 2
    assert f"127.0.0.1:{upstream.port}" in caplog.text
    assert KEY not in caplog.text


async def test_a_host_name_that_does_not_exist_names_the_setting():
    model = client("http://no-such-host.invalid/v1")
    error = await failure(model)
    await model.close()
    assert error.message == "The model's server could not be reached: its host name was not found. Check OPENAI_BASE_URL."


async def test_a_server_without_tls_behind_https_names_the_setting(upstream):
    model = client(upstream.base_url.replace("http:", "https:"))
    upstream.behave(HangUp())
    error = await failure(model)
    await model.close()
    assert isinstance(error, ModelUnreachable)
    assert "Check OPENAI_BASE_URL" in error.message


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


async def test_a_refused_temperature_is_told_and_not_dropped(upstream, model):
    upstream.behave(Status(400, {"error": {"message": "Unsupported value: 'temperature'", "param": "temperature"}}))
    error = await failure(model)
    assert error.message == "The model's server refused the request: Unsupported value: 'temperature'"
    assert len(upstream.asked) == 1


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


async def test_cancelling_in_the_wait_before_another_try_asks_no_more(upstream):
    model = client(upstream.base_url, pauses_s=(60, 60))
    upstream.behave(Status(503))
    task = asyncio.create_task(answer(model))
    await upstream.question(within_s=5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)
    assert len(upstream.asked) == 1
    await model.close()


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
