"""The loop: which turns it takes, and what it tells the model in each."""

from collections.abc import AsyncGenerator, Sequence

import pytest

from tests.unit.runs.lookup import Lookup
from underpin.errors import ModelBroken
from underpin.models.base import ChatMessage, Fact, Finish, FunctionSpec, ModelRequest, TextDelta, ToolCallDelta, ToolCallSaid
from underpin.models.scripted import Scripted
from underpin.runs.loop import MAX_TURNS, Answered, LoopFact, OutputsNeeded, ToolsAnswered, loop
from underpin.store.base import Scope
from underpin.tools.base import ToolContext

CONTEXT = ToolContext(Scope("ann"), "run_r", "thread_t")


class Turns:
    """A model whose turns are given; the last one stays. It keeps what it was asked."""

    searches = True

    def __init__(self, *turns: Sequence[Sequence[Fact]]) -> None:
        self.turns = list(turns)
        self.asked: list[ModelRequest] = []
        self.closed = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
        self.asked.append(request)
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        try:
            for batch in turn:
                yield batch
        finally:
            self.closed += 1

    async def close(self) -> None:
        """Nothing is held."""


def request(script: str = "") -> ModelRequest:
    return ModelRequest("m", (ChatMessage("user", script),), tools=(FunctionSpec("f"), FunctionSpec("g")), tool_choice="required")


def call(index: int, name: str, arguments: str = "{}", id: str | None = None) -> list[Fact]:
    return [ToolCallDelta(index, id or f"call_{index}", name, ""), ToolCallDelta(index, None, None, arguments)]


async def facts(model: Turns | Scripted, script: str = "", tool: Lookup | None = None) -> list[LoopFact]:
    tools = {"file_search": tool or Lookup()}
    return [fact async for batch in loop(model, request(script), tools, CONTEXT) for fact in batch]


async def test_an_answer_ends_the_loop_with_the_models_reason() -> None:
    assert (await facts(Scripted(), "words 2\nfinish length"))[-1] == Answered("length")


async def test_the_servers_own_tool_is_run_and_the_model_asked_again() -> None:
    model = Turns(
        [call(0, "file_search", '{"q"'), [ToolCallDelta(0, None, None, ": 1}")]], [[TextDelta("Done."), Finish("stop")]]
    )
    tool = Lookup()
    said = await facts(model, tool=tool)
    assert [arguments for arguments, _ in tool.asked] == ['{"q": 1}']
    assert tool.asked[0][1] == CONTEXT
    assert said[-1] == Answered("stop")
    again = model.asked[1]
    assert again.messages[1:] == (
        ChatMessage("assistant", "", tool_calls=(ToolCallSaid("call_0", "file_search", '{"q": 1}'),)),
        ChatMessage("tool", 'about {"q": 1}', tool_call_id="call_0"),
    )
    assert (model.asked[0].tool_choice, again.tool_choice) == ("required", None)  # what was forced is forced once
    assert model.closed == 2


async def test_calls_for_the_client_end_the_loop() -> None:
    said = await facts(Turns([[TextDelta("Hm.")], call(0, "f"), call(1, "g"), [Finish("tool_calls")]]))
    assert said[-1] == OutputsNeeded()
    assert not any(isinstance(fact, ToolsAnswered) for fact in said)


async def test_with_calls_of_both_kinds_the_servers_are_run_before_the_clients_are_needed() -> None:
    tool = Lookup()
    said = await facts(
        Turns([call(0, "f"), call(1, "file_search", "{1}"), call(2, "g"), call(3, "file_search", "{2}")]), tool=tool
    )
    assert said[-1] == OutputsNeeded()
    answered = said[-2]
    assert isinstance(answered, ToolsAnswered)
    assert {call_id: result.output for call_id, result in answered.results.items()} == {
        "call_1": "about {1}",
        "call_3": "about {2}",
    }


async def test_a_function_that_was_not_given_is_answered_with_that_and_the_model_goes_on() -> None:
    model = Turns([call(0, "x"), [Finish("tool_calls")]], [[TextDelta("Done."), Finish("stop")]])
    said = await facts(model)
    assert said[-1] == Answered("stop")
    assert model.asked[1].messages[-1] == ChatMessage("tool", "There is no function named 'x'.", tool_call_id="call_0")


async def test_beside_an_unknown_function_the_clients_own_is_still_needed() -> None:
    said = await facts(Turns([call(0, "x"), call(1, "f"), [Finish("tool_calls")]]))
    assert said[-1] == OutputsNeeded()
    answered = said[-2]
    assert isinstance(answered, ToolsAnswered)
    assert list(answered.results) == ["call_0"]


async def test_pieces_of_parallel_calls_may_come_in_any_order() -> None:
    pieces: list[Fact] = [
        ToolCallDelta(0, "call_0", "file_search", ""),
        ToolCallDelta(1, "call_1", "file_search", "{"),
        ToolCallDelta(0, None, None, "{0"),
        ToolCallDelta(1, None, None, "1}"),
        ToolCallDelta(0, None, None, "}"),
    ]
    tool = Lookup()
    await facts(Turns([pieces], [[Finish("stop")]]), tool=tool)
    assert [arguments for arguments, _ in tool.asked] == ["{0}", "{1}"]


async def test_a_model_that_never_stops_calling_is_stopped() -> None:
    model = Turns([call(0, "file_search")])
    with pytest.raises(ModelBroken, match=str(MAX_TURNS)):
        await facts(model)
    assert len(model.asked) == MAX_TURNS


async def test_closing_the_loop_closes_the_models_stream() -> None:
    model = Turns([[TextDelta("a")], [TextDelta("b")], [Finish("stop")]])
    going = loop(model, request(), {}, CONTEXT)
    assert list(await anext(going)) == [TextDelta("a")]
    await going.aclose()
    assert model.closed == 1
