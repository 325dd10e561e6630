"""`include[]`: the text of what a file_search found goes into steps, and into the events of steps, where it is asked for.

The log and the steps that are shown go without it; it is read from the step's bookkeeping.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from starlette.requests import Request

from ...errors import NotFound
from ...eventlog.base import Event, event_line
from ...objects.run import Run
from ...objects.run_step import RunStep
from ...store.base import Scope, Store
from ..described import query
from .envelope import InvalidRequest

CONTENT = "step_details.tool_calls[*].file_search.results[*].content"
INCLUDE = query("include[]", {"type": "array", "items": {"type": "string", "enum": [CONTENT]}})

_STEP = "thread.run.step."
_SEARCHED = b'"type":"file_search"'


def wants_content(request: Request) -> bool:
    """Whether the request asks for it. Raises InvalidRequest for anything else that is to be included."""
    wanted = [value for name in ("include[]", "include") for value in request.query_params.getlist(name)]
    for at, value in enumerate(wanted):
        if value != CONTENT:
            text = f"Invalid value: '{value[:100]}'. Supported values are: '{CONTENT}'."
            raise InvalidRequest(text, param=f"include[{at}]", code="invalid_value")
    return bool(wanted)


async def with_content(
    store: Store, run: Run, events: AsyncGenerator[Sequence[Event], None]
) -> AsyncGenerator[Sequence[Event], None]:
    """The same events, those of steps that searched with what was found."""
    async with aclosing(events):
        async for batch in events:
            if any(event.name.startswith(_STEP) and _SEARCHED in event.line for event in batch):
                batch = [await _filled(store, run, event) for event in batch]
            yield batch


async def _filled(store: Store, run: Run, event: Event) -> Event:
    if not event.name.startswith(_STEP) or event.name.endswith(".delta") or _SEARCHED not in event.line:
        return event
    told = RunStep.model_validate_json(event.data)
    try:
        kept = await store.get(RunStep, told.id, scope=Scope(run.owner))
    except NotFound:
        return event  # deleted meanwhile, with its thread
    filled = told.model_copy(update={"model_calls": kept.model_calls}).with_content()
    return Event(event.number, event.name, event_line(event.name, filled.wire_json()))
