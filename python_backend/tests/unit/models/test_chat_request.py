import json

import pytest

from underpin.models.base import ChatMessage, FunctionSpec, ModelRequest, Picture, ToolCallSaid
from underpin.models.chat_request import Dialect, chat_body, encoded_body

HELLO = (ChatMessage("user", "Hello"),)
SEARCH = FunctionSpec("file_search", "Searches.", {"type": "object", "properties": {"query": {"type": "string"}}}, strict=True)


def body(**given: object) -> dict[str, object]:
    request = ModelRequest(**{"model": "m", "messages": HELLO} | given)  # type: ignore[arg-type]
    return chat_body(request, Dialect())


def test_only_what_the_caller_set_is_sent():
    assert body() == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_what_the_caller_set_is_sent_also_when_it_is_zero_or_false():
    sent = body(
        temperature=0.0, top_p=0.5, max_completion_tokens=9, reasoning_effort="low", response_format={"type": "json_object"}
    )
    sent |= body(tools=(SEARCH,), parallel_tool_calls=False, tool_choice="required") | sent
    assert sent["temperature"] == 0.0
    assert sent["top_p"] == 0.5
    assert sent["max_completion_tokens"] == 9
    assert sent["reasoning_effort"] == "low"
    assert sent["response_format"] == {"type": "json_object"}
    assert sent["parallel_tool_calls"] is False
    assert sent["tool_choice"] == "required"


def test_parameters_about_tools_are_not_sent_without_tools():
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body(tool_choice="none", parallel_tool_calls=False))


def test_messages_of_every_role_are_written_as_the_api_wants_them():
    call = ToolCallSaid("call_1", "f", "{}")
    messages = (
        ChatMessage("system", "Be brief."),
        ChatMessage("user", "Look:", images=(Picture("https://x/y.png"), Picture("data:image/png;base64,AA", "low"))),
        ChatMessage("assistant", "", tool_calls=(call,)),
        ChatMessage("tool", "42", tool_call_id="call_1"),
        ChatMessage("assistant", "It is 42."),
    )
    assert body(messages=messages)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look:"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
        {"role": "assistant", "content": "It is 42."},
    ]


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ('{"query": "clay"}', '{"query": "clay"}'),
        ("", "{}"),
        ('{"query": "cl', "{}"),
        ("[1]", "{}"),
        ('"clay"', "{}"),
        ("\ud83d", "{}"),
        ("[" * 5000, "{}"),
    ],
)
def test_arguments_that_a_model_broke_are_not_sent_back(said, sent):
    messages = (ChatMessage("assistant", tool_calls=(ToolCallSaid("call_1", "f", said),)),)
    assert body(messages=messages)["messages"][0]["tool_calls"][0]["function"]["arguments"] == sent  # type: ignore[index]


def test_what_a_server_wants_back_with_its_call_is_sent_as_it_came():
    signed = {"google": {"thought_signature": "abc"}}
    messages = (ChatMessage("assistant", tool_calls=(ToolCallSaid("c1", "f", "{}", signed), ToolCallSaid("c2", "g", "{}"))),)
    first, second = body(messages=messages)["messages"][0]["tool_calls"]  # type: ignore[index]
    assert first["extra_content"] == signed
    assert "extra_content" not in second


def test_tools_are_functions_and_always_have_a_schema():
    search, bare = body(tools=(SEARCH, FunctionSpec("now")))["tools"]  # type: ignore[misc]
    expected = {"name": "file_search", "description": "Searches.", "parameters": SEARCH.parameters, "strict": True}
    assert search == {"type": "function", "function": expected}
    assert bare == {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("auto", "auto"),
        ({"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}),
        ({"type": "file_search"}, {"type": "function", "function": {"name": "file_search"}}),
    ],
)
def test_a_choice_of_a_built_in_tool_is_a_choice_of_its_function(asked, sent):
    assert body(tools=(SEARCH,), tool_choice=asked)["tool_choice"] == sent


def test_lone_surrogates_do_not_stop_a_request():
    sent = json.loads(encoded_body(ModelRequest("m", (ChatMessage("user", "a\ud83db"),)), Dialect()))
    assert sent["messages"][0]["content"] == "a?b"


@pytest.mark.parametrize(
    ("text", "learnt"),
    [
        ("Unrecognized request argument supplied: stream_options", Dialect(stream_options=False)),
        ("Unsupported parameter: 'max_completion_tokens'. Use 'max_tokens' instead.", Dialect(max_completion_tokens=False)),
        ('{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"]}]}', Dialect(max_completion_tokens=False)),
        ("max_completion_tokens is too large: 90000. This model supports at most 16384.", Dialect()),
        ("Unsupported parameter: 'temperature'.", Dialect()),
    ],
)
def test_only_a_parameter_that_is_not_known_changes_the_dialect(text, learnt):
    assert Dialect().after_refusal(text) == learnt


def test_an_older_dialect_sends_the_older_name_and_no_stream_options():
    sent = chat_body(
        ModelRequest("m", HELLO, max_completion_tokens=9), Dialect(stream_options=False, max_completion_tokens=False)
    )
    assert sent["max_tokens"] == 9
    assert not {"stream_options", "max_completion_tokens"} & set(sent)
