import asyncio
import time
from contextlib import aclosing

import pytest

from underpin.errors import ModelError, ModelKeyRejected, ModelRateLimited
from underpin.models.base import (
    ChatMessage,
    CitationDelta,
    Fact,
    Finish,
    ModelRequest,
    TextDelta,
    ToolCallDelta,
    ToolCallSaid,
    UsageFact,
)
from underpin.models.script import FAILURES, parse
from underpin.models.scripted import Scripted


def asked(text: str, *more: ChatMessage, limit: int | None = None) -> ModelRequest:
    return ModelRequest("scripted", (ChatMessage("user", text), *more), max_completion_tokens=limit)


async def played(request: ModelRequest, model: Scripted | None = None) -> list[Fact]:
    return [fact async for batch in (model or Scripted()).stream(request) for fact in batch]


def text(facts: list[Fact]) -> str:
    return "".join(fact.text for fact in facts if isinstance(fact, TextDelta))


def calls(facts: list[Fact]) -> list[tuple[str, str]]:
    found: dict[int, list[str]] = {}
    for fact in facts:
        if isinstance(fact, ToolCallDelta):
            call = found.setdefault(fact.index, [fact.name or "", ""])
            call[1] += fact.arguments
    return [(name, arguments) for name, arguments in found.values()]


@pytest.mark.parametrize(
    "message",
    ["What are the soil types?", "  two  blanks\nand a line 粘土", "call me", "say hello", 'say "a"\nand more', "", "$1"],
)
async def test_a_message_that_is_no_script_is_said_back_word_by_word(message):
    facts = await played(asked(message))
    assert text(facts) == message
    assert facts[-1] == Finish("stop")
    assert all(len(fact.text.split()) <= 1 for fact in facts if isinstance(fact, TextDelta))


async def test_a_script_says_its_text_and_counts_its_words():
    facts = await played(asked('say "Clay is a soil."\n\nwords 2'))
    assert text(facts) == "Clay is a soil.word1 word2"
    assert facts[-2:] == [UsageFact(7, 6), Finish("stop")]


async def test_calls_in_a_row_are_parallel_and_end_the_turn():
    facts = await played(asked('say "Wait."\ncall f {"city": "Zürich"}\ncall g "{bro"\nsay "never yet"'))
    assert text(facts) == "Wait."
    assert calls(facts) == [("f", '{"city": "Zürich"}'), ("g", "{bro")]
    assert facts[-1] == Finish("tool_calls")
    first = [fact for fact in facts if isinstance(fact, ToolCallDelta) and fact.id]
    assert len({fact.id for fact in first}) == 2


async def test_after_the_outputs_the_script_goes_on_and_can_name_them():
    script = 'call f {}\ncall g {}\nsay "$1 and $2, not $3."\ncall h {}\nsay "$3 at last."'
    outputs = [
        ChatMessage("assistant", tool_calls=(ToolCallSaid("c1", "f", "{}"), ToolCallSaid("c2", "g", "{}"))),
        ChatMessage("tool", "one", tool_call_id="c1"),
        ChatMessage("tool", "two", tool_call_id="c2"),
    ]
    second = await played(asked(script, *outputs))
    assert text(second) == "one and two, not $3."
    assert calls(second) == [("h", "{}")]
    outputs += [
        ChatMessage("assistant", tool_calls=(ToolCallSaid("c3", "h", "{}"),)),
        ChatMessage("tool", "three", tool_call_id="c3"),
    ]
    third = await played(asked(script, *outputs))
    assert text(third) == "three at last."
    assert third[-1] == Finish("stop")


async def test_a_script_that_ends_with_calls_says_their_outputs():
    said = ChatMessage("assistant", tool_calls=(ToolCallSaid("c1", "f", "{}"),))
    assert text(await played(asked("call f {}", said, ChatMessage("tool", "sunny", tool_call_id="c1")))) == "sunny"


async def test_what_happened_before_the_last_user_message_does_not_count():
    before = (ChatMessage("user", "call f {}"), ChatMessage("assistant", tool_calls=(ToolCallSaid("c", "f", "{}"),)))
    request = ModelRequest("scripted", (*before, ChatMessage("tool", "x", tool_call_id="c"), ChatMessage("user", "call g {}")))
    assert calls(await played(request)) == [("g", "{}")]


