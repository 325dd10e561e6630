"""The file_search tool."""

import json
from pathlib import Path
from typing import Any

import pytest

from underpin.knowledge.library import Library
from underpin.store.base import Scope
from underpin.tools.base import ToolContext
from underpin.tools.file_search import MAX_PASSAGES, FileSearch

CONTEXT = ToolContext(Scope("someone"), "run_1", "thread_1")


@pytest.fixture
def tool(tmp_path: Path) -> FileSearch:
    (tmp_path / "a.md").write_text(
        "# Soil\n\n## Clay\n\nClay is sticky. It settles.\n\n## Sand\n\nSand drains.", encoding="utf-8"
    )
    (tmp_path / "b.md").write_text("# Rock\n\nGranite is hard.", encoding="utf-8")
    return FileSearch(Library(tmp_path))


async def asked(tool: FileSearch, **arguments: object) -> dict[str, Any]:
    return json.loads((await tool.run(json.dumps(arguments), CONTEXT)).output)


async def test_passages_come_with_what_a_model_needs_to_cite_them(tool: FileSearch) -> None:
    (passage,) = (await asked(tool, query="Is clay sticky?"))["passages"]

    assert passage == {
        "marker": "【0:0†a.md】",
        "file_id": passage["file_id"],
        "filename": "a.md",
        "heading": "Soil › Clay",
        "text": "Clay is sticky. It settles.",
        "score": passage["score"],
    }
    assert passage["file_id"].startswith("file-")
    assert 0 < passage["score"] < 1


async def test_the_run_step_gets_options_and_results_as_openai_gave_them(tool: FileSearch) -> None:
    details = (await tool.run('{"query": "soil"}', CONTEXT)).details

    assert details["ranking_options"] == {"ranker": "auto", "score_threshold": 0.0}
    results = details["results"]
    assert isinstance(results, list)
    assert [set(result) for result in results if isinstance(result, dict)] == [{"file_id", "file_name", "score"}] * 2


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
    assert len((await asked(FileSearch(Library()), query="soil clay sand test"))["passages"]) == MAX_PASSAGES


async def test_nothing_found_is_no_error(tool: FileSearch) -> None:
    assert await asked(tool, query="xyzzy") == {"query": "xyzzy", "passages": []}


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
