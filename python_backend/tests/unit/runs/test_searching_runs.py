"""A run that searches: its step, its citations in the log and in the store, and the search before the answer."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.runs.house import House, data, open_house
from tests.unit.runs.lookup import Lookup
from underpin.errors import ToolsRefused
from underpin.models.base import ChatMessage, Fact, Finish, ModelRequest, TextDelta, UsageFact
from underpin.objects.assistant import Assistant
from underpin.objects.run_step import FileSearchToolCall, RunStep, ToolCallsDetails
from underpin.objects.thread import Thread
from underpin.runs.search_first import HOW_TO_CITE, Searching, shown_passages
from underpin.runs.searched import OwnAssistant, stores_of

SEARCHING = {"tools": [{"type": "file_search"}]}
ASKED = 'call file_search {"query": "clay"}\n'
SHOWN = {"file_id": "file-a", "file_name": "a.md", "score": 0.5}
CITED = {"file_id": "file-a", "quote": "Clay is a soil.", "chunk": 7, "page": 3}


async def answered(house: House, script: str, **fields: Any) -> tuple[Thread, Any]:
    thread = await house.thread()
    assistant = house.assistant.model_copy(update={**SEARCHING, **fields})
    return thread, await house.answer(thread, script, assistant=assistant)


def searches(step: RunStep) -> list[FileSearchToolCall]:
    details = step.step_details
    assert isinstance(details, ToolCallsDetails)
    return [call for call in details.tool_calls if isinstance(call, FileSearchToolCall)]


async def test_what_is_streamed_of_a_citation_is_what_is_kept(tmp_path: Path) -> None:
    async with open_house(tmp_path, tools={"file_search": Lookup()}) as house:
        thread, run = await answered(house, ASKED + 'say "🪨 Clay is a soil 【0:0】, not 【9:9†x】."')
        events = await house.events(run)
        message = (await house.messages(thread))[1]
        (note,) = data(events, "thread.message.completed")[0]["content"][0]["text"]["annotations"]
        assert message.text() == "🪨 Clay is a soil 【0:0†a.md】, not."
        assert message.text()[note["start_index"] : note["end_index"]] == note["text"] == "【0:0†a.md】"
        assert note["file_citation"] == CITED
        deltas = [delta["delta"]["content"][0]["text"] for delta in data(events, "thread.message.delta")]
        assert "".join(delta["value"] for delta in deltas) == message.text()
        assert [one for delta in deltas for one in delta.get("annotations", [])] == [{**note, "index": 0}]
        assert message.wire() == data(events, "thread.message.completed")[0]


async def test_a_search_is_shown_without_the_text_that_it_found_unless_it_is_asked_for(tmp_path: Path) -> None:
    async with open_house(tmp_path, tools={"file_search": Lookup()}) as house:
        _, run = await answered(house, ASKED + 'say "Yes."')
        step = (await house.steps(run))[0]
        (call,) = searches(step)
        assert call.file_search == {"ranking_options": {"ranker": "auto", "score_threshold": 0.0}, "results": [SHOWN]}
        (whole,) = searches(step.with_content())
        content = [{"type": "text", "text": "Clay is a soil. It is fine 🪨. Sand drains."}]
        assert whole.file_search["results"] == [{**SHOWN, "content": content}]
        (told,) = data(await house.events(run), "thread.run.step.completed")[:1]
        assert told == step.wire()


async def test_each_search_of_a_run_has_markers_of_its_own_also_after_outputs_came(tmp_path: Path) -> None:
    tool = Lookup()
    async with open_house(tmp_path, tools={"file_search": tool}) as house:
        script = ASKED * 2 + 'say "A."\ncall f {}\n' + ASKED + 'say "Clay is a soil 【0:0】【1:0】【2:0】【3:0】."'
        thread, run = await answered(house, script, tools=[*SEARCHING["tools"], *house.assistant.tools])
        assert run.status == "requires_action"
        (call,) = run.required_action.submit_tool_outputs.tool_calls
        await house.runner.submit(run, {call.id: "1"})
        assert (await house.over(run)).status == "completed"
        assert [context.ordinal for _, context in tool.asked] == [0, 1, 2]
        assert (await house.texts(thread))[-1][2] == "Clay is a soil 【0:0†a.md】【1:0†a.md】【2:0†a.md】."


async def test_a_run_keeps_what_it_searches_from_its_beginning(tmp_path: Path) -> None:
    tool = Lookup()
    async with open_house(tmp_path, tools={"file_search": tool}) as house:
        stores = {"file_search": {"vector_store_ids": ["vs_a"]}}
        _, run = await answered(house, ASKED + 'say "Yes."', tool_resources=stores)
        assert tool.asked[0][1].vector_stores == ("vs_a",)
        assert "vector_stores" not in run.wire()


def test_assistant_thread_and_standing_stores_are_searched_together() -> None:
    thread = Thread(id="thread_t", created_at=1, tool_resources={"file_search": {"vector_store_ids": ["vs_t"]}})
    from_tools = {"file_search": {"vector_store_ids": ["vs_a"]}}
    assistant = _assistant(from_tools)
    own = OwnAssistant("asst_a", lambda: ("vs_s", "vs_a"))
    assert stores_of(assistant, thread, own) == (["vs_a", "vs_t", "vs_s"], ["vs_t"])
    assert stores_of(assistant, thread, OwnAssistant("asst_b")) == (["vs_a", "vs_t"], ["vs_t"])
    assert stores_of(assistant, thread, own, {"file_search": {"vector_store_ids": []}})[0] == ["vs_t", "vs_s", "vs_a"]
    assert stores_of(_assistant({}), Thread(id="thread_t", created_at=1), OwnAssistant("asst_b")) == ([], [])


def _assistant(resources: dict[str, Any]) -> Assistant:
    return Assistant(id="asst_a", created_at=1, tool_resources=resources)


class Recording:
    """A model that keeps what it was asked, refuses tools when it is told to, and answers."""

    searches = sees = writes = True

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.requests: list[ModelRequest] = []

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
        self.requests.append(request)
        if self.refuses and request.tools:
            raise ToolsRefused("The model 'm' takes no tools.")
        yield [TextDelta("Clay is a soil 【0:0】.")]
        yield [UsageFact(1, 1), Finish("stop")]

    async def close(self) -> None: ...


@pytest.mark.parametrize("mode", ["prompt", "auto"])
async def test_the_server_searches_first_for_a_model_that_takes_no_tools(tmp_path: Path, mode: Any) -> None:
    tool, model = Lookup(), Recording(refuses=True)
    async with open_house(tmp_path, model=model, tools={"file_search": tool}, searching=Searching(mode)) as house:
        for _ in range(2):
            thread, run = await answered(house, "What is clay?", instructions="Be kind.")
            assert run.status == "completed"
            (searched, _) = steps = await house.steps(run)
            (call,) = searches(searched)
            assert call.file_search["results"] == [SHOWN]
            system, user = model.requests[-1].messages
            assert user == ChatMessage("user", "What is clay?")
            assert system.text == f"Be kind.\n\n{shown_passages(steps)}"
            assert "【0:0†a.md】 Soil (page 3)\nClay is a soil." in system.text
            assert HOW_TO_CITE in system.text
            assert model.requests[-1].tools == ()
            (part,) = (await house.messages(thread))[1].wire()["content"]
            assert part["text"]["annotations"][0]["file_citation"] == CITED
        # What was refused once is not tried again.
        assert len(model.requests) == {"prompt": 2, "auto": 3}[mode]
    assert [(arguments, context.before_answer) for arguments, context in tool.asked] == [
        ('{"query":"What is clay?","context":""}', True)
    ] * 2


async def test_a_refusal_of_tools_is_an_error_where_searching_first_is_not_wanted(tmp_path: Path) -> None:
    model = Recording(refuses=True)
    async with open_house(tmp_path, model=model, tools={"file_search": Lookup()}, searching=Searching("tool")) as house:
        _, run = await answered(house, "What is clay?")
        assert (run.status, run.last_error.message) == ("failed", "The model 'm' takes no tools.")


async def test_a_model_that_still_refuses_the_clients_functions_fails_the_run(tmp_path: Path) -> None:
    model = Recording(refuses=True)
    async with open_house(tmp_path, model=model, tools={"file_search": Lookup()}) as house:
        _, run = await answered(house, "What is clay?", tools=[*SEARCHING["tools"], *house.assistant.tools])
        assert (run.status, len(model.requests)) == ("failed", 2)


async def test_nothing_is_searched_first_without_the_tool_or_a_text(tmp_path: Path) -> None:
    tool, model = Lookup(), Recording()
    async with open_house(tmp_path, model=model, tools={"file_search": tool}, searching=Searching("prompt")) as house:
        await answered(house, "What is clay?", tools=[])
        await answered(house, "   ")
        thread = await house.thread()
        order = await house.order(thread, "What is clay?", options={"tool_choice": "none", **SEARCHING})
        await house.over(await house.runner.start(order))
    assert tool.asked == []
    assert len(model.requests) == 3


async def test_the_question_before_goes_along(tmp_path: Path) -> None:
    tool, model = Lookup(), Recording()
    async with open_house(tmp_path, model=model, tools={"file_search": tool}, searching=Searching("prompt")) as house:
        thread = await house.thread()
        assistant = house.assistant.model_copy(update=SEARCHING)
        for text in ("What is clay?", "And sand?"):
            await house.answer(thread, text, assistant=assistant)
    assert tool.asked[1][0] == '{"query":"And sand?","context":"What is clay?"}'


async def test_citations_survive_the_death_of_their_writer(tmp_path: Path) -> None:
    async with open_house(tmp_path, tools={"file_search": Lookup()}) as house:
        thread = await house.thread()
        assistant = house.assistant.model_copy(update=SEARCHING)
        run = await house.start(thread, ASKED + 'say "Clay is a soil 【0:0】 and"\nhang', assistant=assistant)
        seen = await house.said(run, 7)
        await house.journalled(run, seen[-1].number)
        await house.die()
    async with open_house(tmp_path, tools={"file_search": Lookup()}) as heir:
        await heir.sweep.sweep(at_start=True)
        message = (await heir.messages(thread))[1]
        (part,) = message.wire()["content"]
        assert message.status == "incomplete"
        (note,) = part["text"]["annotations"]
        assert part["text"]["value"][note["start_index"] : note["end_index"]] == "【0:0†a.md】"
        assert note["file_citation"] == CITED