async def test_a_citation_points_at_its_marker():
    facts = await played(asked('say "🪨 Clay"\ncite file-a "Clay is fine."\ncite file-b "So is silt."'))
    said = text(facts)
    citations = [fact for fact in facts if isinstance(fact, CitationDelta)]
    assert [(fact.file_id, fact.quote) for fact in citations] == [("file-a", "Clay is fine."), ("file-b", "So is silt.")]
    assert [said[fact.start_index : fact.end_index] for fact in citations] == [fact.marker for fact in citations]
    assert said == "🪨 Clay【1†source】【2†source】"


async def test_batches_hold_as_many_tokens_as_told():
    batches = [len(batch) async for batch in Scripted().stream(asked("batch 4\nwords 10"))]
    assert batches == [4, 4, 2, 2]


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("usage 12 34", [UsageFact(12, 34), Finish("stop")]),
        ("usage none", [Finish("stop")]),
        ("usage none\nfinish length", [Finish("length")]),
        ("finish content_filter\nusage 1 2", [UsageFact(1, 2), Finish("content_filter")]),
    ],
)
async def test_usage_and_the_reason_to_end_are_as_told(script, end):
    assert await played(asked(script)) == end


@pytest.mark.parametrize(("limit", "words", "reason"), [(3, 3, "length"), (10, 10, "stop"), (11, 10, "stop"), (None, 10, "stop")])
async def test_an_answer_ends_at_the_limit_of_tokens(limit, words, reason):
    facts = await played(asked("words 10", limit=limit))
    assert len(text(facts).split()) == words
    assert facts[-1] == Finish(reason)


@pytest.mark.parametrize("kind", FAILURES)
async def test_every_kind_of_failure_comes_after_what_was_said(kind):
    stream = Scripted().stream(asked(f'batch 9\nsay "a b"\nfail {kind}\nsay "never"'))
    assert await anext(stream) == [TextDelta("a"), TextDelta(" b")]
    with pytest.raises(ModelError) as caught:
        await anext(stream)
    assert type(caught.value) is FAILURES[kind][0]


async def test_a_failure_takes_its_text_and_its_wait_from_the_script():
    with pytest.raises(ModelRateLimited, match=r"^Not now\.$") as caught:
        await played(asked('fail rate_limited "Not now." 20'))
    assert caught.value.retry_after_s == 20.0
    with pytest.raises(ModelKeyRejected, match=r"^Invalid API key\. Please check your OPENAI_API_KEY in the \.env file\.$"):
        await played(asked("fail key"))


async def test_a_delay_stands_before_each_batch_and_a_wait_once():
    begin = time.monotonic()
    await played(asked("delay 20\nbatch 2\nwords 4\ndelay 0\nwait 30\nwords 50"))
    assert time.monotonic() - begin >= 0.07
    begin = time.monotonic()
    await played(asked("words 4"), Scripted(delay_s=0.02))
    assert time.monotonic() - begin >= 0.08


async def test_a_model_that_hangs_can_be_closed():
    stream = Scripted().stream(asked('say "a"\nhang'))
    async with aclosing(stream):
        assert await anext(stream) == [TextDelta("a")]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.02)


async def test_a_long_script_leaves_room_for_others():
    task = asyncio.create_task(played(asked("words 1000")))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 1000


async def test_a_script_given_to_the_model_answers_every_message():
    model = Scripted('say "Always."')
    assert text(await played(asked("Anything?"), model)) == "Always."
    assert text(await played(asked("words 3"), model)) == "Always."


@pytest.mark.parametrize(
    "script", ["", "say hello", "sing", "call f", "call f [1]", "finish soon", "fail loudly", "batch 0", 'fail key "a" "b"']
)
def test_a_script_that_is_none_is_refused_and_the_line_named(script):
    with pytest.raises(ValueError, match=r"empty|Line 2"):
        parse(f'say "first"\n{script}' if script else script)
