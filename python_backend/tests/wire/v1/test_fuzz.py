"""What is taken comes back as it was, and addresses that nobody would write are refused in OpenAI's envelope. Bodies of all kinds
for all operations are in tests/wire/test_own_openapi.py."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

TEXTS = some.one_of(
    some.text(max_size=30),
    some.sampled_from(["", "auto", "user", "text", "function", "\x00", "﻿", "\u202e", "\u2028", "{}", "🪨" * 70]),
    some.builds(lambda part, times: part * times, some.text(max_size=4), some.integers(0, 300)),
)
SCALARS = some.one_of(some.none(), some.booleans(), some.integers(), some.floats(allow_nan=False, allow_infinity=False), TEXTS)
FIELDS = some.sampled_from([
    "model", "name", "description", "instructions", "tools", "tool_resources", "metadata", "temperature", "top_p", "type", "role",
    "response_format", "reasoning_effort", "content", "attachments", "text", "image_url", "image_file", "url", "file_id",
    "detail",
    "assistant_id", "additional_messages", "additional_instructions", "stream", "max_prompt_tokens", "max_completion_tokens",
    "truncation_strategy", "last_messages", "tool_choice", "parallel_tool_calls", "function", "parameters", "strict", "messages",
    "thread", "tool_outputs", "tool_call_id", "output", "json_schema", "schema", "code_interpreter", "file_ids", "$ne",
])  # fmt: skip
JSON = some.recursive(
    SCALARS, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(FIELDS | TEXTS, inner, max_size=5), max_leaves=12
)
IDS = some.one_of(some.text(min_size=1, max_size=20), some.sampled_from(["undefined", "..", "%00", "thread_", "\x00", "a/b"]))


def check(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code != 200:
        assert answer.status_code in (400, 404, 405, 413), answer.text
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]


@pytest.fixture(scope="module")
def messages(http_v1: httpx.Client) -> str:
    """Where the messages of a thread are listed."""
    thread = http_v1.post("/threads", json={"messages": [{"role": "user", "content": "Hello."}]}).json()["id"]
    return f"/threads/{thread}/messages"


@pytest.fixture(scope="module")
def http_v1(server: Any) -> Any:
    with httpx.Client(base_url=server.base_url + "/v1", timeout=30) as client:
        yield client


LOOSE = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


SOUND = some.fixed_dictionaries(
    {},
    optional={
        "name": TEXTS, "instructions": TEXTS, "metadata": some.dictionaries(TEXTS, TEXTS, max_size=3),
        "temperature": some.floats(0, 2), "tools": some.lists(some.builds(
            lambda name, more: {"type": "function", "function": {"name": name, "parameters": more}},
            some.from_regex(r"[a-z]{1,9}", fullmatch=True), some.dictionaries(TEXTS, JSON, max_size=3),
        ), max_size=3),
    },
)  # fmt: skip


@LOOSE
@given(fields=SOUND)
def test_what_is_taken_comes_back_as_it_was(http_v1: httpx.Client, fields: dict[str, Any]):
    made = http_v1.post("/assistants", json={"model": "m", **fields})
    check(made)
    if made.status_code == 200:
        kept = http_v1.get(f"/assistants/{made.json()['id']}").json()
        assert {name: kept[name] for name in fields} == fields
        assert kept == made.json()


@LOOSE
@given(thread=IDS, run=IDS, query=some.dictionaries(some.sampled_from(["limit", "order", "after", "before", "run_id"]), IDS))
def test_any_address(http_v1: httpx.Client, messages: str, thread: str, run: str, query: dict[str, str]):
    thread, run = quote(thread, safe=""), quote(run, safe="")
    for path in (f"/threads/{thread}", f"/threads/{thread}/runs/{run}", f"/assistants/{run}", f"/models/{run}"):
        check(http_v1.get(path, params=query))
    check(http_v1.get(messages, params=query))


@pytest.mark.parametrize("path", ["/threads/", "/assistants/", "/files/", "/models/", "/threads/thread_x/messages/"])
def test_an_address_with_a_slash_too_many_is_not_there(http_v1: httpx.Client, path: str):
    answer = http_v1.get(path)
    assert answer.status_code == 404
    check(answer)
