"""Blocks → passages."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from underpin.knowledge.base import Document
from underpin.knowledge.chunk import MAX_PASSAGE_CHARS, passages
from underpin.knowledge.library import EXAMPLES
from underpin.knowledge.shipped import read_folder


def document(text: str) -> Document:
    return Document("file-1", "a.md", text)


def test_a_section_that_fits_is_one_passage_and_its_offsets_open_it() -> None:
    text = "# A 🪨\n\nOne 𝛾.\n\nTwo.\n\n# B\n\nThree."

    first, second = passages(document(text))

    assert (first.text, first.heading) == ("One 𝛾.\n\nTwo.", ("A 🪨",))
    assert text[first.start : first.end] == first.text
    assert (second.number, text[second.start : second.end]) == (1, "Three.")


def test_a_long_table_is_cut_between_rows_and_begins_again_with_its_header() -> None:
    rows = "\n".join(f"| {number} | {'x' * 20} |" for number in range(30))
    text = f"# T\n\nValues are given here.\n\n| n | v |\n| --- | --- |\n{rows}\n"

    first, *others = passages(document(text), max_chars=400)

    assert first.text.startswith("Values are given here.\n\n| n | v |")
    assert len(others) > 1
    for passage in others:
        assert passage.text.startswith("Values are given here.\n\n| n | v |\n| --- | --- |\n| ")
        assert passage.text.endswith(text[passage.start : passage.end])
    assert [line for passage in [first, *others] for line in passage.text.split("\n") if "xx" in line] == rows.split("\n")


def test_a_sentence_that_introduces_a_table_goes_with_the_table() -> None:
    text = f"# T\n\n{'Long. ' * 60}\n\nHere it is:\n\n| n |\n| --- |\n| {'x' * 60} |\n"

    first, second = passages(document(text), max_chars=400)

    assert "Here it is" not in first.text
    assert second.text.startswith("Here it is:")


def test_text_without_any_end_is_cut_by_size() -> None:
    cut = passages(document("x" * 3000), max_chars=1000)

    assert "".join(passage.text for passage in cut) == "x" * 3000
    assert max(len(passage.text) for passage in cut) <= 1000


def test_every_word_of_the_shipped_documents_is_in_a_passage_and_offsets_are_true() -> None:
    for shipped in read_folder(EXAMPLES):
        cut = passages(shipped)
        assert all(passage.text.endswith(shipped.text[passage.start : passage.end]) for passage in cut)
        assert all(passage.end - passage.start <= MAX_PASSAGE_CHARS for passage in cut)
        assert all(before.end <= after.start for before, after in pairwise(cut))
        held = " ".join([*(shipped.text[passage.start : passage.end] for passage in cut), *(" ".join(p.heading) for p in cut)])
        missing = set(shipped.text.split()) - set(held.split()) - {"#", "##"}
        assert not {word for word in missing if word.strip("|-=") != ""}


@given(st.lists(st.sampled_from(["# H\n", "word. ", "\n\n", "| a | b |\n", "| - | - |\n", "- item\n", "🪨" * 50, "```\n"])))
def test_passages_keep_order_and_size_whatever_the_text(parts: list[str]) -> None:
    text = "".join(parts)

    cut = passages(document(text), max_chars=100)

    assert all(before.end <= after.start for before, after in pairwise(cut))
    assert all(passage.text.endswith(text[passage.start : passage.end]) for passage in cut)
