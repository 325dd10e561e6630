"""Every room behind the API on one database, with the scripted model: a message is the script of its answer."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.faults import viewer
from tests.faults.watched_store import Call, WatchedStore
from underpin.errors import ModelError
from underpin.eventlog.base import Event
from underpin.eventlog.journaled import JournaledLog
from underpin.eventlog.thread_log import StoredThreadLog
from underpin.ids import new_id
from underpin.models.base import Model
from underpin.models.catalog import Catalog
from underpin.models.scripted import Scripted
from underpin.objects.assistant import Assistant
from underpin.objects.message import Message, text_content
from underpin.objects.run import Run
from underpin.objects.run_step import RunStep
from underpin.objects.thread import Thread
from underpin.objects.thread_event import ThreadEvent
from underpin.runs.claims import Claims
from underpin.runs.order import RunOrder, Takeover
from underpin.runs.replay import whole_log
from underpin.runs.room import Room
from underpin.runs.runner import Runner, Times
from underpin.runs.search_first import Searching
from underpin.runs.sweep import Sweep
from underpin.store.base import EVERYONE, Scope
from underpin.store.sqlite import SqliteStore
from underpin.tools.base import Tool

WITHIN_S = 20.0
"""No wait of a test is longer; none of them is expected to come near it."""
OWNER = "ann"
ANN = Scope(OWNER)
DELTAS = ("thread.message.delta", "thread.run.step.delta")


def function(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}


class House:
    """One process of the server, without HTTP."""

    def __init__(
        self,
        store: SqliteStore,
        *,
        model: Model | None = None,
        tools: Mapping[str, Tool] | None = None,
        times: Times | None = None,
        lease_s: float = 60.0,
        flush_s: float = 0.01,
        max_waiting: int = 20,
        searching: Searching | None = None,
    ) -> None:
        self.sqlite = store
        self.store = WatchedStore(store)
        self.log = JournaledLog(self.store, flush_s=flush_s, lease_s=lease_s, heartbeat_s=lease_s / 3, tail_s=0.01)
        self.thread_log = StoredThreadLog(self.store)
        model = model or Scripted()
        self.models = Catalog(None, embedded={"scripted": model, "extractive": model}, default_model="scripted")
        self.room = Room(
            self.store, self.log, self.thread_log, self.models, dict(tools or {}), searching=searching or Searching()
        )
        self.claims = Claims(self.store, store.worker, lease_s)
        self.runner = Runner(self.room, self.claims, times or Times(), max_waiting)
        self.sweep = Sweep(self.store, self.runner, self.claims, every_s=60, lease_s=lease_s)
        self.assistant = Assistant(id="asst_a", owner=OWNER, created_at=1, tools=[function("f"), function("g")])
        self.dead = False

    async def thread(self, *, shared: bool = False) -> Thread:
        thread = Thread(id=new_id("thread_"), owner=OWNER, created_at=1, shared=shared, seq=await self.store.next_seq(OWNER))
        await self.store.add(thread)
        return thread

    async def order(self, thread: Thread, script: str, takeover: Takeover = "cancel", **more: Any) -> RunOrder:
        """An order on the thread as it is now."""
        thread = await self.store.get(Thread, thread.id, scope=ANN)
        return RunOrder(thread, more.pop("assistant", self.assistant), text_content(script), takeover, **more)

    async def start(self, thread: Thread, script: str, takeover: Takeover = "cancel", **more: Any) -> Run:
        return await asyncio.wait_for(self.runner.start(await self.order(thread, script, takeover, **more)), WITHIN_S)

    async def answer(self, thread: Thread, script: str, **more: Any) -> Run:
        """Start a run and wait until nothing is left to do for it, or it pauses."""
        run = await self.start(thread, script, **more)
        return await self.over(run)

    async def over(self, run: Run) -> Run:
        """The run once it is over, or pauses, in this process."""
        leg = self.runner.leg_of(run.id)
        if leg is not None:
            await asyncio.wait_for(leg.over.wait(), WITHIN_S)
        return await self.run(run)

    async def said(self, run: Run, words: int) -> list[Event]:
        """What a follower has seen when it has seen so many pieces of text."""
        seen: list[Event] = []
        async with asyncio.timeout(WITHIN_S), aclosing(self.log.follow(run.id, 0, scope=ANN)) as follower:
            async for batch in follower:
                seen += batch
                if sum(event.name == "thread.message.delta" for event in seen) >= words:
                    break
        return seen

    async def journalled(self, run: Run, last: int) -> None:
        """Until the journal has everything up to a number."""
        async with asyncio.timeout(WITHIN_S):
            while (await self.run(run)).journal_last < last:  # noqa: ASYNC110 (the flusher tells nobody)
                await asyncio.sleep(0.005)

    async def run(self, run: Run | str) -> Run:
        return await self.store.get(Run, run if isinstance(run, str) else run.id, scope=EVERYONE)

    async def events(self, run: Run, after: int = 0) -> list[Event]:
        async with asyncio.timeout(WITHIN_S):
            log = whole_log(self.store, self.log, await self.run(run), after, scope=ANN, tick_s=None)
            return [event async for batch in log for event in batch]

    async def steps(self, run: Run) -> list[RunStep]:
        return (await self.store.page(RunStep, run.id, scope=ANN, order="asc")).data

    async def runs(self, thread: Thread) -> list[Run]:
        return [one for one in (await self.store.page(Run, None, scope=ANN, limit=1000)).data if one.thread_id == thread.id]

    async def messages(self, thread: Thread) -> list[Message]:
        """Oldest first."""
        return (await self.store.page(Message, thread.id, scope=ANN, order="asc", limit=1000)).data

    async def texts(self, thread: Thread) -> list[tuple[str, str, str]]:
        """Role, status and text of each message."""
        return [(message.role, message.status, message.text()) for message in await self.messages(thread)]

    async def active(self, thread: Thread) -> str | None:
        return (await self.store.get(Thread, thread.id, scope=ANN)).active_run

    async def thread_events(self, thread: Thread) -> list[ThreadEvent]:
        return (await self.store.page(ThreadEvent, thread.id, scope=ANN, order="asc", limit=1000)).data

    async def refusal(self, run: Run) -> ModelError | None:
        return await self.runner.refusal(run, WITHIN_S)

    async def die(self) -> None:
        """As by kill -9: nothing more is written, and the host knows that the worker is dead."""
        self.dead = True

        async def never(call: Call, do: object) -> None:
            await asyncio.Event().wait()

        self.store.watcher = never
        tasks = [leg.task for leg in self.runner._legs.values() if leg.task is not None]
        for task in [*tasks, self.log._flusher]:
            assert task is not None
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.sqlite.close()


@asynccontextmanager
async def open_house(folder: Path, **options: Any) -> AsyncIterator[House]:
    """A house whose log is at work, whose sweep is not: tests call it."""
    sqlite = SqliteStore(folder)
    await sqlite.open()
    house = House(sqlite, **options)
    await house.log.start()
    try:
        yield house
    finally:
        if not house.dead:
            await house.runner.close()
            await house.log.stop()
            await sqlite.close()


def names(events: Sequence[Event]) -> list[str]:
    """Their names; deltas in a row count once."""
    told = [event.name for event in events]
    return [name for at, name in enumerate(told) if at == 0 or name not in DELTAS or told[at - 1] != name]


def data(events: Sequence[Event], name: str) -> list[dict[str, Any]]:
    """What the events of a name carry."""
    return [msgspec.json.decode(event.data) for event in events if event.name == name]


def shown(events: Sequence[Event]) -> dict[str, str]:
    """What a client shows that follows the events: message id → text."""
    return viewer.shown((event.name, msgspec.json.decode(event.data)) for event in events)
