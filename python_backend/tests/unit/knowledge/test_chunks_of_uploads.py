"""Uploaded texts → passages of the size that was chosen: all of the text, with its headings and pages."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from underpin.knowledge.base import Document, Passage
from underpin.knowledge.chunk import chunks, new_part
from underpin.tokens import tokens


def cut(text: str, most: int = 100, overlap: int = 50, pages: tuple[int, ...] = ()) -> list[Passage]:
    return list(chunks(Document("file-1", "a.md", text, pages), max_tokens=most, overlap_tokens=overlap))


def paragraph(name: str, words: int = 20) -> str:
    return " ".join(f"{name}{n}" for n in range(words)) + "."


def test_short_sections_stand_together_under_what_they_share() -> None:
    text = "# Soil\n\n## Clay\n\nSwells.\n\n## Sand\n\nDrains.\n\n# Rock\n\nHard."
    [only] = cut(text)
    assert (only.text, only.heading, only.number) == (text, (), 0)
    [soil] = cut(text[: text.index("# Rock")])
    assert soil.heading == ("Soil",)


def test_a_new_heading_begins_a_new_passage_when_half_is_full() -> None:
    text = f"# A\n\n{paragraph('a', 60)}\n\n# B\n\n{paragraph('b', 10)}"
    first, second = cut(text)
    assert (first.heading, second.heading) == (("A",), ("B",))
    assert second.text.startswith("# B\n\nb0")
    assert first.text.endswith("a59.")


def test_a_section_that_is_cut_repeats_its_end_and_a_new_section_repeats_nothing() -> None:
    text = "# A\n\n" + "\n\n".join(paragraph(name) for name in "abcdefgh") + "\n\n# B\n\n" + paragraph("z")
    found = cut(text)
    assert len(found) > 2
    inside = [one for one in found if one.heading == ("A",)]
    for before, after in pairwise(inside):
        assert before.start < after.start < before.end < after.end
        assert tokens(text[after.start : before.end]) <= 50
        assert new_part(after, before) == text[before.end : after.end]
    assert found[-1].text == "# B\n\n" + paragraph("z")
    assert new_part(found[0], None) == found[0].text
    assert [one.number for one in found] == list(range(len(found)))
    assert cut(text, overlap=0)[1].start >= cut(text, overlap=0)[0].end


def test_a_table_that_is_cut_begins_again_with_its_header() -> None:
    rows = "\n".join(f"| {number} | {'x' * 20} |" for number in range(60))
    text = f"# T\n\nValues:\n\n| n | v |\n| --- | --- |\n{rows}\n\nAfter."
    first, *others = cut(text, overlap=0)
    assert first.text.startswith("# T\n\nValues:\n\n| n | v |\n| --- | --- |\n| 0 |")
    assert len(others) > 2
    for passage in others:
        assert passage.text.startswith("| n | v |\n| --- | --- |\n| ")
        assert passage.text.endswith(text[passage.start : passage.end])
    lines = [line for passage in [first, *others] for line in passage.text.split("\n") if "xx" in line]
    assert lines == rows.split("\n")
    assert others[-1].text.endswith("After.")


def test_a_passage_names_the_page_on_which_it_begins() -> None:
    parts = [paragraph(name, 80) for name in "abc"]
    text = "\n\n".join(parts)
    pages = (0, len(parts[0]) + 2, len(parts[0]) + 2, len(parts[0]) + len(parts[1]) + 4)
    assert [passage.page for passage in cut(text, overlap=0, pages=pages)] == [1, 3, 4]
    assert cut(text)[0].page is None


def test_lines_that_are_underlined_or_stand_in_capitals_are_headings() -> None:
    text = "Title\n=====\n\nOne.\n\nPart\n----\n\nTwo.\n\nSITE GEOLOGY\n\nThree."
    headings = {one.text.split("\n")[-1]: one.heading for one in cut(text, most=1, overlap=0)}
    assert headings["One."] == ("Title",)
    assert headings["Two."] == ("Title", "Part")


def test_a_fence_of_code_is_no_heading() -> None:
    text = "# A\n\n```\n# no heading\n\nx = 1\n```\n\nAfter."
    assert [one.heading for one in cut(text)] == [("A",)]


def test_code_is_cut_at_its_lines() -> None:
    text = "\n".join(f"value_{number} = compute(first, second, {number})" for number in range(200))
    for passage in cut(text, overlap=0)[:-1]:
        assert passage.text.endswith(")\n")


@pytest.mark.parametrize("text", ["# Only", "# A\n\n## B", "x", "=", "|", "| a |\n| --- |", "```", "﻿x"])
def test_no_text_is_lost_however_little_it_is(text: str) -> None:
    assert "".join(one.text for one in cut(text)).strip() == text.strip()


TEXTS = st.lists(
    st.sampled_from(
        ["# A\n", "## B\n", "| a | b |\n", "| --- | --- |\n", "```\n", "word " * 30 + "\n", "\n", "- item\n", "===\n", "---\n",
         "粘土は膨らむ。" * 20 + "\n", "🪨" * 40, "CAPITALS\n", " ", "x" * 700, "\r\n", "\u2028", "<!--"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_passages_hold_all_of_the_text_once_in_its_order_within_their_size(text: str) -> None:
    found = cut(text, most=100, overlap=50)
    told, before = "", None
    for passage in found:
        assert passage.text.endswith(text[passage.start : passage.end])
        told += (
            new_part(passage, before) if before is not None and passage.start < before.end else text[passage.start : passage.end]
        )
        assert tokens(text[passage.start : passage.end].strip()) <= 125 + 1, "with a quarter for the headings above"
        assert before is None or before.end < passage.end
        before = passage
    assert "".join(told.split()) == "".join(text.split())


def test_headings_without_end_make_no_passage_without_end() -> None:
    found = cut("# a\n" * 10_000 + "\nText.", most=100, overlap=0)
    assert max(tokens(passage.text) for passage in found) <= 126
    assert found[-1].text.endswith("Text.")


HOSTILE = {
    "brackets": "[" * 2_000_000, "comments": "<!--" * 500_000, "stars": "*a " * 700_000, "dots": "." * 2_000_000,
    "one line": "word " * 400_000, "hashes": "# " * 1_000_000, "bars": "|" * 2_000_000, "rows": "|a|\n|-|\n" + "|b|\n" * 200_000,
    "lines": "a\n" * 1_000_000, "fences": "```\n" * 300_000, "no blanks": "x" * 2_000_000, "blanks": " " * 2_000_000 + "x",
    "headings": "# a\n" * 300_000, "wide": "🪨" * 700_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_takes_no_longer_than_its_size(name: str) -> None:
    began = time.process_time()
    found = cut(HOSTILE[name], most=800, overlap=400)
    assert found
    assert time.process_time() - began < 20, "two million characters, a quadratic step would take an hour"
