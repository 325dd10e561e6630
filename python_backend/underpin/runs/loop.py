"""The loop: ask the model, run the tools that the server has, ask again. It yields facts and does no I/O of its own but through
the seams; who records them is not its concern."""

from collections.abc import AsyncGenerator, Mapping, Sequence, Set
from contextlib import aclosing
from dataclasses import dataclass, replace

from pydantic import JsonValue

from ..errors import ModelBroken
from ..models.base import (
    ChatMessage,
    Fact,
    Finish,
    FinishReason,
    Model,
    ModelRequest,
    TextDelta,
    ToolCallDelta,
    ToolCallSaid,
    UsageFact,
)
from ..tools.base import Tool, ToolContext, ToolResult
from .budget import Budget, Spent

MAX_TURNS = 24
"""A model that has asked for tools this often is going round in circles; people's longest useful chains are about ten."""


@dataclass(frozen=True)
class ToolsAnswered:
    """What the server answers by itself in this turn: its own tools' results, and that a function is unknown; by call id."""

    results: Mapping[str, ToolResult]


@dataclass(frozen=True)
class OutputsNeeded:
    """The turn asked for functions of the client's. The loop ends here; it goes on in a new one when the outputs came."""


@dataclass(frozen=True)
class OutOfBudget:
    """The next turn would break a limit of the run. The loop ends here."""

    limit: Spent


@dataclass(frozen=True)
class Answered:
    """The model is done."""

    reason: FinishReason


LoopFact = Fact | ToolsAnswered | OutputsNeeded | OutOfBudget | Answered


class _Call:
    """A tool call while its pieces arrive."""

    def __init__(self, id: str, name: str) -> None:
        self.id = id
        self.name = name
        self.arguments: list[str] = []
        self.extra: dict[str, JsonValue] | None = None

    def said(self) -> ToolCallSaid:
        return ToolCallSaid(self.id, self.name, "".join(self.arguments), self.extra)


async def loop(
    model: Model, request: ModelRequest, tools: Mapping[str, Tool], context: ToolContext, budget: Budget | None = None
) -> AsyncGenerator[Sequence[LoopFact], None]:
    """Facts in batches, one for each read from the model; the last batch ends in Answered, OutputsNeeded or OutOfBudget.

    `tools` are the server's own; any other function of the request is the client's. One that was not given is answered with a
    result that says so, and the model goes on.

    Raises a ModelError when the model fails, ModelBroken when it never stops asking for tools.
    """
    budget = budget or Budget()
    for _ in range(MAX_TURNS):
        if (limit := budget.refuses(request)) is not None:
            yield (OutOfBudget(limit),)
            return
        if budget.completion_left is not None:
            request = replace(request, max_completion_tokens=budget.completion_left)
        usage: UsageFact | None = None
        calls: dict[int, _Call] = {}
        said: list[str] = []
        reason: FinishReason = "stop"
        async with aclosing(model.stream(request)) as stream:
            async for batch in stream:
                yield batch
                for fact in batch:
                    if type(fact) is TextDelta:
                        said.append(fact.text)
                    elif type(fact) is ToolCallDelta:
                        call = calls.setdefault(fact.index, _Call(fact.id or "", fact.name or ""))
                        call.arguments.append(fact.arguments)
                        call.extra = fact.extra or call.extra
                    elif type(fact) is UsageFact:
                        usage = fact
                    elif type(fact) is Finish:
                        reason = fact.reason
        if not calls:
            yield (Answered(reason),)
            return
        made = [call.said() for call in calls.values()]
        budget.take(request, usage, (*said, *(call.arguments for call in made)))
        results = await _results(made, tools, {spec.name for spec in request.tools}, context)
        if results:
            yield (ToolsAnswered(results),)
        if any(call.id not in results for call in made):
            yield (OutputsNeeded(),)
            return
        request = _next_turn(request, "".join(said), made, results)
        context = replace(context, ordinal=context.ordinal + sum(call.name in tools for call in made))
    raise ModelBroken(f"The model asked for tools {MAX_TURNS} times in a row without an answer. Try again, or another model.")


async def _results(
    made: Sequence[ToolCallSaid], tools: Mapping[str, Tool], given: Set[str], context: ToolContext
) -> dict[str, ToolResult]:
    results: dict[str, ToolResult] = {}
    ordinal = context.ordinal
    for call in made:
        if call.name in tools:
            results[call.id] = await tools[call.name].run(call.arguments, replace(context, ordinal=ordinal))
            ordinal += 1
        elif call.name not in given:
            results[call.id] = ToolResult(f"There is no function named '{call.name}'.", {})
    return results


def _next_turn(request: ModelRequest, said: str, made: Sequence[ToolCallSaid], results: Mapping[str, ToolResult]) -> ModelRequest:
    answers = [ChatMessage("tool", results[call.id].output, tool_call_id=call.id) for call in made]
    asked = ChatMessage("assistant", said, tool_calls=tuple(made))
    # A forced tool is forced once: else a model that must call it could never answer.
    return replace(request, messages=(*request.messages, asked, *answers), tool_choice=None)
