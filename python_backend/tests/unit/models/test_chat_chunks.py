import json

import pytest

from underpin.errors import ModelBroken
from underpin.models.base import Fact, Finish, TextDelta, ToolCallDelta, UsageFact
from underpin.models.chat_chunks import CUT, FAILED, MALFORMED, NO_ANSWER, TOO_LONG, WEB_PAGE, ChatChunks, ErrorObject


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def said(finish_reason: str | None = None, **delta: object) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


def read(*pieces: bytes) -> list[Fact]:
    chunks = ChatChunks()
    facts = [fact for piece in pieces for fact in chunks.feed(piece)]
    if chunks.failure is None:
        facts += chunks.end()
    if chunks.failure is not None:
        raise chunks.failure
    return facts


DEEP = b"[" * 100_000 + b"]" * 100_000
LONG_CALL = [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "x" * 300_000}}]
STOP = Finish("stop")
DONE = b"data: [DONE]\n\n"
TOOL = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]}


@pytest.mark.parametrize(
    ("stream", "facts"),
    [
        pytest.param([said(role="assistant", content=""), said("stop")], [STOP], id="a first delta with the role alone"),
        pytest.param([said(content=None), said(content="a"), said("stop")], [TextDelta("a"), STOP], id="content null"),
        pytest.param([said(content="a"), DONE], [TextDelta("a"), STOP], id="no reason to stop but DONE"),
        pytest.param([said(content="a"), said("stop")], [TextDelta("a"), STOP], id="no DONE but a reason to stop"),
        pytest.param([said(content="a"), said("stop")[:-2]], [TextDelta("a"), STOP], id="no end of the last line"),
        pytest.param(
            [said(reasoning_content="hm"), said(reasoning="hm", content="a"), said("stop")],
            [TextDelta("a"), STOP],
            id="reasoning",
        ),
        pytest.param([said(refusal="I will not."), said("stop")], [TextDelta("I will not."), STOP], id="refusal"),
        pytest.param([said("tool_calls", content="a")], [TextDelta("a"), STOP], id="tool_calls without a call"),
        pytest.param([said("stop", **TOOL)], [ToolCallDelta(0, "c", "f", "{}"), Finish("tool_calls")], id="stop with a call"),
        pytest.param([said("length", **TOOL)], [ToolCallDelta(0, "c", "f", "{}"), Finish("length")], id="length within a call"),
        pytest.param([said("length", content="a")], [TextDelta("a"), Finish("length")], id="length"),
        pytest.param([said("content_filter")], [Finish("content_filter")], id="content filter"),
        pytest.param([said("eos", content="a")], [TextDelta("a"), STOP], id="a reason of its own"),
        pytest.param([event({"choices": [{"index": 1, "delta": {"content": "b"}}]}), said("stop")], [STOP], id="a second choice"),
        pytest.param(
            [said(content=[{"type": "thinking", "thinking": []}, {"type": "text", "text": "a"}]), said("stop")],
            [TextDelta("a"), STOP],
            id="content in parts",
        ),
        pytest.param([b"\xef\xbb\xbf\n", said("stop", content="a")], [TextDelta("a"), STOP], id="a byte order mark"),
        pytest.param(
            [said(content="a") + said(content="b") + said("stop")], [TextDelta("a"), TextDelta("b"), STOP], id="one read"
        ),
    ],
)
def test_what_servers_do_differently_comes_out_the_same(stream, facts):
    assert read(*stream) == facts


def usage(**counts: object) -> bytes:
    return event({"choices": [], "usage": counts})


def test_usage_stands_before_the_finish_whenever_it_came():
    end = [UsageFact(3, 2), STOP]
    assert read(said("stop"), usage(prompt_tokens=3, completion_tokens=2, total_tokens=5), DONE) == end
    assert (
        read(usage(prompt_tokens=1, completion_tokens=1), said("stop"), usage(prompt_tokens=3, completion_tokens=2), DONE) == end
    )


@pytest.mark.parametrize("counts", ['"many"', "[]", '{"prompt_tokens":"x"}'])
def test_usage_that_cannot_be_read_is_not_worth_an_answer(counts):
    odd = b'data: {"choices":[],"usage":' + counts.encode() + b"}\n\n"
    assert read(said("stop", content="a"), odd, DONE) == [TextDelta("a"), STOP]


def test_usage_in_other_numbers_is_read():
    assert read(said("stop"), usage(prompt_tokens=3.0, completion_tokens="2"), DONE) == [UsageFact(3, 2), STOP]


