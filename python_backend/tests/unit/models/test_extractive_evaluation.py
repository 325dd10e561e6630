"""The figures of docs/extractive.md: what the extractive model answers of questions that its ranking was not made with."""

import re
from pathlib import Path

import pytest

from tests.unit.models.evaluate_extractive import DEVELOPMENT, JUDGED, Figures, ask, evaluate, questions
from tests.unit.tools.library_shelves import LibraryShelves
from underpin.knowledge.library import EXAMPLES, Library
from underpin.knowledge.shipped import read_folder
from underpin.tools.file_search import FileSearch

PACKAGE = Path(__file__).resolve().parents[3] / "underpin"
REPORT = PACKAGE.parent.parent / "docs" / "extractive.md"


def reported(name: str) -> list[int]:
    lines = REPORT.read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(f"| `{name}`"))
    return [int(number) for number in re.findall(r"\b\d+\b", row)]


async def test_the_judged_questions_are_answered_and_declined_as_well_as_they_must_be() -> None:
    figures = await evaluate(JUDGED)

    print(f"{JUDGED.name}: {figures}")
    assert figures.hits >= 20
    assert figures.abstentions >= 12
    assert figures.hits_with_file == figures.hits


@pytest.mark.parametrize("path", [JUDGED, DEVELOPMENT])
async def test_the_report_has_the_figures_that_come_out(path: Path) -> None:
    figures = await evaluate(path)

    print(f"{path.name}: {figures}")
    assert reported(path.name) == [
        figures.hits,
        figures.answerable,
        figures.wrongly_abstained,
        figures.abstentions,
        figures.unanswerable,
    ]


def test_no_judged_question_is_a_development_question() -> None:
    judged, development = ({question["question"].casefold() for question in questions(path)} for path in (JUDGED, DEVELOPMENT))

    both = len(judged & development)  # only counted: the judged questions are not for reading
    assert both == 0


def test_no_rule_names_a_document_or_a_question() -> None:
    files = [path for room in ("knowledge", "tools", "models") for path in sorted((PACKAGE / room).glob("*.py"))]
    code = "".join(path.read_text(encoding="utf-8") for path in files).casefold()

    assert [document.name for document in read_folder(EXAMPLES) if Path(document.name).stem in code.replace("_", "-")] == []
    assert sum(question["question"].casefold() in code for question in questions(JUDGED)) == 0


BOREHOLE = """# BH-3

From 1.8 m to 4.6 m the borehole found medium dense silty sand (SM).

Soft clay lies below 4.6 m.
"""
ROOM = "The meeting room on the second floor is called Aurora. It seats twelve people. Bookings are made at the front desk.\n"
PUMP = """# Warranty

The pump has a warranty of 24 months. The filter is changed every 500 hours.

# Contact

Spare parts are sold by Miller in Graz.
"""

GROUND = """# 地盤

標準貫入試験のN値は12です。地下水位は深さ2.4mにあります。

粘土層は青灰色です。
"""


@pytest.mark.parametrize(
    ("document", "question", "answer"),
    [
        (BOREHOLE, "Which soil was found from 1.8 m to 4.6 m?", "silty sand"),
        (BOREHOLE, "What lies below 4.6 m?", "Soft clay"),
        (BOREHOLE, "How deep is the soft clay?", "4.6 m"),
        (BOREHOLE, "What is the undrained shear strength of the clay?", None),
        (BOREHOLE, "Who drilled the borehole?", None),
        (BOREHOLE, "Which soil lies above the sand?", None),
        (ROOM, "How many people does Aurora seat?", "twelve people"),
        (ROOM, "Which room is on the second floor?", "Aurora"),
        (ROOM, "Who cleans the meeting room?", None),
        (ROOM, "What is the wifi password?", None),
        (PUMP, "How long is the warranty of the pump?", "24 months"),
        (PUMP, "Which company sells spare parts?", "Miller"),
        (PUMP, "What is the price of the pump?", None),
        (PUMP, "Which motor drives the pump?", None),
        (GROUND, "標準貫入試験のN値はいくつですか？", "12です"),
        (GROUND, "地下水位はどこですか？", "2.4m"),
        (GROUND, "日本の首都はどこですか？", None),
    ],
)
async def test_one_short_document_is_answered_from(document: str, question: str, answer: str | None, tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text(document, encoding="utf-8")
    text, files = await ask(FileSearch(LibraryShelves(Library(tmp_path))), question)

    assert ("hold no answer" in text) == (answer is None)
    assert answer is None or answer in text
    assert bool(files) == (answer is not None)


@pytest.mark.parametrize(
    "nonsense", ["xyzzy plugh", "asdf qwer", "colourless green ideas dream furiously", "🪨🪨🪨", "1234567890"]
)
async def test_nonsense_is_not_answered(nonsense: str) -> None:
    text, files = await ask(FileSearch(LibraryShelves(Library())), nonsense)

    assert "hold no answer" in text
    assert files == []


def test_figures_read_as_a_sentence() -> None:
    assert str(Figures(25, 20, 19, 3, 15, 14)) == (
        "hits 20 of 25 (citing the expected document: 19; no answer where there was one: 3), abstentions 14 of 15"
    )
