"""A folder of documents that can be searched."""

import asyncio
from pathlib import Path

import pytest

from underpin.errors import ConfigError
from underpin.knowledge.library import EXAMPLES, Library
from underpin.knowledge.shipped import read_folder


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


async def test_the_shipped_documents_are_found() -> None:
    library = Library()
    await library.open()

    found = await library.search("plastic limit thread diameter", limit=3)

    assert found[0].passage.filename == "index-properties.md"
    assert 1 > found[0].score >= found[1].score > 0
    assert len(await library.topics()) == len(read_folder(EXAMPLES)) == 8


async def test_file_ids_come_from_names_alone(tmp_path: Path) -> None:
    before = read_folder(write(tmp_path, a_md="one", b_txt="two"))
    after = read_folder(write(tmp_path, a_md="changed", c_md="new"))

    assert [document.name for document in after] == ["a.md", "b.txt", "c.md"]
    assert [document.file_id for document in after[:2]] == [document.file_id for document in before]
    assert after[0].file_id.startswith("file-")
    assert len({document.file_id for document in after}) == 3


async def test_pages_about_the_folder_and_other_formats_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, ABOUT_md="x", README_md="x", a_pdf="x", b_MD="x")

    assert [document.name for document in read_folder(tmp_path)] == ["b.MD"]


async def test_bytes_that_are_not_utf_8_do_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"# \xff\xfe\n\nclay \xff here")
    write(tmp_path, good_md="sand here")

    library = Library(tmp_path)

    assert [hit.passage.filename for hit in await library.search("clay")] == ["bad.md"]
    assert [hit.passage.filename for hit in await library.search("sand")] == ["good.md"]


async def test_an_empty_folder_finds_nothing(tmp_path: Path) -> None:
    library = Library(tmp_path)

    assert await library.search("clay") == []
    assert await library.topics() == []
    assert (await library.quotes("clay", [])).unknown == ("clay",)


async def test_a_missing_folder_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere is missing"):
        await Library(tmp_path / "nowhere").open()


async def test_the_first_questions_may_come_all_at_once(tmp_path: Path) -> None:
    library = Library(write(tmp_path, a_md="# A\n\nClay is soft."))

    answers = await asyncio.gather(*(library.search("clay") for _ in range(20)))

    assert all(answer == answers[0] and len(answer) == 1 for answer in answers)
