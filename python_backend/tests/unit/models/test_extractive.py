"""The model that quotes: what it asks, what it says, and how it streams."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from underpin.models.base import (
    ChatMessage,
    Fact,
    Finish,
    FunctionSpec,
    ModelRequest,
    Picture,
    TextDelta,
    ToolCallDelta,
    ToolCallSaid,
    UsageFact,
)
from underpin.models.extractive import HINT, Extractive

SEARCH = FunctionSpec("file_search")


def request(*messages: ChatMessage, **settings: Any) -> ModelRequest:
    return ModelRequest("extractive", messages, **{"tools": (SEARCH,), **settings})


def user(text: str) -> ChatMessage:
    return ChatMessage("user", text)


def searched(output: str) -> tuple[ChatMessage, ...]:
    call = ToolCallSaid("call_1", "file_search", "{}")
    return user("question"), ChatMessage("assistant", tool_calls=(call,)), ChatMessage("tool", output, tool_call_id="call_1")


def quote(text: str, score: float = 1.0, **fields: Any) -> dict[str, Any]:
    return {"passage": 0, "text": text, "score": score, "fits": True, "is_row": False, "after": "", **fields}


def found(*quotes: dict[str, Any], unknown: Sequence[str] = (), files: Sequence[str] = ("a.md",)) -> str:
    passages = [
        {"marker": f"【{place}:0†{name}】", "filename": name, "heading": f"Part {place}"} for place, name in enumerate(files)
    ]
    return json.dumps({"passages": passages, "quotes": quotes, "unknown": unknown, "topics": ["Clay", "Sand"]})


async def facts(request: ModelRequest) -> list[Fact]:
    return [fact async for batch in Extractive(pace_s=0).stream(request) for fact in batch]


async def answer(request: ModelRequest) -> str:
    return "".join(fact.text for fact in await facts(request) if isinstance(fact, TextDelta))


async def arguments(request: ModelRequest) -> dict[str, Any]:
    (call,) = (fact for fact in await facts(request) if isinstance(fact, ToolCallDelta))
    return json.loads(call.arguments)


async def test_it_first_searches_for_the_question_as_it_was_asked() -> None:
    call, *others = await facts(request(ChatMessage("system", "Be kind."), user("What is “clay”?\nReally?")))

    assert isinstance(call, ToolCallDelta)
    assert (call.index, call.name) == (0, "file_search")
    assert call.id is not None
    assert call.id.startswith("call_")
    assert json.loads(call.arguments)["query"] == "What is “clay”?\nReally?"
    assert others == [UsageFact(0, 0), Finish("tool_calls")]


@pytest.mark.parametrize(
    "follow_up", ["And for clay?", "clay?", "What about its strength in summer, please?", "Why is that so, do you know?"]
)
async def test_a_follow_up_is_searched_with_the_question_before_it(follow_up: str) -> None:
    asked = await arguments(request(user("What limit has sand?"), ChatMessage("assistant", "50"), user(follow_up)))

    assert asked["context"] == "What limit has sand?"


async def test_a_question_of_its_own_is_searched_alone() -> None:
    assert "context" not in await arguments(request(user("What limit has sand?"), user("How heavy is the hammer of an SPT?")))


async def test_every_quote_is_followed_by_the_marker_of_its_passage() -> None:
    output = found(
        quote("Clay 🪨𝛾 is sticky.", after="It settles."), quote("Sand: 5", 0.9, passage=1, is_row=True), files=["ä b.md", "b.md"]
    )

    text = await answer(request(*searched(output)))

    assert "Part 0:\n- “Clay 🪨𝛾 is sticky. It settles.” 【0:0†ä b.md】" in text
    assert "Part 1:\n- Sand: 5 【1:0†b.md】" in text


async def test_a_marker_is_said_in_one_piece() -> None:
    output = found(*(quote(f"Clay {n} is {'very ' * n}sticky.", 1 - n / 100) for n in range(4)), files=["a long name.md"])

    said = [fact.text for fact in await facts(request(*searched(output))) if isinstance(fact, TextDelta)]

    assert sum("【0:0†a long name.md】" in text for text in said) == "".join(said).count("【") == 4


async def test_documents_with_brackets_and_markers_of_their_own_are_quoted_whole() -> None:
    text = "a【b c【1†x】 】d\n\n  e"

    said = await answer(request(*searched(found(quote(text)))))

    assert f"“{text}” 【0:0†a.md】" in said


async def test_it_says_that_no_language_model_is_configured_and_how_to_configure_one() -> None:
    for output in (found(quote("Clay.")), found()):
        assert (await answer(request(*searched(output)))).endswith(HINT)
    assert "OPENAI_API_KEY" in HINT
    assert "python_backend/.env" in HINT
    assert "restart" in HINT


@pytest.mark.parametrize(
    "output",
    [
        found(),
        found(quote("Clay.", 0.3)),
        found(quote("Clay.", 1.0, fits=False)),
        found(quote("Clay.", 0.6), unknown=["basalt"]),
    ],
)
async def test_where_the_documents_hold_no_answer_it_says_so_and_what_they_are_about(output: str) -> None:
    said = await facts(request(*searched(output)))

    text = "".join(fact.text for fact in said if isinstance(fact, TextDelta))
    assert text.startswith("The documents hold no answer to this question. They are about: Clay; Sand.")
    assert "【" not in "".join(fact.text for fact in said if isinstance(fact, TextDelta))


async def test_documents_that_are_still_being_read_may_hold_the_answer() -> None:
    output = {**json.loads(found()), "being_read": 3}
    said = await facts(request(*searched(json.dumps(output))))

    text = "".join(fact.text for fact in said if isinstance(fact, TextDelta))
    assert text.startswith(
        "The documents hold no answer to this question. 3 documents are still being read: ask again in a moment."
    )


async def test_weak_repeated_and_overlapping_quotes_are_left_out() -> None:
    output = found(
        quote("Clay is sticky.", 1.0, after="It settles."),
        quote("It settles.", 0.95),
        quote("Sand drains.", 0.9),
        quote("Rock is hard.", 0.5),
    )

    text = await answer(request(*searched(output)))

    assert text.count("It settles.") == 1
    assert "Sand drains." in text
    assert "Rock is hard." not in text


@pytest.mark.parametrize(("score", "shown"), [(1.2, ["Best.", "Near."]), (1.1, ["Best.", "Near.", "Further."])])
async def test_the_surer_the_best_quote_is_the_nearer_others_must_be(score: float, shown: list[str]) -> None:
    output = found(quote("Best.", score), quote("Near.", 0.96 * score), quote("Further.", 0.9 * score))
    said = await answer(request(*searched(output)))
    assert [text for text in ("Best.", "Near.", "Further.") if text in said] == shown


async def test_of_a_table_only_the_rows_that_match_best_are_shown() -> None:
    rows = [quote(f"Soil: {n}", 1.0 if n < 2 else 0.95, is_row=True) for n in range(4)]

    text = await answer(request(*searched(found(*rows))))

    assert [f"Soil: {n}" in text for n in range(4)] == [True, True, False, False]


async def test_a_whole_table_may_be_the_answer() -> None:
    rows = [quote(f"Soil: {n}", 1.0, is_row=True) for n in range(9)]

    assert (await answer(request(*searched(found(*rows))))).count("Soil:") == 6


@pytest.mark.parametrize("output", ['{"error": "no"}', "not json", "", "{}", '{"passages": 3}'])
async def test_a_search_that_failed_is_said_in_a_sentence(output: str) -> None:
    assert (await answer(request(*searched(output)))).startswith("The search in the documents did not work")


@pytest.mark.parametrize("settings", [{"tools": ()}, {"tool_choice": "none"}, {"tools": (FunctionSpec("get_x"),)}])
async def test_without_the_search_tool_it_says_what_is_missing(settings: dict[str, Any]) -> None:
    assert "file_search" in await answer(request(user("What is clay?"), **settings))


@pytest.mark.parametrize(
    "message",
    ["Hello!", "hi there, how are you?", "Thanks a lot 🙏", "Thank you for the help.", "Who are you?", "ok", "Good morning"],
)
async def test_small_talk_gets_a_friendly_sentence(message: str) -> None:
    said = await facts(request(user(message)))

    assert said[-1] == Finish("stop")
    assert not any(isinstance(fact, ToolCallDelta) for fact in said)


@pytest.mark.parametrize(
    "message",
    ["Hello, what is clay?", "help me with consolidation", "thanks, and for sand?", "What is this soil?", "ok, next: silt"],
)
async def test_a_question_in_small_talk_is_a_question(message: str) -> None:
    assert (await arguments(request(user(message))))["query"] == message


@pytest.mark.parametrize("messages", [(), (user("  "),), (ChatMessage("user", images=(Picture("data:x"),)),)])
async def test_a_message_without_text_is_answered_too(messages: tuple[ChatMessage, ...]) -> None:
    assert "no text" in await answer(request(*messages))


async def test_an_answer_longer_than_allowed_is_cut_and_says_so() -> None:
    said = await facts(request(*searched(found(quote("Clay is sticky."))), max_completion_tokens=5))

    assert "".join(fact.text for fact in said if isinstance(fact, TextDelta)) == "The documents say:\n\nPart 0:"
    assert "【" not in "".join(fact.text for fact in said if isinstance(fact, TextDelta))
    assert said[-1] == Finish("length")


async def test_it_streams_in_small_batches_and_stops_when_nobody_listens() -> None:
    batches = 0
    async with aclosing(Extractive(pace_s=3600).stream(request(*searched(found(quote("Clay. " * 50)))))) as stream:
        async for batch in stream:
            assert len(" ".join(fact.text for fact in batch if isinstance(fact, TextDelta)).split()) <= 4
            batches += 1
            break
    assert batches == 1


async def test_cancelling_ends_it_in_the_pause_between_two_batches() -> None:
    started = asyncio.Event()

    async def listen() -> None:
        async for _ in Extractive(pace_s=3600).stream(request(*searched(found(quote("Clay."))))):
            started.set()

    task = asyncio.create_task(listen())
    await started.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
