"""Where sentences end."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpin.knowledge.sentences import spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two!  Three? ", ["One.", "Two!", "Three?"]),
        ("The limit is 4.75 mm (No. 4). It is old.", ["The limit is 4.75 mm (No. 4).", "It is old."]),
        ("See Fig. 3, e.g. Clay or approx. 5 m.", ["See Fig. 3, e.g. Clay or approx. 5 m."]),
        ("It is e = Vv/Vs. The porosity is n.", ["It is e = Vv/Vs.", "The porosity is n."]),
        ("It is deeper than B. The rest follows.", ["It is deeper than B.", "The rest follows."]),
        ("K. Terzaghi wrote it. Others did not.", ["K. Terzaghi wrote it.", "Others did not."]),
        ("He said “stop.” Then it stopped.", ["He said “stop.”", "Then it stopped."]),
        ("粘土は柔らかい。砂は硬い。", ["粘土は柔らかい。", "砂は硬い。"]),
        ("no end", ["no end"]),
        (" \n ", []),
    ],
)
def test_a_sentence_ends_where_a_reader_ends_it(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet="ab A.!? \n“”)。🪨1"))
def test_no_word_is_lost_and_none_comes_twice(text: str) -> None:
    found = spans(text)

    outside = set(range(len(text))) - {at for start, end in found for at in range(start, end)}
    assert all(text[at].isspace() for at in outside)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
