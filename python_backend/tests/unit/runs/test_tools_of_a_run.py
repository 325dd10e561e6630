"""Which tools a run has: its own functions, the server's tools that it names, and no others."""

from pathlib import Path

from tests.unit.runs.house import House, function, names, open_house
from tests.unit.runs.lookup import Lookup
from underpin.objects.run import Run
from underpin.objects.run_step import FileSearchToolCall, FunctionToolCall, ToolCall, ToolCallsDetails

SCRIPT = 'call file_search {"query": "clay"}\nsay "It is $1."'


async def calls(house: House, run: Run) -> list[ToolCall]:
    return [
        call
        for step in await house.steps(run)
        if isinstance(step.step_details, ToolCallsDetails)
        for call in step.step_details.tool_calls
    ]


async def test_the_servers_tool_is_run_for_a_run_that_names_it(tmp_path: Path) -> None:
    async with open_house(tmp_path, tools={"file_search": Lookup()}) as house:
        searching = house.assistant.model_copy(update={"tools": [{"type": "file_search"}]})
        run = await house.answer(await house.thread(), SCRIPT, assistant=searching)
        assert run.status == "completed"
        assert [type(call) for call in await calls(house, run)] == [FileSearchToolCall]


async def test_a_function_of_the_clients_may_bear_the_name_of_a_server_tool(tmp_path: Path) -> None:
    tool = Lookup()
    async with open_house(tmp_path, tools={"file_search": tool}) as house:
        own = house.assistant.model_copy(update={"tools": [function("file_search")]})
        thread = await house.thread()
        run = await house.answer(thread, SCRIPT, assistant=own)
        assert run.status == "requires_action"
        assert run.required_action is not None
        (asked,) = run.required_action.submit_tool_outputs.tool_calls
        assert (asked.function.name, asked.function.arguments) == ("file_search", '{"query": "clay"}')
        await house.runner.submit(run, {asked.id: "a soil"})
        assert (await house.over(run)).status == "completed"
        assert (await house.texts(thread))[-1] == ("assistant", "completed", "It is a soil.")
        assert tool.asked == []


async def test_a_server_tool_that_the_run_does_not_name_is_not_run_for_it(tmp_path: Path) -> None:
    tool = Lookup()
    async with open_house(tmp_path, tools={"file_search": tool}) as house:
        bare = house.assistant.model_copy(update={"tools": []})
        run = await house.answer(await house.thread(), SCRIPT, assistant=bare)
        assert (run.status, tool.asked) == ("completed", [])


async def test_a_function_that_nobody_gave_is_shown_as_a_call_that_was_answered(house: House) -> None:
    thread = await house.thread()
    run = await house.answer(thread, 'call nowhere {"a": 1}\nsay "It says: $1"')
    assert run.status == "completed"
    (call,) = await calls(house, run)
    assert isinstance(call, FunctionToolCall)
    assert (call.function.name, call.function.output) == ("nowhere", "There is no function named 'nowhere'.")
    assert (await house.texts(thread))[-1] == ("assistant", "completed", "It says: There is no function named 'nowhere'.")
    assert "thread.run.requires_action" not in names(await house.events(run))


async def test_outputs_are_awaited_only_of_functions_that_were_given(house: House) -> None:
    run = await house.answer(await house.thread(), 'call nowhere {}\ncall f {}\nsay "$1 $2"')
    assert run.required_action is not None
    (asked,) = run.required_action.submit_tool_outputs.tool_calls
    assert asked.function.name == "f"
    await house.runner.submit(run, {asked.id: "Yes."})
    assert (await house.over(run)).status == "completed"
    shown = [call.function.output for call in await calls(house, run) if isinstance(call, FunctionToolCall)]
    assert shown == ["There is no function named 'nowhere'.", "Yes."]
