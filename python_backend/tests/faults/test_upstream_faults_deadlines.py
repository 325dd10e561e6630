"""Each wait for the model's server ends at its own setting, with a sentence that says which; and what an address may hide."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.inside import Inside, Told
from tests.faults.unreachable import black_hole, deaf
from tests.faults.upstream import Chat, Silent, Status, Upstream
from tests.faults.upstream_faults import HALF, KEY, broken, error

SECRET = "hunter2-canary-41c7"


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


async def told_by(data_dir: Path, base_url: str, **settings: Any) -> Told:
    """What one message comes to."""
    async with Inside(data_dir, openai_base_url=base_url, **{"openai_model": "m", "refusal_wait_s": 15, **settings}) as server:
        talk = await server.talk()
        told = await talk.stream()
        assert await talk.active_run() is None
        return told


async def test_a_connection_that_does_not_come_about_is_given_up(tmp_path):
    with black_hole() as hole:
        told = await told_by(tmp_path, f"http://{hole.host}/v1", model_connect_timeout_s=0.3)
        assert hole.connecting() == 0
    assert told.response.status_code == 502
    assert told.response.json()["error"] == (
        f"The model's server at {hole.host} could not be reached within 0.3 seconds. "
        "Check OPENAI_BASE_URL, and that the server runs."
    )


async def test_tls_that_does_not_come_about_is_given_up(tmp_path):
    async with deaf() as silent:
        told = await told_by(tmp_path, f"https://{silent.host}/v1", model_connect_timeout_s=0.3)
    assert f"at {silent.host} could not be reached within 0.3 seconds" in told.response.json()["error"]


async def test_a_list_of_models_that_does_not_come_names_the_setting_to_do_without(tmp_path, upstream):
    upstream.models = Silent()
    told = await told_by(tmp_path, upstream.base_url, openai_model=None, model_list_timeout_s=0.3)
    assert told.response.json()["error"] == (
        f"The model's server at 127.0.0.1:{upstream.port} did not list its models within 0.3 seconds. "
        "Set OPENAI_MODEL to the model to ask, or give it more time with MODEL_LIST_TIMEOUT_S."
    )


async def test_a_list_of_models_that_fails_once_is_asked_for_again(tmp_path, upstream):
    class Once:
        async def answer(self, connection: Any) -> None:
            upstream.models = ("first", "second")
            await Status(500).answer(connection)

    upstream.models = Once()
    assert (await told_by(tmp_path, upstream.base_url, openai_model=None)).text == "Hello there."
    assert [request.method for request in upstream.requests] == ["GET", "GET", "POST"]
    assert upstream.asked[0].json["model"] == "first"


class Dripping:
    """Comments for ever: a server that lives, and says nothing."""

    async def answer(self, connection: Any) -> None:
        await Chat(HALF, *[b": still here\n\n"] * 2000, rate=100, finish=None, usage=None, done=False).answer(connection)


async def test_a_run_that_takes_too_long_expires_and_keeps_what_was_said(tmp_path, upstream):
    upstream.behave(Dripping())
    async with Inside(tmp_path, openai_base_url=upstream.base_url, openai_model="m", run_timeout_s=0.5) as server:
        talk = await server.talk()
        told = await talk.stream()
        assert (told.end.name, told.text) == ("thread.run.expired", HALF)
        assert (await talk.messages())[1:] == [("assistant", "incomplete", HALF)]
        await upstream.abandoned(within_s=4)
        upstream.behave(Chat("Free."))
        assert (await talk.stream()).text == "Free."


async def test_a_server_that_falls_silent_is_left_after_the_gap(tmp_path, upstream):
    upstream.behave(broken(then="stall"))
    told = await told_by(tmp_path, upstream.base_url, model_gap_timeout_s=0.3)
    assert told.text == HALF
    assert told.end.data["last_error"]["message"].startswith(
        "The model's server stopped answering: nothing came for 0.3 seconds."
    )


ECHO = f"{SECRET} of anna at http://anna:{SECRET}@127.0.0.1/hidden-path?gateway={SECRET}-q"


@pytest.mark.parametrize(
    "behaviours",
    [
        (),
        (Silent(),),
        (Status(401, error(ECHO)),),
        (Status(403, error(f"no access: {ECHO}")),),
        (Status(404, error(ECHO)),),
        (Status(500, error(ECHO)),),
        (Chat(HALF, error(ECHO)),),
    ],
    ids=["refused", "silent", "401", "403", "404", "500", "mid-stream"],
)
async def test_an_address_is_told_without_its_credentials_path_and_query(tmp_path, upstream, behaviours, caplog):
    caplog.set_level("DEBUG", "underpin")
    host = f"127.0.0.1:{upstream.port}"
    base_url = f"http://anna:{SECRET}@{host}/hidden-path/v1?gateway={SECRET}-q"
    upstream.root = "/hidden-path/v1"
    upstream.behave(*behaviours)
    if not behaviours:
        upstream.refuse()
    settings = {"model_first_byte_timeout_s": 0.3, "openai_model": "m"}
    async with Inside(tmp_path, openai_base_url=base_url, **settings) as server:
        talk = await server.talk()
        told = await talk.stream()
        await server.http.get("/ready")
    assert told.last_error is not None
    if behaviours in ((), (Silent(),)):
        assert f"at {host} " in told.last_error["message"]
    assert all(request.path.startswith("/hidden-path/v1/") for request in upstream.requests)
    for text in (*server.said, caplog.text):
        assert not [leak for leak in (SECRET, "hidden-path", "anna", KEY) if leak in text]
