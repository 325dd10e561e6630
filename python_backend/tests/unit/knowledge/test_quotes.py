"""Passages → quotes."""

from pathlib import Path

import pytest

from underpin.knowledge.base import Evidence
from underpin.knowledge.library import Library

TEXT = """# Tests

## Hammer

The hammer has a mass of 60 kg. It falls 700 mm. Others differ.

## Strength of soil

| Soil | Strength (kPa) |
| --- | --- |
| Dense sand | over 300 |
| Medium dense sand | 100 to 300 |
| Loose sand | under 100 |

| Blows in clay | State |
| --- | --- |
| under 5 | soft |
| 5 to 15 | firm |
| over 15 | hard |

## Old things

The wheel was made by Anna Smith in 1905. The wheel turns.
"""


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "tests.md").write_text(TEXT, encoding="utf-8")
    return Library(tmp_path)


async def evidence(library: Library, question: str, context: str = "") -> Evidence:
    found = await library.search(f"{question} {context}")
    return await library.quotes(question, found, context=context)


async def best(library: Library, question: str, context: str = "") -> str:
    return (await evidence(library, question, context)).quotes[0].text


async def test_the_sentence_that_has_the_words_comes_first(library: Library) -> None:
    assert await best(library, "How heavy is the hammer?") == "The hammer has a mass of 60 kg."


async def test_words_that_stand_side_by_side_as_in_the_question_count_for_more(tmp_path: Path) -> None:
    text = "# Soil types\n\nThe soil behaviour types are nine.\n\nThe soil types are sand and clay.\n"
    (tmp_path / "types.md").write_text(text, encoding="utf-8")
    first, second, *_ = (await evidence(Library(tmp_path), "What are the soil types?")).quotes
    assert first.text == "The soil types are sand and clay."
    assert second.score < 0.95 * first.score


async def test_a_sentence_that_leans_on_the_one_before_brings_it_along(library: Library) -> None:
    assert await best(library, "How far does the hammer fall?") == "The hammer has a mass of 60 kg. It falls 700 mm."


async def test_the_next_sentence_is_known(library: Library) -> None:
    (quote, *_) = (await evidence(library, "Who made the wheel?")).quotes

    assert (quote.text, quote.after) == ("The wheel was made by Anna Smith in 1905.", "The wheel turns.")


async def test_a_row_is_quoted_with_the_names_of_its_columns(library: Library) -> None:
    (quote, *_) = (await evidence(library, "strength of loose sand")).quotes

    assert (quote.text, quote.is_row) == ("Soil: Loose sand; Strength (kPa): under 100", True)


async def test_a_row_about_something_narrower_comes_later(library: Library) -> None:
    assert await best(library, "What strength has dense sand?") == "Soil: Dense sand; Strength (kPa): over 300"


@pytest.mark.parametrize(("blows", "state"), [("3", "soft"), ("12", "firm"), ("40", "hard")])
async def test_a_number_is_found_in_the_range_that_holds_it(library: Library, blows: str, state: str) -> None:
    assert (await best(library, f"What state has clay with {blows} blows?")).endswith(f"State: {state}")


async def test_a_quote_without_what_is_asked_for_does_not_fit(library: Library) -> None:
    quotes = (await evidence(library, "In what year was the hammer made?")).quotes

    assert {quote.fits for quote in quotes if "hammer" in quote.text} == {False}


async def test_words_that_no_document_has_are_named(library: Library) -> None:
    assert (await evidence(library, "What strength has basalt?")).unknown == ("basalt",)
    assert (await evidence(library, "What is the typical strength of sand?")).unknown == ()


async def test_a_question_whose_words_stand_apart_scores_low(library: Library) -> None:
    near = (await evidence(library, "hammer mass")).quotes[0].score
    far = (await evidence(library, "hammer strength wheel")).quotes[0].score

    assert near > 0.9
    assert far < 0.6


async def test_what_was_said_before_chooses_among_quotes(library: Library) -> None:
    assert "Loose sand" in await best(library, "And for loose sand?", context="What strength has dense sand?")


async def test_nothing_found_gives_no_quotes(library: Library) -> None:
    assert (await evidence(library, "xyzzy")).quotes == ()
