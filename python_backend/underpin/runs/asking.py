"""Asking a model for one leg of a run: what it is shown, its facts with their citations, and the search before the answer where
it calls no tools."""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ..errors import ToolsRefused
from ..models.base import Choice
from ..objects.run import Run
from ..objects.run_step import RunStep
from ..store.base import Scope
from ..tools.base import Tool, ToolContext
from .budget import Budget
from .citations import Citations
from .loop import LoopFact, ToolsAnswered, loop
from .prompt import request_for
from .room import Room
from .search_first import FILE_SEARCH, first_search, searches_of

logger = logging.getLogger("underpin.runs")


class Asking:
    """One for each leg. `begun`: the run has steps from before."""

    def __init__(self, room: Room, run: Run, choice: Choice, budget: Budget, *, begun: bool) -> None:
        self._room = room
        self._run = run
        self._choice = choice
        self._budget = budget
        self._begun = begun
        self._tools = room.tools_of(run)
        self._citations = Citations()

    async def facts(self) -> AsyncGenerator[Sequence[LoopFact], None]:
        """As `loop` yields them, ready to be recorded. Each batch must be recorded before the next is asked for: the prompt is
        made of what the store has.

        Raises a ModelError when the model fails; one that refuses tools is asked again without file_search, if it has said
        nothing yet.
        """
        room, run = self._room, self._run
        if run.awaited_stores and FILE_SEARCH in self._tools:
            await room.ready(run.owner, run.awaited_stores)
        searches = searches_of(await self._steps()) if self._begun else []
        self._citations = Citations(searches)
        said = False
        try:
            async with aclosing(self._asked(len(searches))) as facts:
                async for batch in facts:
                    said = True
                    yield batch
            return
        except ToolsRefused as error:
            if said or FILE_SEARCH not in self._tools or not room.searching.learn(self._choice):
                raise
            logger.warning("⚠️ %s It is asked without them from now on: file_search is done before it answers.", error.message)
        async with aclosing(self._asked(len(searches))) as facts:
            async for batch in facts:
                yield batch

    def rest(self) -> str:
        """Text that is held back when the facts end before their time; nothing of it becomes a citation."""
        return self._citations.rest()

    async def _asked(self, searched: int) -> AsyncGenerator[Sequence[LoopFact], None]:
        room, run = self._room, self._run
        first = FILE_SEARCH in self._tools and room.searching.is_first(self._choice)
        if first and not searched and run.tool_choice != "none":
            async with aclosing(self._searched_first()) as facts:
                async for batch in facts:
                    yield self._citations.batch(batch)
            searched += 1
        tools = {name: tool for name, tool in self._tools.items() if not (first and name == FILE_SEARCH)}
        request = await request_for(
            room.store, run, self._choice, tools, self._budget.prompt_left, room.files, searched_first=first
        )
        async with aclosing(loop(self._choice.model, request, tools, self._context(searched), self._budget)) as facts:
            async for batch in facts:
                yield self._citations.batch(batch)

    async def _searched_first(self) -> AsyncGenerator[Sequence[LoopFact], None]:
        call = await first_search(self._room.store, self._run)
        if call is not None and call.id is not None:
            yield (call,)
            tool: Tool = self._tools[FILE_SEARCH]
            yield (ToolsAnswered({call.id: await tool.run(call.arguments, self._context(0, before_answer=True))}),)

    def _context(self, ordinal: int, *, before_answer: bool = False) -> ToolContext:
        run = self._run
        return ToolContext(
            Scope(run.owner),
            run.id,
            run.thread_id,
            vector_stores=tuple(run.vector_stores),
            definitions={str(tool.get("type")): tool for tool in run.tools},
            ordinal=ordinal,
            before_answer=before_answer,
        )

    async def _steps(self) -> list[RunStep]:
        scope = Scope(self._run.owner)
        return (await self._room.store.page(RunStep, self._run.id, scope=scope, limit=1000, order="asc")).data
