"""Every fault of a model's server, streamed and not, through a running server; and what must hold after each of them."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.inside import Inside, Talk, Told, until
from tests.faults.upstream import Chat, Upstream
from tests.faults.upstream_faults import FAULTS, FIRST_BYTE_S, GAP_S, KEY, LEAKS, RETRY_AFTER_S, Fault

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {
    "openai_api_key": KEY,
    "openai_model": "m",
    "model_first_byte_timeout_s": FIRST_BYTE_S,
    "model_gap_timeout_s": GAP_S,
    "model_retry_after_s": RETRY_AFTER_S,
    "sweep_s": 0.5,
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Inside]:
    """It waits long enough for a refusal's status on the busiest machine. At the end no file that it wrote may hold the key."""
    data_dir = tmp_path_factory.mktemp("faults")
    async with Inside(data_dir, openai_base_url=upstream.base_url, refusal_wait_s=15, **SETTINGS) as server:
        await (await server.talk()).stream()
        server.remember_tasks()
        yield server
    kept = b"".join(path.read_bytes() for path in data_dir.rglob("*") if path.is_file())
    assert KEY.encode() not in kept


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def impatient(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Inside]:
    """A server whose streams begin before anything can have failed."""
    settings = SETTINGS | {"openai_base_url": upstream.base_url, "refusal_wait_s": 0.001}
    async with Inside(tmp_path_factory.mktemp("impatient"), **settings) as server:
        yield server


async def ask(talk: Talk, form: str) -> Told:
    return await (talk.stream() if form == "streamed" else talk.send())


async def suffer(server: Inside, upstream: Upstream, fault: Fault, form: str) -> tuple[Talk, Told]:
    """One message to a server with the fault."""
    talk = await server.talk()
    upstream.requests.clear()
    upstream.behave(*fault.behaviours)
    if not fault.behaviours:
        upstream.refuse()
    try:
        async with asyncio.timeout(30):
            return talk, await ask(talk, form)
    finally:
        if not fault.behaviours:
            await upstream.listen()


async def holds_after(fault: Fault, talk: Talk, told: Told, server: Inside, upstream: Upstream, log: str) -> None:
    """What every fault leaves: an ended run, a kept text, a free thread, nothing open, no secret anywhere."""
    answer = ("assistant", "completed" if fault.ends_well else "incomplete", fault.text)
    said = [("user", "completed", "What is clay?"), *([answer] if fault.text else [])]
    assert await talk.messages() == said
    assert await talk.active_run() is None
    assert len(upstream.asked) == fault.asked
    await until(lambda: not upstream.answering, lambda: "the upstream is still being read")
    upstream.behave(Chat("Free."))
    again = await talk.stream()
    assert (again.text, again.end.name) == ("Free.", "thread.run.completed")
    assert len(upstream.asked) == fault.asked + 1
    await until(lambda: len(upstream.open) <= 1, lambda: f"{len(upstream.open)} connections are open")
    await server.quiet()
    for text in (*server.said, log):
        assert not [leak for leak in LEAKS if leak in text]


@pytest.mark.parametrize("form", ["streamed", "not streamed"])
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_told_and_leaves_nothing_behind(server: Inside, upstream: Upstream, name, form, caplog):
    caplog.set_level(logging.DEBUG)
    for chatty in ("aiosqlite", "httpcore", "httpx"):
        caplog.set_level(logging.WARNING, chatty)
    fault = FAULTS[name]
    server.said.clear()
    talk, told = await suffer(server, upstream, fault, form)
    if fault.ends_well:
        assert (told.end.name, told.text) == ("thread.run.completed", fault.text)
        assert told.last_error is None
    else:
        assert (told.end.name, told.text) == ("thread.run.failed", fault.text)
        assert told.last_error is not None
        assert told.last_error["code"] == fault.code
        assert fault.says.format(port=upstream.port) in told.last_error["message"]
    assert told.response.status_code == (fault.status if form == "streamed" else 200)
    if told.response.status_code != 200:
        assert told.last_error is not None
        assert told.response.json() == {"detail": told.last_error["message"], "error": told.last_error["message"]}
        assert told.response.headers.get("retry-after") == fault.retry_after
    await holds_after(fault, talk, told, server, upstream, caplog.text)
    retries = [record for record in caplog.records if "Asking again in" in record.getMessage()]
    assert len(retries) == fault.retries
    assert "Traceback" not in caplog.text


SLOW = ("no first byte", "401 whose words never come")
"""Refusals that are not known before the stream has begun, however soon it begins."""
LATE = [name for name, fault in FAULTS.items() if fault.retries == 2 or name in SLOW]


@pytest.mark.parametrize("name", LATE)
async def test_a_refusal_after_the_stream_began_is_its_last_event(impatient: Inside, upstream: Upstream, name):
    fault = FAULTS[name]
    talk, told = await suffer(impatient, upstream, fault, "streamed")
    assert told.response.status_code == 200
    assert [event.name for event in told.events][:3] == ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
    assert told.end.name == "thread.run.failed"
    assert fault.says.format(port=upstream.port) in told.end.data["last_error"]["message"]
    upstream.behave(Chat("Free."))
    assert (await talk.stream()).text == "Free."


async def test_a_refusal_at_once_is_a_status_with_the_settings_as_they_are(upstream: Upstream, tmp_path):
    """At the defaults the status waits for 2 s, and two retries fit into them."""
    async with Inside(tmp_path, openai_api_key=KEY, openai_model="m", openai_base_url=upstream.base_url) as server:
        for name in ("401", "429 with Retry-After 600", "500 always"):
            _, told = await suffer(server, upstream, FAULTS[name], "streamed")
            assert told.response.status_code == FAULTS[name].status
