"""What may be done to a run besides starting, continuing and ending it: asking it to end, and naming it."""

from collections.abc import Mapping

from ..errors import ConditionFailed, WrongState
from ..objects.run import Run, may_become
from ..store.base import In, Scope
from .runner import Runner


async def cancel(runner: Runner, run: Run) -> Run:
    """Begin to end a run, and return it as `cancelling`; its last event follows. Raises WrongState when it has ended, or is being
    cancelled already."""
    condition = {"status": In(may_become("cancelling"))}
    try:
        cancelling = await runner.room.store.update(
            Run, run.id, {"status": "cancelling"}, scope=Scope(run.owner), only_if=condition
        )
    except ConditionFailed as error:
        status = error.current.status if isinstance(error.current, Run) else run.status
        raise WrongState(f"Cannot cancel run with status '{status}'.") from None
    leg = runner.leg_of(run.id)
    if leg is not None and leg.task is not None:
        leg.stop("cancelled")
    else:
        await runner.stop(cancelling)
    return cancelling


async def set_metadata(runner: Runner, run: Run, metadata: Mapping[str, str]) -> Run:
    """Replace a run's metadata; what the run says from now on carries the new ones."""
    changed = await runner.room.store.update(Run, run.id, {"metadata": metadata}, scope=Scope(run.owner))
    leg = runner.leg_of(run.id)
    if leg is not None:
        leg.recorder.run = leg.recorder.run.model_copy(update={"metadata": changed.metadata})
    return changed
