"""Every error text of the protocol page (§8), as the SDK's exception classes bring it; and the texts for what is not valid."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types.beta import Assistant, Thread

from tests.wire.v1.asking import ask, outputs, stream

Call = Callable[[], object]
NOBODY = "0" * 24
HINT = "(HINT: Perhaps you meant to use a different HTTP method?)"


def refused(kind: type[openai.APIStatusError], call: Call) -> dict[str, Any]:
    """The error that a call gets; it is of that class."""
    with pytest.raises(kind) as error:
        call()
    assert error.value.request_id.startswith("req_")
    body: dict[str, Any] = error.value.body
    return body


def cases(request: str) -> list[dict[str, Any]]:
    """The requests of that kind that are not valid, and what is answered: also for other languages' tests."""
    listed = json.loads((Path(__file__).parent / "invalid_requests.json").read_text("utf-8"))
    return [{**case, "fields": written_out(case["fields"])} for case in listed if case["request"] == request]


def written_out(value: Any) -> Any:
    match value:
        case {"repeat": one, "times": times, **more}:
            return [one] * times if more.get("list") else one * times
        case dict():
            return {key: written_out(one) for key, one in value.items()}
        case list():
            return [written_out(one) for one in value]
        case _:
            return value


def invalid(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": param, "code": code}


# What is not there


@pytest.mark.parametrize(
    ("call", "noun", "id"),
    [
        (lambda b, t, r: b.assistants.retrieve(f"asst_{NOBODY}"), "assistant", f"asst_{NOBODY}"),
        (lambda b, t, r: b.assistants.update(f"asst_{NOBODY}", name="x"), "assistant", f"asst_{NOBODY}"),
        (lambda b, t, r: b.assistants.delete(f"asst_{NOBODY}"), "assistant", f"asst_{NOBODY}"),
        (lambda b, t, r: b.assistants.list(after=f"asst_{NOBODY}"), "assistant", f"asst_{NOBODY}"),
        (lambda b, t, r: b.threads.retrieve(f"thread_{NOBODY}"), "thread", f"thread_{NOBODY}"),
        (lambda b, t, r: b.threads.update(f"thread_{NOBODY}"), "thread", f"thread_{NOBODY}"),
        (lambda b, t, r: b.threads.delete(f"thread_{NOBODY}"), "thread", f"thread_{NOBODY}"),
        (lambda b, t, r: b.threads.messages.list(f"thread_{NOBODY}"), "thread", f"thread_{NOBODY}"),
        (lambda b, t, r: b.threads.messages.create(f"thread_{NOBODY}", role="user", content="x"), "thread", f"thread_{NOBODY}"),
        (lambda b, t, r: b.threads.runs.list(f"thread_{NOBODY}"), "thread", f"thread_{NOBODY}"),
        (lambda b, t, r: b.threads.messages.retrieve(f"msg_{NOBODY}", thread_id=t), "message", f"msg_{NOBODY}"),
        (lambda b, t, r: b.threads.messages.update(f"msg_{NOBODY}", thread_id=t), "message", f"msg_{NOBODY}"),
        (lambda b, t, r: b.threads.messages.delete(f"msg_{NOBODY}", thread_id=t), "message", f"msg_{NOBODY}"),
        (lambda b, t, r: b.threads.runs.retrieve(f"run_{NOBODY}", thread_id=t), "run", f"run_{NOBODY}"),
        (lambda b, t, r: b.threads.runs.update(f"run_{NOBODY}", thread_id=t), "run", f"run_{NOBODY}"),
        (lambda b, t, r: b.threads.runs.cancel(f"run_{NOBODY}", thread_id=t), "run", f"run_{NOBODY}"),
        (lambda b, t, r: b.threads.runs.submit_tool_outputs(f"run_{NOBODY}", thread_id=t, tool_outputs=[]), "run",
         f"run_{NOBODY}"),
        (lambda b, t, r: b.threads.runs.steps.list(f"run_{NOBODY}", thread_id=t), "run", f"run_{NOBODY}"),
        (lambda b, t, r: b.threads.runs.steps.retrieve(f"step_{NOBODY}", thread_id=t, run_id=r), "run step", f"step_{NOBODY}"),
        (lambda b, t, r: b.threads.runs.create(t, assistant_id=f"asst_{NOBODY}"), "assistant", f"asst_{NOBODY}"),
        (lambda b, t, r: b.threads.create_and_run(assistant_id=f"asst_{NOBODY}"), "assistant", f"asst_{NOBODY}"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(client: openai.OpenAI, assistant: Assistant, call: Callable[..., object], noun, id):
    run = stream(client, assistant, "Hello.")[-1].data
    body = refused(openai.NotFoundError, lambda: call(client.beta, run.thread_id, run.id))
    assert body == invalid(f"No {noun} found with id '{id}'.")


def test_what_is_in_another_thread_is_not_there(client: openai.OpenAI, assistant: Assistant, talk: Thread):
    run = stream(client, assistant, "Hello.")[-1].data
    message = client.beta.threads.messages.list(run.thread_id).data[0]
    [step] = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id).data
    threads = client.beta.threads
    for call, text in [
        (lambda: threads.runs.retrieve(run.id, thread_id=talk.id), f"No run found with id '{run.id}'."),
        (lambda: threads.messages.retrieve(message.id, thread_id=talk.id), f"No message found with id '{message.id}'."),
        (lambda: threads.messages.list(talk.id, before=message.id), f"No message found with id '{message.id}'."),
        (lambda: threads.runs.steps.retrieve(step.id, thread_id=talk.id, run_id=run.id), f"No run found with id '{run.id}'."),
    ]:
        assert refused(openai.NotFoundError, call) == invalid(text)


@pytest.mark.parametrize(
    ("call", "param", "prefix"),
    [
        (lambda b, t: b.threads.retrieve("undefined"), "thread_id", "thread"),
        (lambda b, t: b.threads.runs.retrieve("undefined", thread_id=t), "run_id", "run"),
        (lambda b, t: b.threads.messages.retrieve("undefined", thread_id=t), "message_id", "msg"),
        (lambda b, t: b.assistants.retrieve("undefined"), "assistant_id", "asst"),
        (lambda b, t: b.threads.runs.create(t, assistant_id="undefined"), "assistant_id", "asst"),
    ],
)
def test_an_id_that_cannot_be_one_is_not_valid(client: openai.OpenAI, talk: Thread, call: Callable[..., object], param, prefix):
    body = refused(openai.BadRequestError, lambda: call(client.beta, talk.id))
    text = f"Invalid '{param}': 'undefined'. Expected an ID that begins with '{prefix}'."
    assert body == invalid(text, param, "invalid_value")


# What the state does not allow


@pytest.fixture
def busy(client: openai.OpenAI, assistant: Assistant) -> Any:
    """A run that waits for tool outputs."""
    return stream(client, assistant, 'call get_weather {"city": "Paris"}\ncall get_weather {"city": "Rome"}')[-1].data


def test_a_second_run_is_refused_and_leaves_no_trace(client: openai.OpenAI, assistant: Assistant, busy: Any):
    runs, messages = client.beta.threads.runs, client.beta.threads.messages
    before = [message.id for message in messages.list(busy.thread_id)]
    more = [{"role": "user", "content": "And this?"}]
    text = f"Thread {busy.thread_id} already has an active run {busy.id}."
    for options in ({}, {"stream": True}, {"additional_messages": more}):
        call = lambda options=options: runs.create(busy.thread_id, assistant_id=assistant.id, **options)  # noqa: E731
        assert refused(openai.BadRequestError, call) == invalid(text)
    assert [run.id for run in runs.list(busy.thread_id)] == [busy.id]
    assert [message.id for message in messages.list(busy.thread_id)] == before


def test_a_message_while_a_run_is_active_is_refused(client: openai.OpenAI, busy: Any):
    def add() -> object:
        return client.beta.threads.messages.create(busy.thread_id, role="user", content="And this?")

    text = f"Can't add messages to {busy.thread_id} while a run {busy.id} is active."
    assert refused(openai.BadRequestError, add) == invalid(text)
    assert len(client.beta.threads.messages.list(busy.thread_id).data) == 1


def test_outputs_must_be_those_of_all_calls(client: openai.OpenAI, busy: Any):
    first, second = outputs(busy, "rain", "sun")
    ids = [first["tool_call_id"], second["tool_call_id"]]

    def submit(*given: dict[str, Any]) -> Call:
        return lambda: client.beta.threads.runs.submit_tool_outputs(busy.id, thread_id=busy.thread_id, tool_outputs=given)

    for given in ([first], [second], [], [first, {"tool_call_id": "call_other", "output": "x"}]):
        text = f"Expected tool outputs for call_ids {ids}, got {[one['tool_call_id'] for one in given]}"
        assert refused(openai.BadRequestError, submit(*given)) == invalid(text)
    assert client.beta.threads.runs.retrieve(busy.id, thread_id=busy.thread_id).status == "requires_action"


def test_a_run_that_has_ended_takes_nothing_more(client: openai.OpenAI, assistant: Assistant):
    run = stream(client, assistant, "Hello.")[-1].data
    runs = client.beta.threads.runs
    body = refused(openai.BadRequestError, lambda: runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=[]))
    assert body == invalid('Runs in status "completed" do not accept tool outputs.')
    body = refused(openai.BadRequestError, lambda: runs.cancel(run.id, thread_id=run.thread_id))
    assert body == invalid("Cannot cancel run with status 'completed'.")


def test_an_ended_run_lets_go_of_its_thread_at_once(client: openai.OpenAI, assistant: Assistant):
    thread = ask(client, "Hello.")
    for _ in range(20):
        events = list(client.beta.threads.runs.create(thread.id, assistant_id=assistant.id, stream=True))
        assert events[-1].event == "thread.run.completed"
        client.beta.threads.messages.create(thread.id, role="user", content="Again.")


# What is not valid


@pytest.mark.parametrize("case", cases("assistant"), ids=lambda case: case["message"][:60])
def test_an_assistant_that_is_not_valid(client: openai.OpenAI, case: dict[str, Any]):
    fields, message, param, code = case["fields"], case["message"], case["param"], case["code"]
    for call in (
        lambda: client.beta.assistants.create(**{"model": "gpt-4o", **fields}),
        lambda: client.beta.assistants.update(f"asst_{NOBODY}", **fields),
    ):
        assert refused(openai.BadRequestError, call) == invalid(message, param, code)


def test_an_assistant_needs_a_model(client: openai.OpenAI):
    body = refused(openai.BadRequestError, lambda: client.post("/assistants", body={}, cast_to=object))
    assert body == invalid("Missing required parameter: 'model'.", "model", "missing_required_parameter")


@pytest.mark.parametrize("case", cases("message"), ids=lambda case: case["message"][:60])
def test_a_message_that_is_not_valid(client: openai.OpenAI, talk: Thread, case: dict[str, Any]):
    fields, message, param, code = case["fields"], case["message"], case["param"], case["code"]

    def add() -> object:
        return client.beta.threads.messages.create(talk.id, **{"role": "user", "content": "x", **fields})

    assert refused(openai.BadRequestError, add) == invalid(message, param, code)
    assert client.beta.threads.messages.list(talk.id).data == []


@pytest.mark.parametrize("case", cases("run"), ids=lambda case: case["message"][:60])
def test_a_run_that_is_not_valid(client: openai.OpenAI, assistant: Assistant, talk: Thread, case: dict[str, Any]):
    fields, message, param, code = case["fields"], case["message"], case["param"], case["code"]

    def start() -> object:
        return client.post(f"/threads/{talk.id}/runs", body={"assistant_id": assistant.id, **fields}, cast_to=object)

    assert refused(openai.BadRequestError, start) == invalid(message, param, code)
    assert client.beta.threads.runs.list(talk.id).data == []


@pytest.mark.parametrize(
    ("query", "message", "code"),
    [
        (
            {"limit": 0},
            "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead.",
            "integer_below_min_value",
        ),
        (
            {"limit": 101},
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.",
            "integer_above_max_value",
        ),
        ({"limit": "many"}, "Invalid type for 'limit': expected an integer, but got a string instead.", "invalid_type"),
        ({"order": "up"}, "Invalid value: 'up'. Supported values are: 'asc' and 'desc'.", "invalid_value"),
    ],
)
def test_a_list_that_is_asked_for_wrongly(client: openai.OpenAI, query: dict[str, Any], message: str, code: str):
    body = refused(openai.BadRequestError, lambda: client.beta.assistants.list(extra_query=query))
    assert body == invalid(message, next(iter(query)), code)


# The envelope, on everything


@pytest.mark.parametrize(
    ("method", "path", "status", "message", "code"),
    [
        ("GET", "/v1/nothing", 404, "Invalid URL (GET /v1/nothing)", "unknown_url"),
        ("POST", "/v1/threads/a/b/c", 404, "Invalid URL (POST /v1/threads/a/b/c)", "unknown_url"),
        ("GET", "/v1", 404, "Invalid URL (GET /v1)", "unknown_url"),
        ("PUT", "/v1/assistants", 405, f"Not allowed to PUT on /v1/assistants. {HINT}", "method_not_supported"),
    ],
)  # fmt: skip
def test_an_address_that_nobody_serves(http: httpx.Client, method: str, path: str, status: int, message: str, code: str):
    answer = http.request(method, path)
    assert answer.status_code == status
    assert answer.json() == {"error": invalid(message, None, code)}
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("body", ["{", '{"a": }', "\ufeff", '{"model": "\\ud800"}', '{"a": NaN}', "nonsense", '"'])
def test_a_body_that_is_no_json(http: httpx.Client, body: str):
    answer = http.post("/v1/assistants", content=body.encode())
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("We could not parse the JSON body of your request.")


@pytest.mark.parametrize("body", ["[]", "5", '"text"', "null"])
def test_a_body_that_is_no_object(http: httpx.Client, body: str):
    answer = http.post("/v1/threads", content=body.encode())
    assert answer.status_code == 400
    assert answer.json() == {"error": invalid("Invalid type for the body: expected an object.", None, "invalid_type")}


def test_a_body_that_is_too_large(http: httpx.Client):
    answer = http.post("/v1/threads", content=b'"' + b"x" * 4_000_000 + b'"')
    assert answer.status_code == 413
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_a_foreign_page_is_told_in_the_envelope(http: httpx.Client):
    answer = http.post("/v1/threads", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_the_other_routes_keep_their_form(http: httpx.Client):
    assert set(http.get("/nothing").json()) == {"detail", "error"}
    assert set(http.get("/v1x").json()) == {"detail", "error"}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"unknown": 5, "messages": null, "metadata": null}'])
def test_what_openai_ignored_is_ignored(http: httpx.Client, body: bytes):
    for headers in ({}, {"OpenAI-Beta": "assistants=v2"}, {"Authorization": "Bearer sk-x"}, {"Content-Type": "text/plain"}):
        answer = http.post("/v1/threads", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["metadata"] == {}
