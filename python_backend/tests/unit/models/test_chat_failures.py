"""The client against a server that misbehaves. Its texts never hold the key; where nothing is reached they name the host."""

import pytest

from tests.faults.upstream import Chat, HangUp, Silent, Status
from tests.unit.models.chatting import KEY, client, failure
from underpin.errors import (
    ModelBroken,
    ModelKeyRejected,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelUnknown,
    ModelUnreachable,
)
from underpin.models.base import Fact, Finish, TextDelta

CLOSED = "The model's server closed the connection in the middle of the answer. Send the message again."
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
    "429": (Status(429, headers={"Retry-After": "600"}), ModelRateLimited, "in 10 minutes"),
    "a redirect": (Status(302, headers={"Location": "/v1/elsewhere"}), ModelUnreachable, "Check OPENAI_BASE_URL"),
    "no HTTP": (HangUp(say=b"220 mail ready\r\n\r\n"), ModelBroken, "is not a model's server: it does not speak HTTP"),
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
    assert f"at 127.0.0.1:{upstream.port} did not begin to answer within 0.05 seconds" in error.message
    await upstream.abandoned(within_s=1)
    assert len(upstream.asked) == 1
    await model.close()


async def test_a_server_that_falls_silent_is_left_and_the_text_kept(upstream):
    model = client(upstream.base_url, between_bytes_s=0.05)
    upstream.behave(Chat("a", finish=None, usage=None, done=False, then="stall"))
    said: list[Fact] = []
    error = await failure(model, said)
    assert said == [TextDelta("a")]
    assert error.message == (
        "The model's server stopped answering: nothing came for 0.05 seconds. What it had said is kept: send the message again."
    )
    await upstream.abandoned(within_s=1)
    await model.close()


async def test_a_host_name_that_does_not_exist_names_the_setting():
    model = client("http://no-such-host.invalid/v1")
    error = await failure(model)
    await model.close()
    assert error.message == (
        "The model's server at no-such-host.invalid could not be reached: its host name was not found. Check OPENAI_BASE_URL."
    )


async def test_a_server_without_tls_behind_https_names_the_setting(upstream):
    model = client(upstream.base_url.replace("http:", "https:"))
    upstream.behave(HangUp())
    error = await failure(model)
    await model.close()
    assert isinstance(error, ModelUnreachable)
    assert "Check OPENAI_BASE_URL" in error.message


async def test_a_refused_temperature_is_told_and_not_dropped(upstream, model):
    upstream.behave(Status(400, {"error": {"message": "Unsupported value: 'temperature'", "param": "temperature"}}))
    error = await failure(model)
    assert error.message == "The model's server refused the request: Unsupported value: 'temperature'"
    assert len(upstream.asked) == 1
