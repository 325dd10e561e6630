"""What every Model promises (models/base.py). A new one is a line in SUBJECTS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.faults.upstream import TASK_NAME, Chat, Silent, Status, Upstream, call
from underpin.errors import ModelError
from underpin.models.base import (
    ChatMessage,
    CitationDelta,
    Fact,
    Finish,
    Model,
    ModelRequest,
    TextDelta,
    ToolCallDelta,
    UsageFact,
)
from underpin.models.chat_completions import ChatCompletions
from underpin.models.extractive import Extractive
from underpin.models.scripted import Scripted


@dataclass(frozen=True)
class Subject:
    """A model, and how to make it answer in a certain way: the text of the message that does it."""

    model: Model
    make: Callable[[str], str]

    def request(self, what: str) -> ModelRequest:
        return ModelRequest("m", (ChatMessage("user", self.make(what)),))


SCRIPTS = {
    "text": "words 40",
    "calls": 'call f {"city": "Zürich"}\ncall g {}',
    "failure": "words 3\nfail broken",
    "refusal": "fail key",
    "hang": "hang",
    "citations": 'say "🪨 Clay"\ncite file-a "Clay."\ncite file-b "Silt."',
}
BEHAVIOURS = {
    "text": Chat(*(f"word{number} " for number in range(40))),
    "calls": Chat(call(0, "f", '{"city": ', "c1"), call(0, arguments='"Zürich"}'), call(1, "g", "{}", "c2"), finish="tool_calls"),
    "failure": Chat("a ", "b ", "c", finish=None, usage=None, done=False, then="cut"),
    "refusal": Status(401),
    "hang": Silent(),
}


@asynccontextmanager
async def scripted() -> AsyncIterator[Subject]:
    yield Subject(Scripted(), SCRIPTS.__getitem__)


@asynccontextmanager
async def extractive() -> AsyncIterator[Subject]:
    yield Subject(Extractive(pace_s=0), {"text": "What is clay?"}.__getitem__)


@asynccontextmanager
async def chat_completions() -> AsyncIterator[Subject]:
    async with Upstream() as upstream:
        model = ChatCompletions(upstream.base_url, "sk-x", connect_timeout_s=5, first_byte_timeout_s=5, between_bytes_timeout_s=5)

        def make(what: str) -> str:
            upstream.behave(BEHAVIOURS[what])
            return what

        yield Subject(model, make)
        await model.close()


SUBJECTS: dict[str, tuple[Callable[[], AbstractAsyncContextManager[Subject]], set[str]]] = {
    "scripted": (scripted, set(SCRIPTS)),
    "chat_completions": (chat_completions, set(BEHAVIOURS)),
    "extractive": (extractive, {"text"}),
}


def every_model_that_can(*abilities: str) -> pytest.MarkDecorator:
    names = [name for name, (_, able) in SUBJECTS.items() if able.issuperset(abilities)]
    return pytest.mark.parametrize("subject", names, indirect=True)


@pytest.fixture
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    make, _ = SUBJECTS[request.param]
    async with make() as subject:
        yield subject


async def facts_of(subject: Subject, what: str) -> list[Fact]:
    return [fact async for batch in subject.model.stream(subject.request(what)) for fact in batch]


@every_model_that_can("text")
async def test_an_answer_is_batches_of_facts_and_ends_with_its_one_finish(subject):
    batches = [batch async for batch in subject.model.stream(subject.request("text"))]
    assert all(len(batch) > 0 for batch in batches)
    facts = [fact for batch in batches for fact in batch]
    assert [fact for fact in facts if isinstance(fact, Finish)] == [facts[-1]]
    assert facts[-1] == Finish("stop")
    assert sum(isinstance(fact, UsageFact) for fact in facts) <= 1
    assert all(fact.text for fact in facts if isinstance(fact, TextDelta))
    assert any(isinstance(fact, TextDelta) for fact in facts)


@every_model_that_can("text")
async def test_the_same_question_gets_the_same_answer_also_when_many_ask_at_once(subject):
    alone = await facts_of(subject, "text")
    together = await asyncio.gather(*(facts_of(subject, "text") for _ in range(5)))
    assert together == [alone] * 5


@every_model_that_can("calls")
async def test_calls_are_counted_from_zero_and_named_with_their_first_piece(subject):
    calls: list[list[str]] = []
    ids = set()
    facts = await facts_of(subject, "calls")
    for fact in facts:
        if isinstance(fact, ToolCallDelta):
            if fact.index == len(calls):
                assert fact.id
                assert fact.name
                ids.add(fact.id)
                calls.append([fact.name, ""])
            else:
                assert (fact.id, fact.name) == (None, None)
            calls[fact.index][1] += fact.arguments
    assert calls == [["f", '{"city": "Zürich"}'], ["g", "{}"]]
    assert len(ids) == 2
    assert facts[-1] == Finish("tool_calls")


@every_model_that_can("citations")
async def test_a_citation_comes_after_its_marker_and_counts_code_points(subject):
    said = ""
    cited = 0
    for fact in await facts_of(subject, "citations"):
        if isinstance(fact, TextDelta):
            said += fact.text
        elif isinstance(fact, CitationDelta):
            cited += 1
            assert said[fact.start_index : fact.end_index] == fact.marker
    assert cited == 2


@every_model_that_can("failure")
async def test_a_failure_in_the_middle_keeps_what_was_said_and_is_a_sentence(subject):
    said: list[Fact] = []

    async def read() -> None:
        async for batch in subject.model.stream(subject.request("failure")):
            said.extend(batch)

    with pytest.raises(ModelError) as caught:
        await read()
    assert len([fact for fact in said if isinstance(fact, TextDelta)]) == 3
    assert not any(isinstance(fact, Finish) for fact in said)
    assert caught.value.message.endswith(".")


@every_model_that_can("refusal")
async def test_a_refusal_comes_with_the_first_read(subject):
    with pytest.raises(ModelError, match=r"^Invalid API key\. Please check your OPENAI_API_KEY in the \.env file\.$"):
        await anext(subject.model.stream(subject.request("refusal")))


@every_model_that_can("text")
async def test_a_stream_that_is_closed_early_leaves_nothing_behind_and_the_model_goes_on(subject):
    expected = await facts_of(subject, "text")
    tasks = asyncio.all_tasks()
    async with aclosing(subject.model.stream(subject.request("text"))) as stream:
        await anext(stream)
    assert not [task for task in asyncio.all_tasks() - tasks if task.get_name() != TASK_NAME]
    assert await facts_of(subject, "text") == expected


@every_model_that_can("hang")
async def test_a_model_that_says_nothing_can_be_cancelled_at_once(subject):
    task = asyncio.create_task(facts_of(subject, "hang"))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)


@every_model_that_can("text")
async def test_a_model_says_whether_it_searches_and_can_be_closed_twice(subject):
    assert isinstance(subject.model.searches, bool)
    await subject.model.close()
    await subject.model.close()
