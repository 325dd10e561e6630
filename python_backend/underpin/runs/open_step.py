"""The step that a run is at just now: it is in the store only once it has ended or waits, and in the log from its beginning."""

import msgspec

from ..eventlog.base import EventLog
from ..objects.run import Run
from ..objects.run_step import RunStep
from ..store.base import Scope
from .progress import step_place

CREATED = "thread.run.step.created"
ENDS = frozenset(f"thread.run.step.{end}" for end in ("completed", "cancelled", "failed", "expired"))


async def open_step(log: EventLog, run: Run) -> RunStep | None:
    """The step that was begun and has not ended, as it began; None when there is none. Reads what the log has now and does not
    wait for more."""
    begun: dict[str, bytes] = {}
    async for batch in log.follow(run.id, 0, scope=Scope(run.owner), tick_s=0.0):
        if not batch:
            break
        for event in batch:
            if event.name == CREATED:
                begun[_id(event.data)] = event.data
            elif event.name in ENDS:
                begun.pop(_id(event.data), None)
    if not begun:
        return None
    step = RunStep.model_validate_json(list(begun.values())[-1])
    return step.model_copy(update={"owner": run.owner, "seq": step_place(run.id, step.id)})


class _Named(msgspec.Struct):
    id: str


_named = msgspec.json.Decoder(_Named)


def _id(data: bytes) -> str:
    return _named.decode(data).id
