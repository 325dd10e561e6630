import pytest

from underpin.parsing import markdown


def test_a_table_is_a_header_a_rule_and_rows() -> None:
    assert markdown.table([["a", "b"], ["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_marks_of_tables_in_cells_do_not_part_them() -> None:
    assert markdown.table([["a|b", "c\nd"], ["1", "2"]]).startswith("| a\\|b | c d |")


def test_empty_rows_and_columns_are_left_out_and_short_rows_filled() -> None:
    assert markdown.table([["a", "", "b"], ["", "", ""], ["1"]]) == "| a | b |\n| --- | --- |\n| 1 |  |"


def test_one_column_is_lines_of_text() -> None:
    assert markdown.table([["a", ""], ["b", ""]]) == "a\n\nb"


@pytest.mark.parametrize(("level", "line"), [(0, "# A b"), (2, "## A b"), (9, "###### A b")])
def test_a_heading_is_one_line_of_a_level_that_markdown_has(level: int, line: str) -> None:
    assert markdown.heading(level, " A\n b ") == line


def test_items_show_their_depth_and_number() -> None:
    assert [markdown.item("x"), markdown.item("x", 2), markdown.item("x", 1, 3), markdown.item(" ")] == [
        "- x",
        "    - x",
        "  3. x",
        "",
    ]
