"""Which of a question's words are looked for in a large store, and what documents know of words."""

import sqlite3

import pytest

from underpin.knowledge.ranking_words import match
from underpin.knowledge.store_index_folder import SCHEMA
from underpin.knowledge.store_index_words import Words, affordable, together
from underpin.knowledge.words import stem


@pytest.fixture
def counted() -> sqlite3.Connection:
    """Of 1,000 passages that were looked at."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    connection.execute("UPDATE state SET stemmed = 1000")
    held = {"report": 900, "clay": 100, "kaolin": 5, "bridge": 400}
    connection.executemany("INSERT INTO stems VALUES (?, ?)", [(stem(word), rows) for word, rows in held.items()])
    return connection


def test_in_a_store_that_is_not_large_every_word_is_looked_for(counted: sqlite3.Connection) -> None:
    asked = match("the report on kaolin clay")
    assert affordable(counted, asked, 5_000) == asked


def test_in_a_large_store_the_most_common_words_are_left_out(counted: sqlite3.Connection) -> None:
    asked = match("report kaolin")
    assert asked == '"report" OR "kaolin" OR "report kaolin"'
    assert affordable(counted, asked, 1_000_000) == '"kaolin" OR "report kaolin"'
    assert affordable(counted, match("report on bridge"), 1_000_000) in ('"bridge"', '"report on bridge"')


def test_a_word_that_nobody_counted_is_looked_for(counted: sqlite3.Connection) -> None:
    assert '"zircon"' in affordable(counted, match("report bridge zircon"), 1_000_000)


def test_the_expression_that_is_left_is_one_that_fts5_reads(counted: sqlite3.Connection) -> None:
    for question in ("report A-7-6 on clay's kaolin 3.5 bridge", "报告 桥梁 report", 'quoted "bridge" report'):
        asked = affordable(counted, match(question), 100_000_000)
        assert counted.execute("SELECT rowid FROM words WHERE words MATCH ?", (asked,)).fetchall() == []


def test_rarity_is_that_of_the_word_index() -> None:
    known = together([Words({"clay": 50, "kaolin": 1}, 50, []), Words({"clay": 50}, 50, [])])
    assert known.rarity("clay") == pytest.approx(0, abs=0.01)
    assert known.rarity("clay") < known.rarity("kaolin") < known.rarity("zircon") == 1
    assert known.knows("kaolin")
    assert not known.knows("zircon")


def test_a_short_form_of_two_things_in_two_stores_is_none() -> None:
    spt = ("spt", ("standard", "penetration", "test"))
    one, other = Words({}, 1, [spt, ("ll", ("liquid", "limit"))]), Words({}, 1, [("ll", ("lower", "level"))])
    assert together([one, other]).short_forms == dict([spt])
