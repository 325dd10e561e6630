"""The sentence that a claim rests on, as it stands in the passage."""

import pytest

from underpin.runs.quoted import MOST_OF_A_PASSAGE, MOST_OF_A_SENTENCE, quote_of

PASSAGE = """## Clay

Clay is a fine soil. Its liquid limit is 63 %, see Fig. 4 of the report. It swells.

| soil | limit |
| --- | --- |
| silt | 30 |
"""


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("The liquid limit is 63 %.", "Its liquid limit is 63 %, see Fig. 4 of the report."),
        ("A FINE soil", "Clay is a fine soil."),
        ("For silt it is 30", "| silt | 30 |"),
    ],
)
def test_the_sentence_or_row_that_shares_most_words(claim: str, quote: str) -> None:
    assert quote_of(PASSAGE, claim) == quote
    assert quote in PASSAGE


@pytest.mark.parametrize("claim", ["", "🪨", "wholly unrelated words"])
def test_the_passages_beginning_where_no_word_is_shared(claim: str) -> None:
    quote = quote_of("Sand. " * 100, claim)
    assert 0 < len(quote) <= MOST_OF_A_PASSAGE
    assert ("Sand. " * 100).startswith(quote)


def test_scripts_without_spaces_are_compared_by_their_characters() -> None:
    assert quote_of("砂は水を通す。粘土は細かい土である。岩は硬い。", "粘土は細かい") == "粘土は細かい土である。"


@pytest.mark.parametrize("passage", ["clay " * 200, "clay" * 200])
def test_a_long_sentence_is_cut_at_a_word_where_there_is_one(passage: str) -> None:
    quote = quote_of(passage, "clay")
    assert 0 < len(quote) <= MOST_OF_A_SENTENCE
    assert passage.startswith(quote)
    assert quote.endswith("clay")


def test_a_passage_without_text_gives_an_empty_quote() -> None:
    assert quote_of("", "clay") == quote_of(" \n ", "clay") == ""
