"""What outlives a process: chunks of a run's log in the store, written by one flusher and read by whoever follows.

A chunk counts once the run's `journal_last` reaches it, and only the owner's claim can move that.
"""

from collections.abc import AsyncGenerator, Sequence

from ..ids import derived_id
from ..objects.journal_chunk import JournalChunk
from ..objects.run import Run
from ..store.base import Scope, Store
from .base import Event

PAGE = 100
_NAME_AT = len('{"event":"')


def chunk_of(run: Run, events: Sequence[Event]) -> JournalChunk:
    """Events that follow each other without a gap, as one chunk of the run's present claim.

    Its id holds both ends: after a write that was not answered the next chunk may begin with the same events and hold more.
    """
    return JournalChunk(
        id=derived_id("chunk_", run.id, run.claim or "", events[0].number, events[-1].number),
        owner=run.owner,
        run_id=run.id,
        claim_no=run.claim_no,
        first=events[0].number,
        seq=events[-1].number,
        lines=b"\n".join([event.line for event in events]).decode(),
    )


async def read(store: Store, run: Run, after: int, *, scope: Scope) -> AsyncGenerator[Sequence[Event], None]:
    """The events of a run's log above `after` that count as of `run`, a chunk at a time."""
    heads = {head.claim_no: head.last for head in run.past_heads} | {run.claim_no: run.journal_last}
    while True:
        page = await store.page(JournalChunk, run.id, scope=scope, after=after, limit=PAGE, order="asc")
        for chunk in page.data:
            if chunk.seq <= heads.get(chunk.claim_no, 0):
                yield [event for event in events_of(chunk) if event.number > after]
            after = chunk.seq
        if not page.has_more:
            return


def events_of(chunk: JournalChunk) -> list[Event]:
    """A chunk's events."""
    return [Event(chunk.first + at, _name(line), line.encode()) for at, line in enumerate(chunk.lines.split("\n"))]


def _name(line: str) -> str:
    return line[_NAME_AT : line.index('"', _NAME_AT)]
