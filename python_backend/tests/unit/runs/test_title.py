"""Titles of chats: one line, at most sixty characters, whatever the model does."""

import pytest

from underpin.models.base import Choice, Model, ModelRequest
from underpin.models.scripted import Scripted
from underpin.runs import title as title_module
from underpin.runs.title import FALLBACK, MOST_CHARACTERS, title_for


class Only:
    """One model under every name."""

    def __init__(self, model: Model) -> None:
        self.model = model

    async def choose(self, name: str) -> Choice:
        return Choice(self.model, name)

    async def check(self) -> str | None:
        return None

    async def close(self) -> None:
        """Nothing is held."""


def writing(script: str) -> Only:
    model = Scripted(script)
    model.writes = True
    return Only(model)


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Soil types", "Soil types"),
        ('\\n\\n \\"Soil types.\\" \\nBecause of the question.', "Soil types"),
        ("**Soil types**", "Soil types"),
        ("# Soil types", "Soil types"),
        ("Bodenarten nach DIN 4022 und ihre Eigenschaften im Überblick für den Grundbau", None),
        ("汉" * 80, None),
    ],
)
async def test_the_model_writes_it_and_it_is_tidied(said: str, title: str | None) -> None:
    written = await title_for(writing(f'say "{said}"'), "What are the soil types?", "m")
    assert "\n" not in written
    assert 0 < len(written) <= MOST_CHARACTERS
    if title is not None:
        assert written == title
    else:
        assert written.endswith("…")


@pytest.mark.parametrize("script", ["fail key", "words 2\nfail broken", 'say " \\n "', 'say "***"'])
async def test_the_first_words_stand_in_where_it_cannot(script: str) -> None:
    assert await title_for(writing(script), "  What are\n the soil types?", "m") == "What are the soil types?"


async def test_a_model_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(title_module, "WAIT_S", 0.05)
    assert await title_for(writing("hang"), "Clay?", "m") == "Clay?"


async def test_long_messages_are_cut_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    title = await title_for(writing("fail key"), "shear strength of clay " * 20, "m")
    assert len(title) <= MOST_CHARACTERS
    assert title.removesuffix("…").rstrip().split()[-1] in ("shear", "strength", "of", "clay")


async def test_a_message_without_words_has_a_title_too() -> None:
    assert await title_for(writing("fail key"), " \n ", "m") == FALLBACK


async def test_the_model_reads_the_message_and_not_more_than_it_needs() -> None:
    asked: list[ModelRequest] = []

    class Listening(Scripted):
        writes = True

        def stream(self, request: ModelRequest):
            asked.append(request)
            return super().stream(request)

    await title_for(Only(Listening('say "x"')), "a" * 10_000, "m")
    assert asked[0].messages[1].text == "a" * 2000
    assert asked[0].max_completion_tokens is not None
