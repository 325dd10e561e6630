"""Every field of /v1 that takes a text gives it back as it was, to the letter, or refuses it with 400."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess

TEXTS = {
    "NUL": "a\0b",
    "a lone surrogate": "a\ud800b",
    "half a pair": "\udc00",
    "a BOM": "\ufeffa\ufeff",
    "right to left": "\u202eabc\u202c טיט \u2067وطين\u2069",
    "joined": "👩‍👩‍👧‍👦 🏳️‍🌈 a\u200d\u200cb",
    "separators": "a\u2028b\u2029c\x85d\x0be\r\nf\rg",
    "combining": "e\u0301 \ufb01 \u1100\u1161\u11a8 Å",
    "not characters": "\uffff\ufffe\ufdd0\U0010ffff",
    "controls": "\x01\x1b[31mred\x7f",
    "blanks": " \t a \n ",
    "events": 'x\n\ndata: [DONE]\n\nevent: done\n{"$ne": null}',
    "1 MB": "粘" * 350_000,
}
REFUSED = {"NUL", "a lone surrogate", "half a pair"}
"""What a database or UTF-8 cannot keep."""
OF_NO_NAME = {"right to left", "separators", "controls", "events", "blanks"}
"""A file's name is shown by others: it has no control characters, and nothing that turns text."""

Read = Callable[[], Any]


class Http:
    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.assistant = self.post("/assistants", model="m", tools=[{"type": "function", "function": {"name": "f"}}]).json()["id"]

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.client.post(path, content=json.dumps(body))  # escapes, which is how a lone surrogate can be sent at all

    def made(self, path: str, **body: Any) -> str:
        return str(self.post(path, **body).raise_for_status().json()["id"])

    def get(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    def at(self, collection: str, answer: httpx.Response) -> Any:
        """What was made, read again."""
        return self.get(f"{collection}/{answer.json()['id']}")


@pytest.fixture(scope="module")
def http(server: ServerProcess) -> Iterator[Http]:
    with httpx.Client(base_url=server.base_url + "/v1", timeout=30) as client:
        yield Http(client)


def an_assistant(http: Http, fields: dict[str, Any], read: Callable[[Any], Any]) -> tuple[httpx.Response, Read]:
    answer = http.post("/assistants", **{"model": "m", **fields})
    return answer, lambda: read(http.at("/assistants", answer))


def a_message(http: Http, fields: dict[str, Any], read: Callable[[Any], Any]) -> tuple[httpx.Response, Read]:
    thread = http.made("/threads")
    answer = http.post(f"/threads/{thread}/messages", **{"role": "user", "content": "Hello", **fields})
    return answer, lambda: read(http.at(f"/threads/{thread}/messages", answer))


def a_run(http: Http, fields: dict[str, Any], read: Callable[[str, Any], Any]) -> tuple[httpx.Response, Read]:
    thread = http.made("/threads", messages=[{"role": "user", "content": 'say "Done."'}])
    answer = http.post(f"/threads/{thread}/runs", assistant_id=http.assistant, **fields)
    return answer, lambda: read(thread, http.at(f"/threads/{thread}/runs", answer))


def a_first_message(http: Http, text: str) -> tuple[httpx.Response, Read]:
    answer = http.post("/threads", messages=[{"role": "user", "content": [{"type": "text", "text": text}]}])
    return answer, lambda: first_text(http, answer.json()["id"])


def first_text(http: Http, thread: str) -> Any:
    return http.get(f"/threads/{thread}/messages?limit=1")["data"][0]["content"][0]["text"]["value"]


def an_output(http: Http, text: str) -> tuple[httpx.Response, Read]:
    """It stands in the step, and the scripted model says it back."""
    run = {"assistant_id": http.assistant, "stream": True, "thread": {"messages": [{"role": "user", "content": "call f {}"}]}}
    http.post("/threads/runs", **run)
    thread = http.get("/threads?limit=1")["data"][0]["id"]
    waiting = http.get(f"/threads/{thread}/runs")["data"][0]
    [call] = waiting["required_action"]["submit_tool_outputs"]["tool_calls"]
    at = f"/threads/{thread}/runs/{waiting['id']}"
    outputs = [{"tool_call_id": call["id"], "output": text}]
    answer = http.post(f"{at}/submit_tool_outputs", tool_outputs=outputs, stream=True)

    def read() -> Any:
        steps = http.get(f"{at}/steps?order=asc")["data"]
        kept = steps[0]["step_details"]["tool_calls"][0]["function"]["output"]
        # Words that are blanks alone are no words to the model that says them.
        assert not text.strip() or first_text(http, thread).strip() == text.strip()
        return kept

    return answer, read


def a_file_name(http: Http, text: str) -> tuple[httpx.Response, Read]:
    answer = http.post("/uploads", filename=text, purpose="assistants", bytes=1, mime_type="text/plain")
    return answer, lambda: answer.json()["filename"]


PLACES: dict[str, Callable[[Http, str], tuple[httpx.Response, Read]]] = {
    "an assistant's name": lambda http, text: an_assistant(http, {"name": text}, lambda made: made["name"]),
    "its description": lambda http, text: an_assistant(http, {"description": text}, lambda made: made["description"]),
    "its instructions": lambda http, text: an_assistant(http, {"instructions": text}, lambda made: made["instructions"]),
    "its model": lambda http, text: an_assistant(http, {"model": text}, lambda made: made["model"]),
    "a metadata value": lambda http, text: an_assistant(http, {"metadata": {"a": text}}, lambda made: made["metadata"]["a"]),
    "a metadata key": lambda http, text: an_assistant(http, {"metadata": {text: "a"}}, lambda made: next(iter(made["metadata"]))),
    "a function's description": lambda http, text: an_assistant(
        http,
        {"tools": [{"type": "function", "function": {"name": "f", "description": text}}]},
        lambda made: made["tools"][0]["function"]["description"],
    ),
    "a function's parameters": lambda http, text: an_assistant(
        http,
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {text[:99]: {"enum": [text]}}}}]},
        lambda made: made["tools"][0]["function"]["parameters"].get(text[:99], {}).get("enum", [None])[0],
    ),
    "a message": lambda http, text: a_message(http, {"content": text}, lambda made: made["content"][0]["text"]["value"]),
    "a message's metadata": lambda http, text: a_message(http, {"metadata": {"a": text}}, lambda made: made["metadata"]["a"]),
    "a thread's first message": a_first_message,
    "a run's instructions": lambda http, text: a_run(http, {"instructions": text}, lambda _, made: made["instructions"]),
    "a run's metadata": lambda http, text: a_run(http, {"metadata": {"a": text}}, lambda _, made: made["metadata"]["a"]),
    "a run's additional message": lambda http, text: a_run(
        http,
        {"additional_messages": [{"role": "user", "content": text}]},
        lambda thread, _: http.get(f"/threads/{thread}/messages?order=asc")["data"][1]["content"][0]["text"]["value"],
    ),
    "an output": an_output,
    "a file's name": a_file_name,
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("place", PLACES)
def test_any_text_comes_back_as_it_went_or_is_refused(http: Http, place: str, text: str):
    said = TEXTS[text]
    answer, read = PLACES[place](http, said)
    if answer.status_code == 200:
        assert text not in REFUSED
        assert read() == said
    else:
        assert answer.status_code == 400, answer.text
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
        assert text in REFUSED or text == "1 MB" or (place == "a file's name" and text in OF_NO_NAME)
