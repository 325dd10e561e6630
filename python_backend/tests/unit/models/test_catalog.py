import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import date

import pytest

from underpin.errors import ConfigError, ModelKeyRejected, ModelUnknown, ModelUnreachable
from underpin.models.base import Fact, ModelRequest
from underpin.models.catalog import Catalog
from underpin.models.openai_models import is_gone
from underpin.models.scripted import Scripted

TODAY = date(2026, 11, 23)


class Server:
    """A model's server as far as the catalog sees it."""

    searches = True

    def __init__(self, *names: str, failure: Exception | None = None, listed: bool = True) -> None:
        self.listed = names if listed else None
        self.failure = failure
        self.times_asked = 0
        self.closed = 0

    async def names(self, *, timeout_s: float, again: bool = False) -> tuple[str, ...] | None:
        self.times_asked += 1
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        return self.listed

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
        raise AssertionError("not asked here")
        yield []

    async def close(self) -> None:
        self.closed += 1


EMBEDDED = {"extractive": Scripted('say "extractive"'), "scripted": Scripted()}


def catalog(server: Server | None, **more) -> Catalog:
    return Catalog(server, **({"embedded": EMBEDDED, "today": lambda: TODAY} | more))


async def chosen(catalog: Catalog, name: str) -> str:
    """The name asked for, after a check that the right model is asked."""
    choice = await catalog.choose(name)
    assert choice.model is EMBEDDED.get(choice.name, catalog._upstream)
    return choice.name


@pytest.mark.parametrize("name", ["auto", "gpt-4o", "extractive", "anything"])
async def test_without_a_server_every_name_is_the_extractive_model(name):
    assert await chosen(catalog(None), name) == "extractive"


async def test_without_a_server_the_default_may_be_another_embedded_model():
    offline = catalog(None, default_model="scripted")
    assert [await chosen(offline, name) for name in ("auto", "gpt-4o", "extractive")] == ["scripted", "scripted", "extractive"]


def test_a_catalog_without_any_model_is_refused():
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        catalog(None, embedded={})


async def test_an_embedded_name_is_embedded_whatever_is_configured():
    server = Server("m")
    assert await chosen(catalog(server), "scripted") == "scripted"
    assert await chosen(catalog(server, default_model="scripted"), "auto") == "scripted"
    assert server.times_asked == 0


@pytest.mark.parametrize(
    ("more", "name", "asked"),
    [
        ({}, "auto", "gpt-5.4-mini"),
        ({"default_model": "gpt-5.4"}, "auto", "gpt-5.4"),
        ({}, "gpt-5.5", "gpt-5.5"),
        ({}, "my-fine-tune", "my-fine-tune"),
        ({}, "gpt-4o-mini", "gpt-4o-mini"),
        ({}, "gpt-4-turbo", "gpt-5.4-mini"),
        ({}, "gpt-4-0613", "gpt-5.4-mini"),
        ({"default_model": "gpt-5.4"}, "gpt-4", "gpt-5.4"),
        ({"aliases": {"gpt-4": "gpt-5.5"}}, "gpt-4", "gpt-5.5"),
        ({"aliases": {"gpt-4": "auto"}}, "gpt-4", "gpt-5.4-mini"),
        ({"aliases": {"gpt-4": "scripted"}}, "gpt-4", "scripted"),
        ({"aliases": {"old": "gpt-5.5"}, "default_model": "old"}, "auto", "gpt-5.5"),
        ({"today": lambda: date(2027, 1, 14)}, "gpt-4o-mini", "gpt-5.4-mini"),
    ],
)
async def test_at_openai_models_that_are_gone_fall_to_the_default(more, name, asked):
    server = Server()
    assert await chosen(catalog(server, at_openai=True, **more), name) == asked
    assert server.times_asked == 0, "OpenAI is not asked for its list"


@pytest.mark.parametrize("name", ["auto", "gpt-4", "o1"])
async def test_a_configured_model_that_is_gone_is_told_and_not_replaced(name):
    with pytest.raises(ModelUnknown, match=r"'gpt-4'.*OPENAI_MODEL.*MODEL_ALIASES"):
        await catalog(Server(), at_openai=True, default_model="gpt-4").choose(name)


