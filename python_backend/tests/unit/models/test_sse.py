import random
from itertools import pairwise

import pytest

from underpin.errors import ModelBroken
from underpin.models.sse import DataLines

STREAM = ': hello\r\n\r\nevent: x\ndata: {"a":"泥 🪨"}\r\n\r\ndata:{"b":2}\n\ndata: {"c":3}\ndata: [DONE]'.encode()
PAYLOADS = [' {"a":"泥 🪨"}', '{"b":2}', ' {"c":3}', " [DONE]"]


def read(*pieces: bytes) -> list[str]:
    lines = DataLines()
    found = [payload for piece in pieces for payload in lines.feed(piece)]
    return [payload.decode().rstrip("\r") for payload in found + lines.end()]


def test_a_stream_cut_anywhere_in_two_gives_the_same_payloads():
    for at in range(len(STREAM) + 1):
        assert read(STREAM[:at], STREAM[at:]) == PAYLOADS


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_in_pieces_of_any_size_gives_the_same_payloads(size):
    assert read(*(STREAM[at : at + size] for at in range(0, len(STREAM), size))) == PAYLOADS


def test_a_stream_cut_in_ten_thousand_ways_gives_the_same_payloads():
    dice = random.Random(3)
    for _ in range(10_000):
        marks = sorted({0, len(STREAM), *(dice.randrange(len(STREAM)) for _ in range(dice.randrange(1, 60)))})
        assert read(*(STREAM[begin:end] for begin, end in pairwise(marks))) == PAYLOADS


def test_a_payload_comes_with_the_read_that_ends_its_line():
    lines = DataLines()
    assert lines.feed(b'data: {"a"') == []
    assert lines.feed(b':1}\ndata: {"b"') == [b' {"a":1}']


def test_other_fields_and_comments_are_left_out():
    assert read(b"id: 7\nretry: 10\n: ping\ndataset: no\n\n") == []


def test_an_error_line_of_llama_cpp_is_a_payload():
    assert read(b'error: {"code":500}\n') == ['{"error": {"code":500}}']


@pytest.mark.parametrize("pieces", [[b"data: " + b"x" * 200], [b"data: ", *[b"x" * 20] * 10]])
def test_a_line_longer_than_the_limit_is_refused(pieces):
    lines = DataLines(max_line_bytes=100)
    with pytest.raises(ModelBroken, match="a line of more than"):
        list(map(lines.feed, pieces))


def test_many_short_lines_are_no_long_line():
    lines = DataLines(max_line_bytes=100)
    assert len(lines.feed(b"data: 1\n" * 100)) == 100
