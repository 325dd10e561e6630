"""Passages from several places, whose scores are not of one kind, as one list: by their ranks."""

from collections.abc import Sequence
from dataclasses import replace

from .base import Found, Passage

_K = 60
"""Of reciprocal rank fusion. Each passage is on one list only, so that it is the place there that decides."""


def by_rank(lists: Sequence[Sequence[Found]]) -> list[Found]:
    """The first of each list, then the second of each, the better score first; scores are lifted where they would rise again.

    The same passage (of a file that stands in several places) comes once.
    """
    lists = [hits for hits in lists if hits]
    if len(lists) == 1:
        return list(lists[0])
    placed = [(1 / (_K + place), hit) for hits in lists for place, hit in enumerate(hits)]
    placed.sort(key=lambda one: (one[0], one[1].score), reverse=True)
    first: dict[Passage, Found] = {}
    for _, hit in placed:
        first.setdefault(hit.passage, hit)
    order = list(first.values())
    least = 0.0
    for at in range(len(order) - 1, -1, -1):
        least = max(least, order[at].score)
        order[at] = replace(order[at], score=least)
    return order
