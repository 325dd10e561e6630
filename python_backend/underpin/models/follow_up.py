"""Whether a question stands by itself, or is understood only with the one before it."""

import re

_REFERS_BACK = re.compile(
    r"^\W*(and|or|but|so|also|then|why|what about|how about)\b|\b(it|its|they|them|their|this|that|these|those|one|ones|same)\b",
    re.IGNORECASE,
)
_FEW_WORDS = 3


def refers_back(question: str) -> bool:
    """Of English questions; of others by their length only."""
    return len(question.split()) <= _FEW_WORDS or _REFERS_BACK.search(question) is not None
