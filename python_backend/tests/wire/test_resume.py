"""A client that lost its connection at any event goes on with the next one: none lost, none twice. Python reads the guide's
form."""

from collections.abc import Iterator
from itertools import islice

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import Event, parse_lines, parse_sse, text_of
from tests.wire.conftest import new_thread

LINES = {"Accept": "application/x-ndjson"}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server that keeps silent connections alive every 50 ms."""
    folder = tmp_path_factory.mktemp("impatient")
    with (
        ServerProcess(folder / "data", OPENAI_MODEL="scripted", KEEP_ALIVE_S=0.05) as process,
        httpx.Client(base_url=process.base_url, timeout=30) as client,
    ):
        yield client


def start(http: httpx.Client, content: str) -> tuple[str, str]:
    """The thread and the run of a message that nobody follows."""
    thread = new_thread(http)
    answer = http.post("/chat", json={"content": content, "threadId": thread})
    assert answer.json() == {
        "success": True, "run_id": answer.headers["x-run-id"], "thread_id": thread, "message": "Message sent successfully",
    }  # fmt: skip
    return thread, answer.json()["run_id"]


def follow(http: httpx.Client, path: str, **request: object) -> list[Event]:
    with http.stream("GET", path, **request) as response:  # type: ignore[arg-type]
        assert response.status_code == 200
        return list(parse_sse(response.iter_lines()))


@pytest.fixture(scope="module")
def ended(http: httpx.Client) -> tuple[str, list[Event]]:
    """A run of many kinds of events, and its whole log."""
    _, run = start(http, 'words 150\ncite file-a "quote"\nsay "粘土\\u2028🪨."')
    return run, follow(http, f"/chat/stream/{run}")


def test_the_log_of_a_run_is_numbered_without_gaps(ended):
    _, events = ended
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert len(events) > 160
    assert events[0].name == "thread.run.created"
    assert events[-1].name == "thread.run.completed"


@pytest.mark.parametrize("form", ["sse", "lines"])
@pytest.mark.parametrize("by", ["header", "address"])
def test_a_run_is_resumed_at_each_of_its_events(http: httpx.Client, ended, by, form):
    run, events = ended
    accept = LINES if form == "lines" else {}
    for after in range(len(events) + 1):
        headers = {"Last-Event-ID": str(after)} if by == "header" else {}
        query = {"after": str(after)} if by == "address" else {}
        answer = http.get(f"/chat/stream/{run}", params=query, headers=headers | accept)
        assert answer.status_code == 200
        parse = parse_lines if form == "lines" else parse_sse
        assert list(parse(answer.text.split("\n"))) == events[after:], f"resumed after {after}"


def test_what_a_client_had_last_wins_over_the_address_it_began_with(http: httpx.Client, ended):
    run, events = ended
    assert follow(http, f"/chat/stream/{run}?after=3", headers={"Last-Event-ID": "9"}) == events[9:]


def test_a_client_that_is_beyond_the_end_gets_an_empty_stream(http: httpx.Client, ended):
    run, events = ended
    assert follow(http, f"/chat/stream/{run}?after={len(events)}") == []
    assert follow(http, f"/chat/stream/{run}?after=9999999999999999") == []


@pytest.mark.parametrize("every", [1, 2, 7, 31])
def test_a_live_run_is_followed_over_many_connections(http: httpx.Client, every):
    _, run = start(http, "delay 2\nwords 120")
    seen: list[Event] = []
    while not seen or seen[-1].name != "thread.run.completed":
        last = {"Last-Event-ID": str(seen[-1].number)} if seen else {}
        with http.stream("GET", f"/chat/stream/{run}", headers=last) as response:
            seen += islice(parse_sse(response.iter_lines()), every)
    assert [event.number for event in seen] == list(range(1, len(seen) + 1))
    assert text_of(seen) == " ".join(f"word{number}" for number in range(1, 121))
    assert seen == follow(http, f"/chat/stream/{run}"), "live and replayed are the same"


def test_a_client_that_goes_away_does_not_stop_the_run(http: httpx.Client):
    thread = new_thread(http)
    body = {"content": "delay 1\nwords 50", "threadId": thread}
    with http.stream("POST", "/chat/stream", json=body) as response:
        run = response.headers["x-run-id"]
    events = follow(http, f"/chat/stream/{run}")
    assert events[-1].name == "thread.run.completed"
    assert text_of(events).endswith("word50")


@pytest.mark.usefixtures("functions")
def test_tool_outputs_continue_the_log_of_the_run(http: httpx.Client):
    thread, run = start(http, 'say "Hm."\ncall look {"at": "clay"}\nsay "It is $1."')
    asked = follow(http, f"/chat/stream/{run}")
    assert asked[-1].name == "thread.run.requires_action"
    [call] = asked[-1].data["required_action"]["submit_tool_outputs"]["tool_calls"]
    given = {"runId": run, "toolCallOutputs": [{"tool_call_id": call["id"], "output": "grey"}]}
    with http.stream("POST", f"/threads/{thread}/actions", json=given) as response:
        answered = list(parse_sse(response.iter_lines()))
    whole = follow(http, f"/chat/stream/{run}")
    assert whole == asked + answered, "none lost, none twice"
    numbers = [event.number for event in whole]
    assert numbers == sorted(set(numbers))
    for at, event in enumerate(whole):
        assert follow(http, f"/chat/stream/{run}?after={event.number}") == whole[at + 1 :]


def test_a_list_of_messages_says_which_run_to_follow_and_from_where(http: httpx.Client):
    thread, run = start(http, 'say "One "\nhang')
    for path in ("history", "messages-history"):
        going_on = http.get(f"/threads/{thread}/{path}").json()
        assert going_on["activeRun"] == {"id": run, "status": "in_progress", "cursor": 0}
        with http.stream("GET", f"/chat/stream/{run}?after={going_on['activeRun']['cursor']}") as response:
            events = parse_sse(response.iter_lines())
            assert next(event for event in events if event.name == "thread.message.delta").number == 8
    http.post(f"/threads/{thread}/stop")
    assert http.get(f"/threads/{thread}/history").json()["activeRun"] is None


@pytest.mark.parametrize("cursor", ["-1", "1.5", "1e3", "x", "١٢", "99999999999999999", "0x10", "1 2", "\u00b2"])
def test_a_cursor_that_is_no_number_is_refused(http: httpx.Client, ended, cursor):
    run, _ = ended
    answer = http.get(f"/chat/stream/{run}", params={"after": cursor})
    assert answer.status_code == 400
    assert answer.json() == {"detail": answer.json()["error"], "error": f"after: '{cursor}' is not an event's number."}
    if cursor.isascii():
        answer = http.get(f"/chat/stream/{run}", headers={"Last-Event-ID": cursor})
        assert answer.status_code == 400
        assert answer.json()["error"] == f"Last-Event-ID: '{cursor}' is not an event's number."


def test_an_unknown_run_is_named(http: httpx.Client):
    answer = http.get("/chat/stream/run_000000000000000000000000")
    assert answer.status_code == 404
    assert answer.json()["error"] == "No run found with id 'run_000000000000000000000000'."


def test_silence_is_kept_alive_without_a_number(impatient: httpx.Client):
    _, run = start(impatient, 'say "One."\nwait 400\nsay " Two."')
    text = impatient.get(f"/chat/stream/{run}").text
    assert text.count(": keep-alive\n\n") >= 3
    events = list(parse_sse(text.split("\n")))
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert text_of(events) == "One. Two."


def test_silent_lines_are_kept_alive_by_empty_ones(impatient: httpx.Client):
    _, run = start(impatient, 'say "One."\nwait 400\nsay " Two."')
    lines = impatient.get(f"/chat/stream/{run}", headers=LINES).text.split("\n")
    assert lines.count("") >= 4, "one is behind the last line end"
    assert all(line == "" or line.startswith('{"event":') for line in lines)
