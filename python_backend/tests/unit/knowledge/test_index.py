"""Words → passages, by FTS5."""

import sqlite3

import pytest

from underpin.errors import ConfigError
from underpin.knowledge import index as index_module
from underpin.knowledge.base import Passage
from underpin.knowledge.index import WordIndex, require_fts5


def passage(number: int, text: str, *heading: str) -> Passage:
    return Passage("file-1", "a.md", number, heading, text, 0, len(text))


PASSAGES = [
    passage(0, "Sand drains freely.", "Soil"),
    passage(1, "Clay is sticky. Clay settles slowly.", "Soil"),
    passage(2, "Nothing of the kind.", "Clay minerals"),
    passage(3, "The standard penetration test counts blows.", "Tests"),
]


@pytest.fixture
def index() -> WordIndex:
    return WordIndex(PASSAGES, {"spt": ("standard", "penetr", "test")})


def test_the_best_passage_comes_first_and_others_not_at_all(index: WordIndex) -> None:
    hits = index.search("How does sand drain?", 10)

    assert [place for place, _ in hits] == [0]
    assert hits[0][1] > 0


def test_headings_count(index: WordIndex) -> None:
    assert {place for place, _ in index.search("clay", 10)} == {1, 2}


def test_short_and_long_forms_find_each_other(index: WordIndex) -> None:
    assert [place for place, _ in index.search("SPT", 10)] == [3]


def test_the_limit_holds(index: WordIndex) -> None:
    assert len(index.search("soil clay sand test", 2)) == 2


@pytest.mark.parametrize(
    "question", ["", "the of is", "xyzzy", '"; DROP TABLE passages; --', "NEAR( AND OR *", "\0\0", "🪨 ′ ′′", "a" * 5000]
)
def test_no_question_breaks_the_search(index: WordIndex, question: str) -> None:
    assert index.search(question, 10) == []


def test_a_question_may_hold_every_word_there_is() -> None:
    words = [f"word{number}" for number in range(3000)]
    index = WordIndex([passage(0, " ".join(words))], {})

    assert len(index.search(" ".join(words), 10)) == 1


def test_rare_words_weigh_more_and_unknown_ones_most(index: WordIndex) -> None:
    assert index.rarity("xyzzy") == 1.0
    assert 1.0 > index.rarity("sand") > index.rarity("clay") > 0.0
    assert not index.knows("xyzzy")
    assert index.knows("sand")


def test_a_sqlite_without_fts5_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*_: object, **__: object) -> sqlite3.Connection:
        class Bare(sqlite3.Connection):
            def execute(self, *statement: object) -> sqlite3.Cursor:
                raise sqlite3.OperationalError("no such module: fts5")

        return Bare(":memory:")

    monkeypatch.setattr(index_module.sqlite3, "connect", without)

    with pytest.raises(ConfigError, match=r"no such module: fts5.*Use a Python whose SQLite has FTS5"):
        require_fts5()
