"""What a question asks."""

import pytest

from underpin.knowledge.question import Question, read
from underpin.knowledge.question import rarity as word_rarity
from underpin.knowledge.words import stem

DOCUMENTS_HAVE = {"hammer", "mass", "sand", "limit", "liquid"}


def rarity(word: str) -> float:
    return 0.5 if word in DOCUMENTS_HAVE else 1.0


def asked(text: str, context: str = "") -> Question:
    return read(text, context, rarity)


def weights(text: str) -> dict[str, float]:
    return {term.said: term.weight for term in asked(text).terms}


def test_rare_words_weigh_most_words_of_questions_little_and_stop_words_nothing() -> None:
    found = weights("What is the usual mass of basalt?")

    assert set(found) == {"usual", "mass", "basalt"}
    assert found["basalt"] > found["mass"] > found["usual"]


def test_an_unknown_verb_weighs_less_than_an_unknown_noun() -> None:
    found = weights("bentonite transported")

    assert found["transported"] < found["bentonite"]


def test_an_unknown_word_that_says_how_much_is_asked_for_weighs_less() -> None:
    assert weights("How deep is the basalt?")["deep"] < weights("Is the basalt deep?")["deep"]


def test_an_unknown_kind_of_thing_weighs_less_where_there_are_few_passages() -> None:
    (few, _), (many, _) = (read("Which rock is basalt?", "", rarity, passages=count).terms for count in (2, 1000))

    assert few.said == many.said == "rock"
    assert few.weight < many.weight


def test_a_word_is_not_common_because_it_stands_in_all_of_a_few_passages() -> None:
    assert word_rarity(1, 1) > 0.6
    assert word_rarity(3, 3) > 0.4
    assert word_rarity(1000, 1000) < 0.01
    assert word_rarity(0, 1) == word_rarity(0, 1000) == 1


def test_how_heavy_asks_for_a_mass_too() -> None:
    (heavy, _) = asked("How heavy is the hammer?").terms

    assert "mass" in heavy.any


def test_words_that_mean_the_same_are_accepted_beside_the_word_itself() -> None:
    (term,) = asked("moisture").terms

    assert stem("water") in term.likes
    assert stem("water") not in term.forms


@pytest.mark.parametrize(
    ("question", "has", "lacks"),
    [
        ("How many blows are needed?", "It takes 50 blows.", "It takes some blows."),
        ("How many men does it take?", "It takes Twelve men.", "It takes often men."),
        ("How heavy is it?", "It has a mass of 63.5 kg.", "It falls 760 mm."),
        ("How deep is it?", "Depth (m): 1.5", "It has 3 parts."),
        ("How hot is the oven?", "It is kept at 110 ± 5 °C.", "It takes 5 minutes."),
        ("Who found it?", "It was found by Casagrande.", "It was found by chance."),
        ("Who gave the factor?", "Skempton (1951) gives it.", "The factor is 5."),
        ("In what year was it made?", "It was made in 1943.", "It was made of 200 parts."),
        ("What percentage passes?", "35 % passes.", "Some passes."),
    ],
)
def test_the_form_of_a_question_says_what_every_answer_holds(question: str, has: str, lacks: str) -> None:
    kind = asked(question).kind_of_answer

    assert kind is not None
    assert kind.search(has)
    assert not kind.search(lacks)


def test_other_questions_take_any_answer() -> None:
    assert asked("What is clay?").kind_of_answer is None


def test_what_was_said_before_is_kept_apart_and_never_twice() -> None:
    question = asked("And for sand?", "What is the liquid limit of sand?")

    assert [term.said for term in question.terms] == ["sand"]
    assert [term.said for term in question.context] == ["liquid", "limit"]
