"""Short forms that documents introduce."""

import pytest

from underpin.knowledge.abbreviations import expand, learn
from underpin.knowledge.words import stems


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("The standard penetration test (SPT) is old.", "spt", "standard penetration test"),
        ("Unified Soil Classification System (USCS, ASTM D2487)", "usc", "unified soil classification system"),
        ("HTTP (hypertext transfer protocol) is one.", "http", "hypertext transfer protocol"),
        ("The plasticity index is PI = LL - PL.", "pi", "plasticity index"),
        ("the overconsolidation ratio is OCR = 2", "ocr", "overconsolidation ratio"),
    ],
)
def test_a_short_form_is_learned_where_a_text_spells_it_out(text: str, short: str, long: str) -> None:
    assert learn([text])[short] == tuple(stems(long))


@pytest.mark.parametrize("text", ["A cone (see below) is used.", "PI = 22 give GI = 7", "the soil (USA) is deep", "in kPa (MPa)"])
def test_other_brackets_teach_nothing(text: str) -> None:
    assert learn([text]) == {}


def test_a_short_form_with_two_meanings_is_left_alone() -> None:
    assert learn(["The cone test (CT) is old.", "The clay tile (CT) is new."]) == {}


def test_either_form_brings_the_other() -> None:
    known = learn(["The standard penetration test (SPT) is old."])

    assert set(expand(stems("SPT hammer"), known)) >= {"standard", "penetr", "test", "spt"}
    assert "spt" in expand(stems("a standard penetration test here"), known)
    assert "spt" not in expand(stems("a test of standard penetration"), known)


def test_greek_letters_go_by_their_names() -> None:
    assert set(expand(["φ′", "γ"], {})) == {"φ′", "γ", "phi", "gamma"}
