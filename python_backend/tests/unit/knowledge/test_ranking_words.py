"""From a question to an FTS5 expression, held against FTS5 itself."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpin.knowledge.ranking_words import MOST_TERMS, bm25, indexed, match, table

PASSAGES = [
    ("Classification", "Group A-7-6 is a clayey soil. A well-graded gravel is GW."),
    ("Settlement", "Consolidation of clays takes years; φ′ is 28°."),
    ("液性指数", "粘性土の液性指数は地盤の硬さを示す。"),
    ("Notes", "Group 6 has 7 members, A to G. Settlement is not discussed."),
    ("Name", "To be, or not to be: that is the question."),
]


@pytest.fixture
def index() -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(":memory:")
    database.execute(table("passages"))
    rows = [(row, indexed(heading), indexed(text)) for row, (heading, text) in enumerate(PASSAGES)]
    database.executemany("INSERT INTO passages (rowid, heading, text) VALUES (?, ?, ?)", rows)
    yield database
    database.close()


def found(index: sqlite3.Connection, question: str) -> list[int]:
    statement = f"SELECT rowid FROM passages WHERE passages MATCH ? ORDER BY {bm25('passages')}"
    return [row for (row,) in index.execute(statement, (match(question),))]


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("What is A-7-6?", [0]),
        ("graded gravels", [0]),
        ("How long does consolidation of a clay take?", [1]),
        ("φ′", [1]),
        ("硬さ", [2]),
        ("地盤のSPT", [2]),
        ("settlement", [1, 3]),
        ("What is to be?", [4]),
        ("permafrost", []),
    ],
)
def test_a_question_finds_what_it_names(index: sqlite3.Connection, question: str, rows: list[int]) -> None:
    got = found(index, question)
    assert got[: len(rows)] == rows
    assert question != "permafrost" or not got


def test_words_that_carry_nothing_are_asked_for_only_when_there_are_no_others() -> None:
    assert match("What is the settlement of it?") == '"settlement"'
    assert match("To be or not") == '"to" OR "be" OR "or" OR "not" OR "to be" OR "be or" OR "or not"'
    assert match("doesn't") == '"doesn\'t"'


@pytest.mark.parametrize("question", ["", "  ", "?!", "—"])
def test_a_question_without_words_is_no_expression(question: str) -> None:
    assert match(question) == ""


def test_a_pasted_page_is_cut() -> None:
    assert match(" ".join(f"word{number}" for number in range(10_000))).count(" OR ") < 2 * MOST_TERMS


def test_neighbours_are_a_phrase_with_the_stop_words_between_them() -> None:
    assert match("What is the angle of attack?") == '"angle" OR "attack" OR "angle of attack"'
    assert match("wings and the flow that is around them all, bodies") == '"wings" OR "flow" OR "bodies" OR "wings and the flow"'
    assert match("地盤の硬さ") == '"地 盤" OR "盤 の" OR "の 硬" OR "硬 さ"'


@given(question=st.text())
def test_no_question_is_a_syntax_error(question: str) -> None:
    database = sqlite3.connect(":memory:")
    database.execute(table("passages"))
    if expression := match(question):
        database.execute("SELECT rowid FROM passages WHERE passages MATCH ?", (expression,)).fetchall()
    database.close()
