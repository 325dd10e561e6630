"""A test collection: documents, questions, and which documents answer which question how well; and what a ranking is worth by it.

Three JSON files in the form of the Cranfield collection: documents (`id`, `title`, `body`), questions (`query`, in order), and
judgements (`query_num` counts the questions from 1, `id`, `position`: 1 for a complete answer to 4 for one of minimum interest).
"""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DEPTH = 10
"""Of nDCG."""
REACH = 20
"""Of recall."""


@dataclass(frozen=True)
class Document:
    id: str
    title: str
    body: str

    @property
    def text(self) -> str:
        """As the file that is uploaded: its title, an empty line, its text."""
        return f"{self.title}\n\n{self.body}\n"


@dataclass(frozen=True)
class Collection:
    documents: tuple[Document, ...]
    questions: tuple[str, ...]
    gains: tuple[dict[str, int], ...]
    """For each question the documents that were judged to help, and how much."""


@dataclass(frozen=True)
class Worth:
    """Means over the questions."""

    ndcg: float
    recall: float


def read_collection(documents: Path, questions: Path, judgements: Path) -> Collection:
    """Questions without a judgement are left out, and documents without a word: a server refuses such files."""
    read = [json.loads(path.read_text("utf-8")) for path in (documents, questions, judgements)]
    there = [Document(str(one["id"]), one.get("title", "").strip(), one["body"].strip()) for one in read[0]]
    gains: dict[int, dict[str, int]] = defaultdict(dict)
    for one in read[2]:
        if (gain := 5 - int(one["position"])) > 0:
            gains[int(one["query_num"])][str(one["id"])] = gain
    asked = [(one["query"], gains[number]) for number, one in enumerate(read[1], 1) if gains[number]]
    return Collection(
        tuple(one for one in there if one.text.strip()),
        tuple(question for question, _ in asked),
        tuple(gain for _, gain in asked),
    )


def worth(rankings: Sequence[Sequence[str]], gains: Sequence[dict[str, int]]) -> Worth:
    """Of a ranking of documents for each question."""
    pairs = list(zip(rankings, gains, strict=True))
    return Worth(
        sum(_ndcg(ranking[:DEPTH], gain) for ranking, gain in pairs) / len(pairs),
        sum(len(set(ranking[:REACH]) & set(gain)) / len(gain) for ranking, gain in pairs) / len(pairs),
    )


def halves(rankings: Sequence[Sequence[str]], gains: Sequence[dict[str, int]]) -> tuple[Worth, Worth]:
    """Of the questions with odd numbers, and of those with even."""
    return worth(rankings[::2], gains[::2]), worth(rankings[1::2], gains[1::2])


def _ndcg(ranking: Sequence[str], gains: dict[str, int]) -> float:
    ideal = sorted(gains.values(), reverse=True)[:DEPTH]
    return _dcg([gains.get(document, 0) for document in ranking]) / _dcg(ideal)


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))
