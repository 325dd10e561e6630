"""Tells a thread's followers what a start brought: its messages, and that its run began."""

import logging

from ..errors import StoreUnavailable
from ..eventlog.base import MESSAGE_ADDED, RUN_STARTED, ThreadLog
from ..objects.run import Run
from .leg import about
from .settle import input_messages

logger = logging.getLogger("underpin.runs")


async def announce(log: ThreadLog, run: Run, first: int | None) -> None:
    """Under the numbers from `first` on, which the run's claim took; None: it was told before. Where the store does not answer,
    the numbers stay missing, and followers are told to read the thread anew: the run goes on."""
    if first is None:
        return
    messages = input_messages(run, first)
    try:
        for message in messages:
            await log.append(run.owner, run.thread_id, message.seq, MESSAGE_ADDED, {"message": message.wire()})
        number = first + len(messages)
        await log.append(run.owner, run.thread_id, number, RUN_STARTED, {"runId": run.id, "after": run.first_number - 1})
    except StoreUnavailable as error:
        logger.warning("⚠️ The start of run %s is not told: %s", run.id, error.message, extra=about(run))