def test_usage_of_null_or_without_numbers_is_no_usage():
    assert read(event({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": None}), usage(), DONE) == [STOP]


WHOLE = {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Clay."} | TOOL, "finish_reason": "tool_calls"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}


def test_a_completion_that_is_not_streamed_is_accepted_as_one_batch():
    text = json.dumps(WHOLE, indent=1).encode()
    chunks = ChatChunks()
    assert chunks.feed(text[:50]) == []
    assert chunks.feed(text[50:]) == []
    assert chunks.end() == [TextDelta("Clay."), ToolCallDelta(0, "c", "f", "{}"), UsageFact(3, 2), Finish("tool_calls")]
    assert chunks.failure is None


def test_the_whole_message_beside_its_deltas_is_not_said_twice():
    last = event({"choices": [{"delta": {}, "message": {"content": "a"}, "finish_reason": "stop"}]})
    assert read(said(content="a"), last, DONE) == [TextDelta("a"), STOP]


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b'{"choices":[{"delta":{"content":"a\xff"}}]}', "a�"),
        (b'{"choices":[{"delta":{"content":"a\\ud83d"}}]}', "a�"),
        ('{"choices":[{"delta":{"content":"泥🪨"}}]}'.encode(), "泥🪨"),
        (b'{"choices":[{"delta":{"content":"\\ud83e\\udea8\\u0000"}}]}', "🪨�"),
        (b'{"choices":[{"delta":{"content":"\\u0000a\\\\u0000b\\\\\\u0000\\u0000"}}]}', "�a\\u0000b\\��"),
    ],
)
def test_bytes_that_are_no_character_become_the_replacement_character(payload, text):
    assert read(b"data: " + payload + b"\n\n", said("stop")) == [TextDelta(text), STOP]


def test_a_nul_is_replaced_wherever_it_stands():
    call = {"index": 0, "id": "c\0", "function": {"name": "f\0", "arguments": "{\0}"}}
    facts = read(said(refusal="a\0"), said("stop", tool_calls=[call]))
    assert facts == [TextDelta("a�"), ToolCallDelta(0, "c�", "f�", "{�}"), Finish("tool_calls")]
    whole = {"choices": [{"message": {"content": "a\0b"}, "finish_reason": "stop"}]}
    assert read(json.dumps(whole).encode()) == [TextDelta("a�b"), STOP]


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        pytest.param([said(content="a")], CUT, id="no end"),
        pytest.param([said(content="a"), b'data: {"choices": [{"del'], CUT, id="cut in a line"),
        pytest.param([], NO_ANSWER, id="nothing"),
        pytest.param([DONE], NO_ANSWER, id="DONE alone"),
        pytest.param([b"Hello from a server."], NO_ANSWER, id="plain text"),
        pytest.param([b'{"status": "ok"}'], NO_ANSWER, id="other JSON"),
        pytest.param([b'{"choices": [}'], MALFORMED, id="broken JSON"),
        pytest.param([b"\n<!doctype html><p>Sign in</p>"], WEB_PAGE, id="a web page"),
        pytest.param([b"data: {nonsense}\n\n"], MALFORMED, id="a broken chunk"),
        pytest.param([b'data: {"choices": 7}\n\n'], MALFORMED, id="wrong types"),
        pytest.param([b"data: " + b"[" * 100_000 + b"\n\n"], MALFORMED, id="deep JSON"),
        pytest.param([b'data: {"x":' + DEEP + b"}\n\n"], MALFORMED, id="a deep unknown field"),
        pytest.param([b'data: {"error":' + DEEP + b"}\n\n"], MALFORMED, id="a deep error"),
        pytest.param([said("stop"), b'data: {"choices":[],"usage":' + DEEP + b"}\n\n"], MALFORMED, id="deep usage"),
        pytest.param([said(content="a" * 300_000)] * 7, TOO_LONG, id="an answer without end"),
        pytest.param([said(tool_calls=LONG_CALL)] * 7, TOO_LONG, id="arguments without end"),
        pytest.param([b"[1, 2]"], MALFORMED, id="a list"),
        pytest.param([said("error")], FAILED, id="the reason is an error"),
    ],
)
def test_what_is_no_answer_is_broken_and_says_how(stream, message):
    with pytest.raises(ModelBroken) as caught:
        read(*stream)
    assert caught.value.message == message


def test_what_came_before_a_broken_chunk_in_the_same_read_is_kept():
    chunks = ChatChunks()
    assert chunks.feed(said(content="a") + b"data: {nonsense}\n\n" + said(content="never")) == [TextDelta("a")]
    assert chunks.failure is not None


@pytest.mark.parametrize(
    ("event_bytes", "error"),
    [
        (b'[{"error":{"code":400,"message":"no"}}]\n', {"code": 400, "message": "no"}),
        (b'error: {"code":500,"message":"no"}\n\n', {"code": 500, "message": "no"}),
        (
            b'data: {"object":"error","message":"no","type":"BadRequestError","param":null,"code":400}\n\n' + DONE,
            {"message": "no", "type": "BadRequestError", "code": 400},
        ),
    ],
    ids=["in a list", "llama.cpp's of old", "vLLM's of old"],
)
def test_an_error_is_known_in_every_form(event_bytes, error):
    with pytest.raises(ErrorObject) as caught:
        read(event_bytes)
    assert caught.value.error == error


@pytest.mark.parametrize("error", [{"message": "no", "code": 500}, "no"])
def test_an_error_object_in_the_stream_is_handed_on(error):
    with pytest.raises(ErrorObject) as caught:
        read(said(content="a"), event({"error": error}))
    assert caught.value.error == error


def test_an_empty_error_beside_a_chunk_is_none():
    assert read(event({"error": None, "choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]})) == [
        TextDelta("a"),
        STOP,
    ]
