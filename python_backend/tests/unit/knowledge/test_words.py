"""Words as they are compared."""

import pytest

from underpin.knowledge.words import content, stem, stems, tokens


@pytest.mark.parametrize(
    "family",
    [
        "classify classification classified classifying",
        "settle settlement settles settled settling",
        "grade graded grading gradation",
        "saturate saturated saturation",
        "compress compressible compressibility compression",
        "plastic plasticity",
        "density dense densest",
        "silt silty",
        "clay clayey clays",
        "reduce reduction reduced",
        "colour color",
        "footing footings",
        "sink sank sunk",
        "0.5 0.50",
        "1,000 1000",
    ],
)
def test_the_forms_of_a_word_share_a_stem(family: str) -> None:
    assert len(set(map(stem, family.split()))) == 1


@pytest.mark.parametrize(
    "pair", ["foundation found", "footing foot", "weight weigh", "plastic plate", "cohesive cohesionless", "drained undrained"]
)
def test_different_words_keep_different_stems(pair: str) -> None:
    assert len(set(map(stem, pair.split()))) == 2


def test_compound_words_are_found_by_their_parts_and_classes_only_whole() -> None:
    assert tokens("well-graded A-7-6, A-line") == ["well", "graded", "a76", "aline", "line"]


def test_signs_become_words() -> None:
    assert stems("5 % or 5 per cent at 30°") == ["5", "percent", "or", "5", "percent", "at", "30", stem("degrees")]


def test_unicode_forms_of_one_word_are_the_same() -> None:
    assert tokens("kN/m³ ﬁne") == tokens("kN/m3 fine")


def test_content_leaves_out_words_that_mean_nothing() -> None:
    assert content("What is the liquid limit of it?") == ["liquid", "limit"]


def test_of_scripts_without_spaces_two_neighbours_are_a_word_and_particles_are_none() -> None:
    assert tokens("標準貫入のN値は12.5です。Größe 了") == ["標準", "準貫", "貫入", "入の", "n", "値は", "12.5", "größe", "了"]
    assert tokens("ตอก clay粘土clay") == ["ตอ", "อก", "clay", "粘土", "clay"]
    assert tokens("ですか") == []
