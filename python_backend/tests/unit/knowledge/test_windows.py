"""Windows of a passage: whole, bounded, at sentence ends, even."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpin.knowledge.windows import cuts, windows

SENTENCES = " ".join(f"Sentence number {number} says little." for number in range(40))


def test_a_short_text_is_one_window() -> None:
    assert windows("Clay is soft.", 500) == ["Clay is soft."]


@pytest.mark.parametrize("text", ["", "  \n "])
def test_a_text_of_nothing_has_a_window_all_the_same(text: str) -> None:
    assert windows(text, 500) == [""]


def test_windows_end_where_sentences_do() -> None:
    found = windows(SENTENCES, 300)
    assert len(found) > 4
    assert all(window.startswith("Sentence") and window.endswith("little.") for window in found)


def test_windows_are_about_as_long_as_each_other() -> None:
    lengths = [len(window) for window in windows(SENTENCES + " The end.", 500)]
    assert len(lengths) == 3
    assert min(lengths) > 0.8 * max(lengths)


def test_a_table_is_cut_between_its_rows() -> None:
    rows = "\n".join(f"| {number} | sand | 1{number} |" for number in range(60))
    assert all(window.strip().startswith("|") and window.strip().endswith("|") for window in windows(rows, 200))


def test_each_window_says_under_which_heading_it_stands() -> None:
    found = windows(SENTENCES, 300, heading="Report >\n Settlement")
    assert all(window.startswith("Report > Settlement\nSentence") for window in found)
    assert max(map(len, found)) <= 300


def test_for_want_of_a_heading_a_title_goes_along() -> None:
    found = windows(f"Report on settlement\n\n{SENTENCES}", 300)
    assert found[0].startswith("Report on settlement\n\nSentence number 0")
    assert all(window.startswith("Report on settlement\nSentence") for window in found[1:])
    assert max(map(len, found)) <= 300


def test_the_first_of_many_lines_is_no_title() -> None:
    found = windows(f"Report on settlement\n{SENTENCES}", 300)
    assert [window.startswith("Report") for window in found] == [True] + [False] * (len(found) - 1)


def test_a_heading_that_is_longer_than_a_window_leaves_room_for_text() -> None:
    found = windows(SENTENCES, 300, heading="very long " * 100)
    assert max(map(len, found)) <= 300
    assert found[0].endswith("little.")


@given(st.text(alphabet="aB. \n。語", max_size=400), st.integers(10, 80))
def test_no_window_is_too_long_and_nothing_but_white_space_is_lost(text: str, most_chars: int) -> None:
    found = cuts(text, most_chars)
    assert all(0 <= end - start <= most_chars for start, end in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    kept = "".join(text[start:end] for start, end in found)
    assert "".join(kept.split()) == "".join(text.split())
