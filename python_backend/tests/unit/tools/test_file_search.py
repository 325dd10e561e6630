"""The file_search tool."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tools.library_shelves import LibraryShelves
from underpin.knowledge.library import Library
from underpin.store.base import Scope
from underpin.tools.base import ToolContext
from underpin.tools.file_search import MOST_CHARACTERS_BEFORE_ANSWER, RESULTS, RESULTS_BEFORE_ANSWER, FileSearch, marker

CONTEXT = ToolContext(Scope("someone"), "run_1", "thread_1", vector_stores=("vs_a", "vs_b"))


@pytest.fixture
def shelves(tmp_path: Path) -> LibraryShelves:
    (tmp_path / "a.md").write_text(
        "# Soil\n\n## Clay\n\nClay is sticky. It settles.\n\n## Sand\n\nSand drains.", encoding="utf-8"
    )
    (tmp_path / "b.md").write_text("# Rock\n\nGranite is hard.", encoding="utf-8")
    return LibraryShelves(Library(tmp_path))


@pytest.fixture
def tool(shelves: LibraryShelves) -> FileSearch:
    return FileSearch(shelves)


def given(**options: object) -> ToolContext:
    """The context of a run whose tool is defined with these options."""
    return replace(CONTEXT, definitions={"file_search": {"type": "file_search", "file_search": options}})


async def asked(tool: FileSearch, **arguments: object) -> dict[str, Any]:
    return json.loads((await tool.run(json.dumps(arguments), CONTEXT)).output)


async def test_passages_come_with_what_a_model_needs_to_cite_them(tool: FileSearch) -> None:
    (passage,) = (await asked(tool, query="Is clay sticky?"))["passages"]

    assert passage == {
        "marker": "【0:0†a.md】",
        "filename": "a.md",
        "heading": "Soil › Clay",
        "text": "Clay is sticky. It settles.",
    }


async def test_what_is_kept_of_a_search_leads_to_its_passages(tool: FileSearch) -> None:
    result = await tool.run('{"query": "Is clay sticky?"}', replace(CONTEXT, ordinal=3))
    (kept,) = result.details["results"]

    assert kept == {
        "file_id": kept["file_id"],
        "file_name": "a.md",
        "score": kept["score"],
        "content": [{"type": "text", "text": "Clay is sticky. It settles."}],
        "marker": "【3:0†a.md】",
        "chunk": 0,
        "page": None,
        "heading": "Soil › Clay",
    }
    assert kept["file_id"].startswith("file-")
    assert 0 < kept["score"] < 1
    assert json.loads(result.output)["passages"][0]["marker"] == kept["marker"]


async def test_the_runs_vector_stores_are_searched_as_its_owner(tool: FileSearch, shelves: LibraryShelves) -> None:
    await asked(tool, query="clay")

    assert shelves.asked == [("someone", ["vs_a", "vs_b"], "clay", RESULTS, 0.0)]


async def test_the_tools_own_options_count(tool: FileSearch, shelves: LibraryShelves) -> None:
    options = given(max_num_results=1, ranking_options={"ranker": "default_2024_08_21", "score_threshold": 0.0})
    result = await tool.run('{"query": "soil"}', options)
    nothing = await tool.run('{"query": "soil"}', given(ranking_options={"score_threshold": 1.0}))

    assert len(result.details["results"]) == 1
    assert result.details["ranking_options"] == {"ranker": "default_2024_08_21", "score_threshold": 0.0}
    assert nothing.details == {"ranking_options": {"ranker": "auto", "score_threshold": 1.0}, "results": []}
    assert [(limit, threshold) for *_, limit, threshold in shelves.asked] == [(1, 0.0), (RESULTS, 1.0)]


async def test_a_search_before_the_answer_brings_little_and_looks_back_only_where_it_must(shelves: LibraryShelves) -> None:
    first = replace(given(max_num_results=50), before_answer=True)
    for query in ("Is clay sticky in the winter?", "And sand?"):
        await FileSearch(shelves).run(json.dumps({"query": query, "context": "What is soil?"}), first)

    assert [(query, limit) for _, _, query, limit, _ in shelves.asked] == [
        ("Is clay sticky in the winter?", RESULTS_BEFORE_ANSWER),
        ("And sand? What is soil?", RESULTS_BEFORE_ANSWER),
    ]
    result = await FileSearch(LibraryShelves(Library())).run('{"query": "soil clay sand test"}', first)
    assert 0 < sum(len(one["content"][0]["text"]) for one in result.details["results"]) <= MOST_CHARACTERS_BEFORE_ANSWER


async def test_passages_that_there_is_no_room_for_are_left_out(shelves: LibraryShelves) -> None:
    passages = (await asked(FileSearch(shelves, most_characters=30), query="soil"))["passages"]

    assert len(passages) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.md", "【0:0†a.md】"),
        ("a【b】[c]†d.md", "【0:0†a(b)(c)+d.md】"),
        ("a\nb\tc", "【0:0†abc】"),
        ("x" * 200, f"【0:0†{'x' * 80}】"),
    ],
)
def test_a_marker_can_be_told_from_the_text_around_it(name: str, said: str) -> None:
    assert marker(0, 0, name) == said


async def test_the_run_step_gets_options_and_results_as_openai_gave_them(tool: FileSearch) -> None:
    details = (await tool.run('{"query": "soil"}', CONTEXT)).details

    assert details["ranking_options"] == {"ranker": "auto", "score_threshold": 0.0}
    results = details["results"]
    assert isinstance(results, list)
    assert len(results) == 2


async def test_passages_of_one_file_have_markers_of_their_own(tool: FileSearch) -> None:
    passages = (await asked(tool, query="soil"))["passages"]

    assert len({passage["marker"] for passage in passages}) == len(passages) == 2


async def test_quotes_come_only_where_they_are_asked_for(tool: FileSearch) -> None:
    without = await asked(tool, query="Is clay sticky, or granite, or basalt?")
    output = await asked(tool, query="Is clay sticky, or granite, or basalt?", quotes=2)

    assert set(without) == {"query", "passages"}
    assert len(output["quotes"]) == 2
    assert output["unknown"] == ["basalt"]
    assert output["topics"] == ["Soil", "Rock"]
    first = output["quotes"][0]
    assert output["passages"][first["passage"]]["text"].startswith(first["text"])


async def test_what_was_talked_about_before_is_searched_too(tool: FileSearch) -> None:
    output = await asked(tool, query="and when?", context="Does sand drain?")

    assert [passage["heading"] for passage in output["passages"]] == ["Soil › Sand"]


async def test_no_more_passages_than_a_prompt_should_hold() -> None:
    tool = FileSearch(LibraryShelves(Library()), most_characters=10_000)
    passages = (await asked(tool, query="soil clay sand test"))["passages"]

    assert 1 < len(passages) < RESULTS
    assert sum(len(passage["text"]) for passage in passages) <= 10_000


async def test_nothing_found_is_no_error(tool: FileSearch) -> None:
    assert await asked(tool, query="xyzzy") == {"query": "xyzzy", "passages": []}


async def test_where_nothing_was_found_files_that_are_still_being_read_are_told(
    tool: FileSearch, shelves: LibraryShelves
) -> None:
    shelves.still_read = 2
    assert (await asked(tool, query="xyzzy"))["being_read"] == 2
    assert "being_read" not in await asked(tool, query="clay")


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "{",
        "[]",
        "null",
        '"clay"',
        "{}",
        '{"query": 3}',
        '{"query": "  "}',
        '{"query": "a", "quotes": -1}',
        '{"query": "\ud800"}',
        '{"query": "\\ud800"}',
        "[" * 100_000,
    ],
)
async def test_arguments_that_a_model_got_wrong_become_an_output_that_says_so(tool: FileSearch, arguments: str) -> None:
    result = await tool.run(arguments, CONTEXT)

    assert set(json.loads(result.output)) == {"error"}
    assert result.details["results"] == []


async def test_more_arguments_than_there_are_do_no_harm(tool: FileSearch) -> None:
    assert (await asked(tool, query="clay", max_results=3, filters=None))["passages"]


async def test_a_very_long_query_is_cut(tool: FileSearch) -> None:
    assert len((await asked(tool, query="clay " * 100_000))["query"]) == 4096
