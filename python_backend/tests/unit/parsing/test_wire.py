import json
from pathlib import Path

import pytest

from underpin.parsing import wire
from underpin.parsing.base import Parsed, Unparsable


def test_a_text_arrives_as_it_was_sent() -> None:
    head, body = wire.encode_text(Parsed("α\n🙂", (0, 2)), spent=True)
    assert wire.decode_reply(head, 100) == wire.Text(len(body), (0, 2), spent=True)
    assert body.decode() == "α\n🙂"


def test_a_refusal_arrives_as_it_was_sent_but_never_endless() -> None:
    refusal = wire.decode_reply(wire.encode_refusal(Unparsable("invalid_file", "x" * 5000), spent=False, fault="E"), 100)
    assert refusal == wire.Refusal("invalid_file", "x" * 1000, spent=False, fault="E")


def test_a_name_that_is_no_valid_unicode_arrives() -> None:
    line = wire.encode_request(Path("/data/\udcff.pdf"), "a\nb\udcff.pdf")
    assert line.count(b"\n") == 1
    assert wire.decode_request(line) == (Path("/data/\udcff.pdf"), "a\nb\udcff.pdf")


@pytest.mark.parametrize(
    "said",
    [
        {"size": 101, "pages": [], "spent": False},
        {"size": 0, "pages": [], "spent": False},
        {"size": -1, "pages": [], "spent": False},
        {"size": 5, "pages": [3, 2], "spent": False},
        {"size": 5, "pages": [-1], "spent": False},
        {"size": 5, "pages": ["1"], "spent": False},
        {"size": 5, "pages": [True], "spent": False},
        {"size": 5, "pages": []},
        {"code": "root", "message": "m", "spent": False, "fault": ""},
        {"code": "invalid_file", "message": 5, "spent": False, "fault": ""},
        {},
        [],
        None,
    ],
)
def test_what_is_no_reply_is_not_believed(said: object) -> None:
    with pytest.raises(wire.Garbled):
        wire.decode_reply(json.dumps(said).encode(), 100)


@pytest.mark.parametrize("line", [b"", b"\xff\xfe", b"{", b"ready\n", b'{"size": 1e400}', b"[" * 5000])
def test_what_is_no_json_is_not_believed(line: bytes) -> None:
    with pytest.raises(wire.Garbled):
        wire.decode_reply(line, 100)
