"""Asking again: only before the first token, only what may pass by itself, and never for longer than a person waits."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from ..errors import ModelError, ModelRateLimited, ToolsRefused

PAUSES_S = (0.25, 0.75)
"""Before the second and the third try: a refusal still comes within the two seconds in which it can be an HTTP status."""

_PASSING_STATUSES = {500, 502, 503, 504, 529}

_log = logging.getLogger("underpin.models")
T = TypeVar("T")


class NotReached(Exception):
    """No answer began. `reason` is for the log; `again` says whether asking once more may help."""

    def __init__(self, error: ModelError, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.error = error
        self.reason = reason
        self.again = again


def may_pass(status: int, error: ModelError) -> bool:
    """Whether a refusal may be gone in a moment: a broken server's may, a limit's when the server said how long it lasts."""
    if isinstance(error, ModelRateLimited):
        return error.retry_after_s is not None
    return status in _PASSING_STATUSES and not isinstance(error, ToolsRefused)


@dataclass(frozen=True)
class Patience:
    """How often to ask again: after each of `pauses_s`, in seconds, or later where the server names a time, as long as that is
    at most `longest_retry_after_s`."""

    pauses_s: tuple[float, ...] = PAUSES_S
    longest_retry_after_s: float = 5.0

    async def ask(self, once: Callable[[], Awaitable[T]], address: str) -> T:
        """What `once` returns, asked at most len(pauses_s) + 1 times. Raises the ModelError of the NotReached it raised last."""
        for number, pause_s in enumerate((*self.pauses_s, None), start=1):
            try:
                return await once()
            except NotReached as failure:
                if pause_s is None or not failure.again or (failure.error.retry_after_s or 0.0) > self.longest_retry_after_s:
                    raise failure.error from None
                # Jitter, so that many streams which failed together do not come back together.
                wait_s = (failure.error.retry_after_s or 0.0) + pause_s * random.uniform(0.8, 1.2)
                reason, tries = failure.reason, len(self.pauses_s)
            _log.warning(
                "⚠️ The model's server at %s: %s. Asking again in %.2f s (%d of %d).", address, reason, wait_s, number, tries
            )
            await asyncio.sleep(wait_s)
        raise AssertionError("the last try returns or raises")
