"""What a run may use over all its turns, and what is dropped where a thread does not fit."""

import pytest

from tests.unit.runs.house import House
from tests.unit.runs.lookup import Lookup
from tests.unit.runs.test_loop import CONTEXT, Turns, call
from tests.unit.runs.test_prompt import prompt_within, say
from underpin.models.base import ChatMessage, Finish, ModelRequest, Picture, TextDelta, ToolCallDelta, UsageFact
from underpin.objects.run import TruncationStrategy
from underpin.runs.budget import Budget, that_fit, tokens_of_request
from underpin.runs.loop import Answered, LoopFact, OutOfBudget, loop
from underpin.tokens import tokens

SEARCH = [*call(0, "file_search"), Finish("tool_calls")]
DONE = [[TextDelta("Done."), Finish("stop")]]


async def facts(model: Turns, budget: Budget, *, text: str = "Hi.") -> list[LoopFact]:
    request = ModelRequest("m", (ChatMessage("user", text),))
    tools = {"file_search": Lookup()}
    return [fact async for batch in loop(model, request, tools, CONTEXT, budget) for fact in batch]


async def test_each_turn_may_say_what_the_turns_before_it_left() -> None:
    model = Turns([[UsageFact(10, 90), *SEARCH]], [[UsageFact(10, 60), *SEARCH]], DONE)
    assert (await facts(model, Budget(completion_left=300)))[-1] == Answered("stop")
    assert [asked.max_completion_tokens for asked in model.asked] == [300, 210, 150]


async def test_a_run_without_limits_asks_as_the_request_says() -> None:
    model = Turns([[UsageFact(10, 90), *SEARCH]], DONE)
    await facts(model, Budget())
    assert [asked.max_completion_tokens for asked in model.asked] == [None, None]


async def test_no_turn_is_begun_when_nothing_may_be_said() -> None:
    model = Turns([[UsageFact(10, 300), *SEARCH]])
    assert (await facts(model, Budget(completion_left=300)))[-1] == OutOfBudget("max_completion_tokens")
    assert len(model.asked) == 1


async def test_no_turn_is_begun_that_reads_more_than_is_left() -> None:
    model = Turns([[UsageFact(250, 10), *SEARCH]])
    assert (await facts(model, Budget(prompt_left=256)))[-1] == OutOfBudget("max_prompt_tokens")
    assert len(model.asked) == 1
    assert (await facts(Turns(DONE), Budget(prompt_left=256), text="x" * 2000)) == [OutOfBudget("max_prompt_tokens")]


async def test_what_the_model_does_not_count_is_estimated() -> None:
    long = [ToolCallDelta(0, "call_0", "file_search", "x" * 4000), Finish("tool_calls")]
    assert (await facts(Turns([long]), Budget(completion_left=900)))[-1] == OutOfBudget("max_completion_tokens")


def user(number: int, length: int = 400) -> ChatMessage:
    return ChatMessage("user", f"{number:<{length}}")


@pytest.mark.parametrize(
    ("room", "left"),
    [
        (10_000, [0, 1, 2, 3, 4, 5]),
        (330, [0, 4, 5]),
        (220, [0, 5]),
        (110, [5]),
        (0, [5]),
        (-50, [5]),
    ],
)
def test_the_middle_is_dropped_and_the_newest_stays(room: int, left: list[int]) -> None:
    messages = [user(number) for number in range(6)]
    assert that_fit(messages, room) == [messages[number] for number in left]


def test_one_message_stays_and_none_is_none() -> None:
    assert that_fit([user(0)], 0) == [user(0)]
    assert that_fit([], 100) == []


def test_an_estimate_counts_bytes_calls_tools_and_images() -> None:
    assert tokens("") == 0
    assert tokens("clay") == 1
    assert tokens("粘土粘土") == 3
    assert tokens("\ud800") == 1
    pictured = ChatMessage("user", "clay", images=(Picture("https://a/b.png"),))
    assert tokens_of_request([pictured], []) > tokens_of_request([ChatMessage("user", "clay")], []) + 500


async def test_a_prompt_is_cut_to_what_the_run_may_still_read(house: House) -> None:
    thread = await house.thread()
    await say(house, thread, *(("user", f"{number:<400}") for number in range(6)))
    request = await prompt_within(house, thread, 400, instructions="Be brief.")
    assert [int(message.text) for message in request.messages[1:]] == [0, 4, 5]
    assert tokens_of_request(request.messages, request.tools) <= 400


async def test_last_messages_are_never_cut(house: House) -> None:
    thread = await house.thread()
    await say(house, thread, *(("user", f"{number:<400}") for number in range(6)))
    strategy = TruncationStrategy(type="last_messages", last_messages=5)
    request = await prompt_within(house, thread, 256, truncation_strategy=strategy)
    assert [int(message.text) for message in request.messages] == [1, 2, 3, 4, 5]
