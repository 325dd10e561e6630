from pathlib import Path

import pytest

from tests.unit.parsing.made import DOCUMENTS, R, office, parsed
from underpin.parsing.base import Unparsable

DECK = parsed(DOCUMENTS / "ground.pptx")
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'


def page(number: int) -> str:
    ends = [*DECK.pages[1:], len(DECK.text)]
    return DECK.text[DECK.pages[number - 1] : ends[number - 1]].strip()


def test_a_slide_is_a_page_with_its_title_levels_and_notes() -> None:
    assert page(1) == (
        "# Harbour Road: the ground\n\n- Sand over stiff clay\n  - brown, rounded grains\n- Water at 2.4 m\n- σ′ = σ − u\n\n"
        "Notes: Say that the wells were read twice."
    )


def test_a_slides_table_keeps_its_rows() -> None:
    assert (
        page(2)
        == "# Sieve analysis\n\n| Sieve (mm) | Passing (%) |\n| --- | --- |\n| 4.75 | 100 |\n| 0.425 | 62 |\n| 0.075 | 11 |"
    )


def test_a_text_box_without_a_title_is_text() -> None:
    assert page(3) == "Two more borings are next."
    assert len(DECK.pages) == 3


def test_more_slides_than_the_limit_are_refused() -> None:
    with pytest.raises(Unparsable, match="3 pages; at most 2"):
        parsed(DOCUMENTS / "ground.pptx", pages=2)


def test_slides_that_are_not_there_are_no_text(tmp_path: Path) -> None:
    main = f'<p:presentation {P} {R}><p:sldIdLst><p:sldId r:id="gone"/></p:sldIdLst></p:presentation>'
    with pytest.raises(Unparsable, match="its slides are pictures, or blank"):
        parsed(office(tmp_path / "a.pptx", "ppt/presentation.xml", {"ppt/presentation.xml": main}))
