import pytest

from underpin.parsing.base import Parsed, Unparsable
from underpin.parsing.limits import Limits
from underpin.parsing.output import Output, clean


def test_pages_begin_where_their_first_block_begins() -> None:
    output = Output(Limits())
    for page in ("α one", "", "🙂 three"):
        output.begin_page()
        output.add(page)
    parsed = output.parsed(empty="nothing")
    assert parsed == Parsed("α one\n\n🙂 three", (0, 7, 7))
    assert parsed.text[parsed.pages[2] :] == "🙂 three"


def test_pages_without_text_at_the_end_begin_at_the_end() -> None:
    output = Output(Limits())
    output.begin_page()
    output.add("one")
    output.begin_page()
    output.begin_page()
    assert output.parsed(empty="nothing").pages == (0, 3, 3)


def test_too_much_text_is_refused_as_it_grows() -> None:
    output = Output(Limits(text_bytes=10))
    output.add("12345678")
    with pytest.raises(Unparsable, match="more than 1e-05 MB of text") as refused:
        output.add("1")
    assert refused.value.code == "invalid_file"


def test_bytes_are_counted_and_not_letters() -> None:
    with pytest.raises(Unparsable):
        Output(Limits(text_bytes=5)).add("äöü")


def test_no_text_is_the_sentence_that_was_asked_for() -> None:
    output = Output(Limits())
    output.add(" \n\x00")
    with pytest.raises(Unparsable, match="nothing here"):
        output.parsed(empty="nothing here")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("a\0b\x07c\x1b", "abc"),
        ("a\r\nb\rc\u2028d\x85e\x0cf", "a\nb\nc\nd\ne\nf"),
        ("\ud83d\ude00", "😀"),
        ("a\ud83db", "a\ufffdb"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_text_is_valid_unicode_without_controls(said: str, kept: str) -> None:
    assert clean(said) == kept
    kept.encode()
