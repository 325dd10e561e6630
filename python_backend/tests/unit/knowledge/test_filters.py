from typing import get_args

import pytest

from underpin.knowledge.filters import Comparison, Compound, Operator, Value, admits

REPORT: dict[str, Value] = {"site": "Riverside", "year": 2024.0, "final": True}


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("eq", "site", "Riverside", True),
        ("eq", "site", "riverside", False),
        ("ne", "site", "Hillside", True),
        ("ne", "author", "Ann", True),
        ("eq", "year", 2024, True),
        ("gt", "year", 2023, True),
        ("gt", "year", 2024, False),
        ("gte", "year", 2024, True),
        ("lt", "year", 2024, False),
        ("lte", "year", 2024, True),
        ("lt", "site", "S", True),
        ("gt", "year", "2023", False),
        ("gt", "author", "A", False),
        ("eq", "final", True, True),
        ("eq", "final", 1, False),
        ("gt", "final", 0, False),
        ("in", "site", ("Hillside", "Riverside"), True),
        ("in", "site", ("Hillside",), False),
        ("nin", "site", ("Hillside",), True),
        ("nin", "author", ("Ann",), True),
        ("in", "site", (), False),
    ],
)
def test_a_comparison_admits_or_does_not(operator: Operator, key: str, value: Value | tuple[Value, ...], expected: bool) -> None:
    assert admits(Comparison(operator, key, value), REPORT) is expected


def test_and_wants_all_and_or_wants_one() -> None:
    right, wrong = Comparison("eq", "site", "Riverside"), Comparison("eq", "year", 1999)
    assert not admits(Compound("and", (right, wrong)), REPORT)
    assert admits(Compound("or", (wrong, right)), REPORT)
    assert admits(Compound("and", (Compound("or", (wrong, right)), right)), REPORT)


def test_every_operator_is_answered() -> None:
    for operator in get_args(Operator):
        value = ("x",) if operator in ("in", "nin") else "x"
        assert isinstance(admits(Comparison(operator, "site", value), REPORT), bool)