@pytest.mark.parametrize(
    ("server", "more", "name", "asked"),
    [
        (Server("first", "second"), {}, "auto", "first"),
        (Server("text-embedding-x", "chat"), {}, "auto", "chat"),
        (Server("nomic-embed"), {}, "auto", "nomic-embed"),
        (Server("first", "second"), {}, "second", "second"),
        (Server("first", "second"), {}, "gpt-4o", "first"),
        (Server("first"), {"default_model": "unlisted"}, "auto", "unlisted"),
        (Server("first"), {"default_model": "unlisted"}, "unlisted", "unlisted"),
        (Server("first"), {"default_model": "unlisted"}, "gpt-4o", "unlisted"),
        (Server("first"), {"aliases": {"gpt-4o": "first"}}, "gpt-4o", "first"),
        (Server("gpt-4"), {}, "gpt-4", "gpt-4"),
        (Server("a", "models/gemini"), {}, "gemini", "gemini"),
        (Server("a", "llama3.2:latest"), {}, "llama3.2", "llama3.2"),
        (Server(listed=False), {}, "gpt-4o", "gpt-4o"),
        (Server(), {}, "gpt-4o", "gpt-4o"),
        (Server(failure=ModelUnreachable("away")), {}, "gpt-4o", "gpt-4o"),
    ],
)
async def test_at_other_servers_their_list_decides(server, more, name, asked):
    assert await chosen(catalog(server, **more), name) == asked


async def test_a_server_without_a_list_needs_a_configured_model():
    for server in (Server(listed=False), Server()):
        with pytest.raises(ModelUnknown, match="OPENAI_MODEL"):
            await catalog(server).choose("auto")


async def test_a_server_that_does_not_answer_is_an_error_that_every_waiter_gets_after_one_request():
    server = Server(failure=ModelUnreachable("away"))
    models = catalog(server)
    results = await asyncio.gather(*(models.choose("auto") for _ in range(5)), return_exceptions=True)
    assert {type(result) for result in results} == {ModelUnreachable}
    assert server.times_asked == 1


async def test_the_list_is_asked_for_once_by_many_and_kept_for_a_while():
    server = Server("m")
    models = catalog(server)
    assert {choice.name for choice in await asyncio.gather(*(models.choose("auto") for _ in range(20)))} == {"m"}
    await models.choose("other")
    assert server.times_asked == 1
    short = catalog(server, list_kept_s=0.0)
    await short.choose("auto")
    await short.choose("auto")
    assert server.times_asked == 3


async def test_one_who_goes_away_while_asking_does_not_take_the_list_from_the_others():
    server = Server("m")
    models = catalog(server)
    first, second = (asyncio.create_task(models.choose("auto")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).name == "m"


async def test_a_replaced_name_is_warned_of_once(caplog):
    models = catalog(Server(), at_openai=True)
    for _ in range(3):
        await models.choose("gpt-4")
    assert len(caplog.records) == 1
    assert "'gpt-4': 'gpt-5.4-mini' is asked instead" in caplog.text


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (None, None),
        (Server("m"), None),
        (Server(listed=False), None),
        (Server(failure=ModelUnreachable("away")), "away"),
        (Server(failure=ModelKeyRejected("bad key")), "bad key"),
    ],
)
async def test_the_check_says_why_no_answer_could_be_had(server, reason):
    models = catalog(server)
    assert await models.check() == reason
    assert await models.check() == reason
    assert server is None or server.times_asked == 1


async def test_closing_closes_every_model_once():
    server = Server()
    await catalog(server, embedded={"a": server}).close()
    assert server.closed == 1


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("gpt-4", True),
        ("gpt-4-1106-preview", True),
        ("gpt-3.5-turbo-0125", True),
        ("gpt-4o-2024-08-06", False),
        ("gpt-5", False),
        ("gpt-5.4-mini", False),
        ("gpt-6", False),
        ("", False),
    ],
)
def test_what_is_gone_today(name, gone):
    assert is_gone(name, TODAY) is gone


async def test_a_list_that_cannot_be_had_anew_is_better_old_than_not_at_all():
    server = Server("m")
    models = catalog(server, list_kept_s=0.0)
    assert await chosen(models, "auto") == "m"
    server.failure = ModelUnreachable("away")
    assert await chosen(models, "auto") == "m"
    assert await models.check() == "away"


async def test_a_probes_failure_is_none_yet_for_who_needs_the_list():
    server = Server("m", failure=ModelUnreachable("away"))
    models = catalog(server)
    assert await models.check() == "away"
    server.failure = None
    assert await chosen(models, "auto") == "m"


async def test_the_names_that_can_be_asked_for_begin_with_the_configured_one():
    found = catalog(Server("a", "b"), default_model="b", aliases={"gpt-4o": "b"})
    assert await found.names() == ("b", "a", "gpt-4o", "extractive", "scripted")
    assert await catalog(None).names() == ("extractive", "scripted")
    assert await catalog(Server(listed=False)).names() == ("extractive", "scripted")


async def test_a_list_that_cannot_be_had_is_an_error_and_not_a_shorter_list():
    with pytest.raises(ModelUnreachable):
        await catalog(Server(failure=ModelUnreachable("away"))).names()
