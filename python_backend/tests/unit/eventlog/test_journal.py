"""Chunks, and which of them count."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.contracts.stored_things import ANN, run
from underpin.eventlog.base import Event, event_line
from underpin.eventlog.journal import chunk_of, events_of, read
from underpin.objects.run import EVENTS_A_CLAIM, Head, Run
from underpin.store.base import JournalWrite
from underpin.store.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path: Path):
    store = SqliteStore(tmp_path)
    await store.open()
    yield store
    await store.close()


def events(first: int, last: int) -> list[Event]:
    return [Event(number, "word", event_line("word", b'{"n":%d}' % number)) for number in range(first, last + 1)]


async def flush(store: SqliteStore, owner: Run, said: Sequence[Event]) -> None:
    write = JournalWrite(owner.id, chunk_of(owner, said), {"journal_last": said[-1].number}, {"claim": owner.claim})
    assert await store.write_journal([write]) == [True]


async def numbers(store: SqliteStore, owner: Run, after: int = 0) -> list[int]:
    return [event.number async for batch in read(store, owner, after, scope=ANN) for event in batch]


def test_a_chunk_gives_its_events_back() -> None:
    said = [Event(7, "a.b", b'{"event":"a.b","data":{"text":"\xe2\x80\xa8 \\n"}}'), *events(8, 9)]
    chunk = chunk_of(run(claim="c"), said)
    assert (chunk.first, chunk.seq) == (7, 9)
    assert events_of(chunk) == said


async def test_a_write_that_was_not_answered_and_then_came_again_with_more_is_read_once(store: SqliteStore) -> None:
    owner = run(claim="c")
    await store.add(owner)
    await store.add(chunk_of(owner, events(1, 3)))  # the answer was lost, and so may the change of the run have been
    await flush(store, owner, events(1, 5))
    await flush(store, owner, events(6, 7))
    current = await store.get(Run, owner.id, scope=ANN)
    assert await numbers(store, current) == [1, 2, 3, 4, 5, 6, 7]
    assert await numbers(store, current, after=4) == [5, 6, 7]


async def test_chunks_beyond_the_head_of_their_claim_do_not_count(store: SqliteStore) -> None:
    owner = run(claim="c")
    await store.add(owner)
    await flush(store, owner, events(1, 3))
    await store.add(chunk_of(owner, events(4, 6)))
    current = await store.get(Run, owner.id, scope=ANN)
    assert await numbers(store, current) == [1, 2, 3]
    begin = EVENTS_A_CLAIM + 1
    heir = current.model_copy(
        update={"claim": "d", "claim_no": 2, "past_heads": [Head(claim_no=1, last=3)], "journal_last": begin + 1}
    )
    await store.add(chunk_of(heir, events(begin, begin + 1)))
    assert await numbers(store, heir) == [1, 2, 3, begin, begin + 1]


async def test_many_chunks_are_read_in_pages_from_anywhere(store: SqliteStore) -> None:
    owner = run(claim="c")
    await store.add(owner)
    for first in range(1, 700, 3):
        await flush(store, owner, events(first, first + 2))
    current = await store.get(Run, owner.id, scope=ANN)
    for after in (0, 1, 299, 300, 301, 698, 699):
        assert await numbers(store, current, after=after) == list(range(after + 1, 700))
