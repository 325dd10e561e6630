"""Markers in what a model writes become citations with exact places, however the text was cut; or they go."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from underpin.models.base import CitationDelta, Finish, TextDelta, ToolCallDelta
from underpin.runs.citations import Citations
from underpin.runs.loop import Answered, LoopFact, ToolsAnswered
from underpin.tools.base import ToolResult

NAMES = ("a.md", "粘土 рас.pdf", "report, final.pdf")


def search(ordinal: int, *names: str) -> dict[str, JsonValue]:
    """What is kept of a search that found a passage in each of these files."""
    return {
        "results": [
            {
                "file_id": f"file-{ordinal}{rank}",
                "file_name": name,
                "score": 0.5,
                "content": [{"type": "text", "text": f"Clay is fine soil. Sand number {rank} drains quickly. Rock is hard."}],
                "marker": f"【{ordinal}:{rank}†{name}】",
                "chunk": 10 * ordinal + rank,
                "page": rank + 1,
            }
            for rank, name in enumerate(names)
        ]
    }


SEARCHES = [search(0, *NAMES), search(1, "b.md")]


def transformed(pieces: Sequence[str], searches: Sequence[dict[str, JsonValue]] = SEARCHES) -> tuple[str, list[CitationDelta]]:
    """The text as stored, and its citations; each was told behind its marker."""
    citations, said, found = Citations(searches), "", []
    for batch in (*([TextDelta(piece)] for piece in pieces), [Finish("stop")], [Answered("stop")]):
        for fact in citations.batch(batch):
            if isinstance(fact, TextDelta):
                assert fact.text
                said += fact.text
            elif isinstance(fact, CitationDelta):
                assert said.endswith(fact.marker)
                assert said[fact.start_index : fact.end_index] == fact.marker
                found.append(fact)
    return said, found


def cited(text: str) -> tuple[str, list[str]]:
    said, found = transformed([text])
    return said, [one.file_id for one in found]


def test_a_citation_names_the_passage_and_the_sentence_that_the_claim_rests_on() -> None:
    said, [one] = transformed(["It rains. The sand number 1 drains 🪨 【0:1†粘土 рас.pdf】."])
    assert said == "It rains. The sand number 1 drains 🪨 【0:1†粘土 рас.pdf】."
    assert one == CitationDelta("【0:1†粘土 рас.pdf】", 37, 37 + 16, "file-01", "Sand number 1 drains quickly.", chunk=1, page=2)


@pytest.mark.parametrize(
    "written",
    [
        "【0:0†a.md】", "【0:0】", "【0:0†source】", "[0:0†x]", "[0:0]", "【 0 : 0 † a.md 】", "【0：0†a.md】", "【０：０†a.md】",
        "［0:0†a.md］", "【0:0‡a.md】", "【0†a.md】", "[0:0†a.md】",
    ],
)  # fmt: skip
def test_what_models_write_for_a_marker_becomes_the_one_form(written: str) -> None:
    assert cited(f"Clay {written} is.") == ("Clay 【0:0†a.md】 is.", ["file-00"])


@pytest.mark.parametrize(
    ("written", "said", "files"),
    [
        ("【0:0†a.md】【1:0†b.md】", "【0:0†a.md】【1:0†b.md】", ["file-00", "file-10"]),
        ("【0:0†a.md; 1:0†b.md】", "【0:0†a.md】【1:0†b.md】", ["file-00", "file-10"]),
        ("【0:0, 0:1, 7:7】", "【0:0†a.md】【0:1†粘土 рас.pdf】", ["file-00", "file-01"]),
        ("【0:2†report, final.pdf】", "【0:2†report, final.pdf】", ["file-02"]),
        ("【【0:0†a.md】", "【【0:0†a.md】", ["file-00"]),
        ("[[0:0†a.md]](x)", "[【0:0†a.md】](x)", ["file-00"]),
    ],
)
def test_several_at_once_and_brackets_around_them(written: str, said: str, files: list[str]) -> None:
    assert cited(f"x {written}") == (f"x {said}", files)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("fact 【4:0†a.md】.", "fact."),
        ("fact  【0:9†source】 and", "fact and"),
        ("fact 【†source】 and", "fact and"),
        ("fact [3:3†x], and", "fact, and"),
        ("fact 【12†source】【0:9】.", "fact."),
        ("【5:5】 fact", " fact"),
    ],
)
def test_what_was_not_retrieved_is_never_cited_and_its_marker_goes(written: str, said: str) -> None:
    assert cited(written) == (said, [])


def test_after_a_search_that_found_nothing_markers_go() -> None:
    assert transformed(["fact 【0:0†a.md】. a[0:1]"], [search(0)]) == ("fact. a[0:1]", [])
    assert transformed(["fact 【0:0†a.md】."], []) == ("fact 【0:0†a.md】.", [])


@pytest.mark.parametrize(
    "text",
    [
        "a[0:1] = b[0][1]", "[1] and [Table 3](x) [ ] [x] [1, 2, 3]", "at [12:30] o'clock", "【注意】 【2024】 【第1条】",
        "【0:0†a.md\n】 x", "【0:0†" + "x" * 300 + "】", "ends in 【", "ends in 【0:0†a.m", "ends in [0:", "spaces   ", "  ",
        "[0:0",
        "a 【 b",
        "]】［",
    ],
)  # fmt: skip
def test_text_that_is_no_marker_stays_as_it_is(text: str) -> None:
    assert cited(text) == (text, [])


def test_the_old_form_counts_only_where_it_can_mean_one_passage() -> None:
    one_search = [search(0, "a.md", "b.md")]
    assert [one.file_id for one in transformed(["x 【1†source】"], one_search)[1]] == ["file-01"]
    assert transformed(["x 【0†source】"])[0] == "x"
    assert [one.file_id for one in transformed(["x 【1†粘土 рас.pdf】"])[1]] == ["file-01"]


PIECES = st.sampled_from(
    [
        "【0:0†a.md】", "【0:1†粘土 рас.pdf】", "【0:1】", "[1:0†x]", "【4:0†source】", "【0:0, 1:0】", "[0:0]", "【", "】", "[",
        "]", "†", " ", "  ", "\n", "0:0", "é", "e\u0301", "👩🏽‍🚀", "שלום", "مرحبا", "\u200f", "汉字", "Clay is soft.", "a[1:2]",
        "[x](y)", "【注】", "12:",
    ]
)  # fmt: skip


@settings(max_examples=2500, deadline=None)
@given(st.lists(PIECES, max_size=14), st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_however_it_is_cut_the_answer_is_the_same(parts: list[str], sizes: list[int]) -> None:
    text = "".join(parts)
    cut, at = [], 0
    while at < len(text):
        size = sizes[len(cut) % len(sizes)]
        cut.append(text[at : at + size])
        at += size
    whole = transformed([text] if text else [])
    assert transformed(cut) == whole
    assert transformed(list(text)) == whole
    for citation in whole[1]:
        assert citation.file_id in {"file-00", "file-01", "file-02", "file-10"}


def test_ten_thousand_cuttings_are_quick() -> None:
    text = "Clay 粘土 【0:1†粘土 рас.pdf】 is 👩🏽‍🚀 [0:0]. Sand 【9:9†x】 drains 【1:0】."
    expected = transformed([text])
    began = time.perf_counter()
    for number in range(10_000):
        first, second = number % len(text), (number * 31) % len(text)
        low, high = sorted((first, second))
        assert transformed([piece for piece in (text[:low], text[low:high], text[high:]) if piece]) == expected
    assert time.perf_counter() - began < 30


def test_text_is_held_back_only_while_it_may_become_a_marker() -> None:
    citations = Citations(SEARCHES)

    def sent(text: str) -> str:
        return "".join(fact.text for fact in citations.batch([TextDelta(text)]) if isinstance(fact, TextDelta))

    assert [sent(text) for text in ("Clay 【0", ":0†", "a.md", "】 is", " [Tab", "le] [", "3", "]")] == [
        "Clay", "", "", " 【0:0†a.md】 is", " [Tab", "le]", "", " [3]",
    ]  # fmt: skip


def test_what_is_held_back_comes_before_a_call_and_places_count_from_the_next_message() -> None:
    citations = Citations(SEARCHES)
    call = ToolCallDelta(0, "call_1", "f", "{}")
    first = citations.batch([TextDelta("Let me look 【0:"), call])
    assert first == [TextDelta("Let me look"), TextDelta(" 【0:"), call]
    [_, marker, citation] = citations.batch([TextDelta("x 【0:0】")])
    assert isinstance(marker, TextDelta)
    assert isinstance(citation, CitationDelta)
    assert (citation.start_index, citation.end_index) == (2, 12)


def test_before_the_first_search_nothing_is_touched() -> None:
    citations = Citations()
    batch: list[LoopFact] = [TextDelta("x 【0:0†a.md】 "), CitationDelta("【1†source】", 0, 2, "file-x", "q")]
    assert citations.batch(batch) is batch
    assert citations.batch([ToolsAnswered({"call_1": ToolResult("{}", search(0, "a.md"))})])
    said = citations.batch([TextDelta("x 【0:0】"), CitationDelta("【1†source】", 0, 2, "file-x", "q")])
    assert [fact.file_id for fact in said if isinstance(fact, CitationDelta)] == ["file-00"]


def test_a_run_that_goes_on_after_tool_outputs_still_knows_its_searches() -> None:
    said, [one] = transformed(["x 【1:0】"], [search(0, "a.md"), search(1, "b.md")])
    assert (said, one.chunk, one.page) == ("x 【1:0†b.md】", 10, 1)


def test_text_without_brackets_costs_next_to_nothing() -> None:
    deltas: list[list[LoopFact]] = [[TextDelta(f" word{number}")] for number in range(20_000)]

    def cost(citations: Citations) -> float:
        began = time.perf_counter()
        for batch in deltas:
            citations.batch(batch)
        return (time.perf_counter() - began) / len(deltas)

    assert min(cost(Citations(SEARCHES)) for _ in range(3)) < 10e-6
    assert min(cost(Citations()) for _ in range(3)) < 3e-6
