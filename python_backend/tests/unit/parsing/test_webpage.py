from pathlib import Path

import pytest

from tests.unit.parsing.made import parsed
from underpin.parsing.base import Unparsable


def page(tmp_path: Path, html: str | bytes) -> str:
    (tmp_path / "a.html").write_bytes(html.encode() if isinstance(html, str) else html)
    return parsed(tmp_path / "a.html").text


def test_headings_paragraphs_and_lists_keep_their_form(tmp_path: Path) -> None:
    html = (
        "<html><head><title>no</title><style>p{}</style></head><body><h1>Ground &amp; water</h1><p>One\n line<br>more"
        "<p>Two <b>bold</b>er<ul><li>a<ul><li>b</li></ul></li><li><p>c</p></li></ul><ol><li>x<li>y</ol><p>after"
    )
    assert page(tmp_path, html) == ("# Ground & water\n\nOne line more\n\nTwo bolder\n\n- a\n  - b\n- c\n1. x\n2. y\n\nafter")


def test_tables_keep_rows_and_a_table_within_is_part_of_its_cell(tmp_path: Path) -> None:
    html = "<table><tr><th>a<th>b</tr><tr><td>1<td><table><tr><td>2</td><td>3</td></tr></table></td></tr></table>"
    assert page(tmp_path, html) == "| a | b |\n| --- | --- |\n| 1 | 2 3 |"


def test_scripts_and_comments_are_not_text(tmp_path: Path) -> None:
    html = "<p>a<script>if (1<2) {'</p>'}</script><!-- <p>no</p> --><noscript>no</noscript><template><p>no</p></template>b"
    assert page(tmp_path, html) == "ab"


def test_code_keeps_its_lines(tmp_path: Path) -> None:
    assert page(tmp_path, "<pre>\nx = 1\n  y &lt; 2\n</pre>") == "```\nx = 1\n  y < 2\n```"


def test_the_pages_own_encoding_counts_after_utf_8(tmp_path: Path) -> None:
    html = '<meta charset="iso-8859-7"><p>σ και τ'
    assert page(tmp_path, html.encode("iso-8859-7")) == page(tmp_path, html) == "σ και τ"


def test_an_unknown_encoding_is_no_error(tmp_path: Path) -> None:
    assert page(tmp_path, '<meta charset="klingon"><p>Böden'.encode("cp1252")) == "Böden"


@pytest.mark.parametrize("html", ["<!--", '<p title="', "<script>", "<", "</", "<p", "<!DOCTYPE"])
def test_what_begins_and_never_ends_takes_no_time(tmp_path: Path, html: str) -> None:
    text = page(tmp_path, "<p>before</p>" + html * 300_000)
    assert text.startswith("before")


def test_a_page_without_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="made by a script"):
        page(tmp_path, "<html><body><div id=root></div><script>x</script></body></html>")
