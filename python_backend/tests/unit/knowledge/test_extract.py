"""Markdown and plain text → blocks."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from underpin.knowledge.extract import blocks, plain

DOCUMENT = """---
title: not read
---
# Soil 🪨

First paragraph,
on *two* lines.

## Limits

The limits are these:

| Name | Value (%) |
| --- | ---: |
| liquid | 50 |
| a \\| b | **25** |

After the table.

### Steps

1. dig
2. look
   closely
   - under stones

```
a | b
```

Setext
------
Last.
"""


def test_every_block_knows_its_headings_and_where_it_stands() -> None:
    read = blocks(DOCUMENT)

    assert [(block.kind, block.text, block.heading) for block in read] == [
        ("paragraph", "First paragraph, on two lines.", ("Soil 🪨",)),
        ("paragraph", "The limits are these:", ("Soil 🪨", "Limits")),
        ("row", "Name: liquid; Value (%): 50", ("Soil 🪨", "Limits")),
        ("row", "Name: a | b; Value (%): 25", ("Soil 🪨", "Limits")),
        ("paragraph", "After the table.", ("Soil 🪨", "Limits")),
        ("item", "dig", ("Soil 🪨", "Limits", "Steps")),
        ("item", "look closely", ("Soil 🪨", "Limits", "Steps")),
        ("item", "under stones", ("Soil 🪨", "Limits", "Steps")),
        ("code", "a | b", ("Soil 🪨", "Limits", "Steps")),
        ("paragraph", "Last.", ("Soil 🪨", "Setext")),
    ]
    assert DOCUMENT[read[0].start : read[0].end] == "First paragraph,\non *two* lines."
    assert DOCUMENT[read[3].start : read[3].end] == "| a \\| b | **25** |"
    assert DOCUMENT[read[8].start : read[8].end] == "```\na | b\n```"


def test_rows_keep_their_header_and_what_introduces_the_table() -> None:
    first, second = (block for block in blocks(DOCUMENT) if block.kind == "row")

    assert DOCUMENT[first.start : first.end].startswith("| Name | Value (%) |\n")
    assert second.header == "| Name | Value (%) |\n| --- | ---: |"
    assert first.lead == second.lead == "The limits are these:"
    assert second.cells == (("Name", "a | b"), ("Value (%)", "25"))


def test_a_nested_item_is_introduced_by_the_item_above_it() -> None:
    assert [block.lead for block in blocks(DOCUMENT) if block.kind == "item"][-1] == "look closely"


def test_plain_text_has_titles_headings_and_aligned_tables() -> None:
    text = "Describing soil\n\nFirst.\n\nHAND TESTS\n\nSymbol   Strength\nML       none to low\nCH       high\n"

    read = blocks(text)

    assert [(block.text, block.heading) for block in read] == [
        ("First.", ("Describing soil",)),
        ("Symbol: ML; Strength: none to low", ("Describing soil", "HAND TESTS")),
        ("Symbol: CH; Strength: high", ("Describing soil", "HAND TESTS")),
    ]


def test_comments_are_not_text_and_move_nothing() -> None:
    text = "<!-- a\nnote -->\nReal text."

    (block,) = blocks(text)

    assert (block.text, text[block.start : block.end]) == ("Real text.", "Real text.")


def test_inline_marks_go_and_names_with_underscores_stay() -> None:
    assert plain('**bold** _it_ `q_c` and N_60_x [link](http://a.b "t") m<sup>2</sup> &lt; 2\\*3') == (
        "bold it q_c and N_60_x link m2 < 2*3"
    )


def test_windows_line_ends_read_like_others() -> None:
    text = "# A\r\n\r\nOne.\r\n\r\n| a | b |\r\n|---|---|\r\n| 1 | 2 |\r\n"

    assert [block.text for block in blocks(text)] == ["One.", "a: 1; b: 2"]


@given(st.text(alphabet=" \t\r\n#|-=*>`~1.aA:<!\\_[]()🪨"))
def test_any_text_can_be_read_and_offsets_stay_inside(text: str) -> None:
    read = blocks(text)

    assert all(0 <= block.start < block.end <= len(text) for block in read)
    assert all(before.start <= after.start for before, after in pairwise(read))


def test_a_text_of_one_line_is_not_all_title() -> None:
    assert [block.text for block in blocks("\nsand here\n")] == ["sand here"]
