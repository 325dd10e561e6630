"""When a model's server wants to be asked again."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_S = 86_400.0
"""Whoever says more means "not today": a header of any length must not come out as one."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the upstream asks to wait, at most a day, or None. A number or a date; OpenAI adds milliseconds."""
    for name, unit_s in (("Retry-After-Ms", 0.001), ("Retry-After", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return min(seconds, LONGEST_S)
    try:
        seconds = parsedate_to_datetime(headers.get("Retry-After", "")).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_S)
