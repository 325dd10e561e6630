"""OpenAI's models that are gone, or will be: the announced dates on which they stop to answer."""

import re
from datetime import date

AT_OPENAI = "gpt-5.4-mini"
"""Asked at OpenAI when nothing else is configured: small, current, and without an announced end."""

# From the docstrings of the openai package for Python, 3.54.0.
_GONE_FROM = {
    date(2026, 10, 23): ("gpt-3.5-turbo", "gpt-4", "gpt-4-turbo", "o1", "o3-mini", "gpt-4.1-nano"),
    date(2026, 12, 11): ("gpt-5", "gpt-5-mini", "gpt-5-nano", "o3"),
    date(2027, 1, 14): ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"),
    date(2027, 4, 1): ("gpt-5.1", "gpt-5.4-nano"),
}
_END = {name: day for day, names in _GONE_FROM.items() for name in names}
# `gpt-4-0613`, `gpt-4o-2024-08-06`, `gpt-4-1106-preview`: what a name points to does not outlive the name.
_SNAPSHOT = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{4})(?:-preview)?$")


def is_gone(name: str, today: date) -> bool:
    """Whether OpenAI has switched this model off; False for a name that is not on the list."""
    end = _END.get(_SNAPSHOT.sub("", name))
    return end is not None and end <= today
