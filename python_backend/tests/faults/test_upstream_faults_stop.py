"""Stop and a message that takes over close the model's server's connection at once, whatever is being waited for.

Every deadline is far away here: what ends in time was ended by the stop.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.faults.inside import Inside, Talk, until
from tests.faults.unreachable import black_hole, deaf
from tests.faults.upstream import Behaviour, Chat, Silent, Status, Upstream
from tests.faults.upstream_faults import HALF, KEY, broken, raw

CLOSED_S = 4.0
"""The promise is one second; a busy machine gets four."""
FAR_S = 300


@dataclass
class Scene:
    """A server that waits for its model's server: `reached` returns when it does, `let_go` says whether it no longer does."""

    server: Inside
    reached: Callable[[], Awaitable[object]]
    let_go: Callable[[], bool]
    kept: str = ""
    answers: Callable[[], None] | None = None
    """Lets the model's server answer from now on; None where it never can."""


@dataclass(frozen=True)
class Stage:
    behaviour: Behaviour | None = None
    models: Behaviour | None = None
    """What GET /models does: then no model is configured, and the list is needed."""
    kept: str = ""
    waits_for_a_try: bool = False
    settings: dict[str, object] = field(default_factory=dict)


LATER = {"Retry-After": "60"}
STAGES = {
    "the first byte": Stage(Silent()),
    "the byte after the status": Stage(Silent(head=True)),
    "the words of a refusal": Stage(raw("HTTP/1.1 400 Bad", "Content-Length: 100", body="{", then="stall")),
    "another try": Stage(Status(429, headers=LATER), waits_for_a_try=True),
    "another try of a server that is away": Stage(Status(503, headers=LATER), waits_for_a_try=True),
    "the next word": Stage(broken(then="stall"), kept=HALF),
    "the end of a line": Stage(broken(b'data: {"cho', then="stall"), kept=HALF),
    "the list of models": Stage(models=Silent()),
    "the end of the list of models": Stage(models=raw("HTTP/1.1 200 OK", "Content-Length: 100", body="{", then="stall")),
    "another try of the list": Stage(models=Status(429, headers=LATER), waits_for_a_try=True),
}
NOWHERE = ["the connection", "TLS"]


@pytest.fixture
async def scene(request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        make = nowhere if request.param in NOWHERE else somewhere
        scene = await make(request.param, stack, tmp_path, caplog)
        scene.server.remember_tasks()
        yield scene
        await scene.server.quiet()


async def started(stack: AsyncExitStack, data_dir: Path, base_url: str, **settings: object) -> Inside:
    far = dict.fromkeys(
        ("model_connect_timeout_s", "model_first_byte_timeout_s", "model_gap_timeout_s", "model_retry_after_s"), FAR_S
    )
    settings = {"openai_model": "m", "model_list_timeout_s": FAR_S, "openai_api_key": KEY, **far, **settings}
    return await stack.enter_async_context(Inside(data_dir, openai_base_url=base_url, **settings))


async def somewhere(name: str, stack: AsyncExitStack, data_dir: Path, caplog: pytest.LogCaptureFixture) -> Scene:
    stage = STAGES[name]
    upstream = await stack.enter_async_context(Upstream(models=stage.models or ("m",)))
    server = await started(stack, data_dir, upstream.base_url, openai_model=None if stage.models else "m")
    if stage.behaviour is not None:
        upstream.behave(stage.behaviour)

    async def reached() -> None:
        if stage.waits_for_a_try:
            await until(lambda: "Asking again in" in caplog.text, lambda: "it did not want to ask again")
        else:
            await until(lambda: upstream.answering == 1, lambda: "nobody asked")

    def answers() -> None:
        upstream.models = ("m",)
        upstream.behave(Chat("Now."))

    def let_go() -> bool:
        # Where a refusal was read to its end, its connection may serve the next question.
        return not upstream.answering and len(upstream.open) <= stage.waits_for_a_try

    return Scene(server, reached, let_go, stage.kept, answers)


async def nowhere(name: str, stack: AsyncExitStack, data_dir: Path, caplog: pytest.LogCaptureFixture) -> Scene:
    if name == "TLS":
        silent = await stack.enter_async_context(deaf())
        server = await started(stack, data_dir, f"https://{silent.host}/v1")
        return Scene(server, silent.taken.acquire, lambda: not silent.open)
    hole = stack.enter_context(black_hole())
    server = await started(stack, data_dir, f"http://{hole.host}/v1")

    async def reached() -> None:
        await until(lambda: hole.connecting() == 1, lambda: "nobody wants to connect")

    return Scene(server, reached, lambda: hole.connecting() == 0)


async def hang(scene: Scene) -> tuple[Talk, str]:
    """A message whose run waits."""
    talk = await scene.server.talk()
    run_id = await talk.begin()
    await scene.reached()
    if scene.kept:
        await until_said(talk, run_id)
    return talk, run_id


async def until_said(talk: Talk, run_id: str) -> None:
    """Until a client has seen the first word."""
    async with httpx.AsyncClient(base_url=talk.http.base_url) as http, http.stream("GET", f"/chat/stream/{run_id}") as response:
        async for line in response.aiter_lines():
            if "thread.message.delta" in line:
                return


every_stage = pytest.mark.parametrize("scene", [*NOWHERE, *STAGES], indirect=True)


@every_stage
async def test_a_stop_lets_go_of_the_models_server(scene: Scene):
    talk, run_id = await hang(scene)
    async with asyncio.timeout(CLOSED_S):
        assert (await talk.stop()).json()["runId"] == run_id
        await until(scene.let_go, lambda: "the model's server is still connected")
    assert (await talk.follow(run_id))[-1].name == "thread.run.cancelled"
    answer = [("assistant", "incomplete", scene.kept)] if scene.kept else []
    assert await talk.messages() == [("user", "completed", "What is clay?"), *answer]
    assert await talk.active_run() is None


@every_stage
async def test_a_message_that_takes_over_lets_go_of_it_too(scene: Scene):
    talk, run_id = await hang(scene)
    if scene.answers:
        scene.answers()
    async with asyncio.timeout(CLOSED_S):
        second = await talk.begin("And now?")
        assert (await talk.follow(run_id))[-1].name == "thread.run.cancelled"
        if scene.answers is None:
            await scene.reached()
            await talk.stop()
            await until(scene.let_go, lambda: "the model's server is still connected")
    events = await talk.follow(second)
    assert events[-1].name == ("thread.run.completed" if scene.answers else "thread.run.cancelled")
    assert await talk.active_run() is None


async def test_a_flood_is_stopped_as_a_silence_is(tmp_path: Path):
    """A server that sends as fast as it can must not keep the stop from being heard."""
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream(Chat(*["word "] * 300_000)))
        server = await started(stack, tmp_path, upstream.base_url)
        talk = await server.talk()
        run_id = await talk.begin()
        await until_said(talk, run_id)
        async with asyncio.timeout(CLOSED_S):
            await talk.stop()
            await upstream.abandoned(within_s=CLOSED_S)
        assert (await talk.follow(run_id))[-1].name == "thread.run.cancelled"
        [_, (_, status, text)] = await talk.messages()
        assert status == "incomplete"
        assert set(text.split()) == {"word"}
