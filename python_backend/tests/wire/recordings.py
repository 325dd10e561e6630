"""Recorded streams in `fixtures/wire`, read by the tests of every language. `python -m tests.wire.recordings` writes them anew.

Each was really sent: a server with the scripted model answers, and the bytes of both forms are kept. Ids and times are replaced
by others of the same length, in the order in which they come, so that the same server records the same bytes.
"""

import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.server_process import ServerProcess
from tests.wire.functions import given

FOLDER = Path(__file__).resolve().parents[3] / "fixtures" / "wire"
FORMS = {"ndjson": "application/x-ndjson", "sse": "text/event-stream"}
MESSAGES = "messages.json"

_ID = re.compile(r"\b(asst|thread|msg|run|step|call)_[A-Za-z0-9]{24}\b")
_TIME = re.compile(r'("(?:created|started|completed|incomplete|failed|cancelled|expired)_at": ?)\d{10}\b')
_EXPIRY = re.compile(r'("expires_at": ?)\d{10}\b')

HARD_TEXT = (
    "Clay 粘土 is finer than silt — its grains are < 0.002 mm. 軟らかい土は沈下する。 "
    "Families 👩‍👩‍👧‍👦, flags 🇨🇭, skin 👍🏽, a rock 🪨; right to left: טיט وطين; combined: é ŕ̃; "
    'a line\nbreak, a tab\t, “quotes” and "quotes", a \\ backslash, \u2028 and \u2029, \x85, a NUL-like \x01.'
)

Scripts = dict[str, str]
ANSWERED: Scripts = {
    "answer": f"say {json.dumps(HARD_TEXT)}\nusage 321 45",
    "citations": 'say "粘土 is fine"\ncite file-soils "Clay is finer than 0.002 mm 🪨."\nsay " and sand is coarse"\n'
    'cite file-sands "Sand: 0.06 to 2 mm."\nsay "."',
    "cut-short": 'say "This answer grew too"\nfinish length',
    "failed": 'say "Half of 粘"\nfail broken "The model\'s server closed the connection in the middle of the answer."',
    "silent": "usage 3 0",
}
"""Streams that end by themselves, after one message."""
TOOLS = 'say "Let me look."\ncall get_weather {"location": "Zürich 🏔"}\ncall get_time {"zone": "CET"}\nsay "It is $1 at $2."'
OUTPUTS = ["sunny ☀️", "12:00"]
STOPPED = 'say "One, two, 三"\nhang'
NAMES = [*ANSWERED, "tool-calls", "tool-outputs", "stopped"]


def record(base_url: str) -> dict[str, bytes]:
    """Every fixture by its file name."""
    files: dict[str, bytes] = {}
    messages: dict[str, object] = {}
    with httpx.Client(base_url=base_url, timeout=30) as http:
        for form, accept in FORMS.items():
            http.headers["accept"] = accept
            told: dict[str, str] = {}
            for name, script in ANSWERED.items():
                thread = _new_thread(http)
                stream = _post(http, "/chat/stream", {"content": script, "threadId": thread})
                told |= _stable({name: stream, "messages": _messages(http, thread)}, name)
            told |= _tools(http) | _stopped(http)
            files |= {f"{name}.{form}": told[name].encode() for name in NAMES}
            messages |= {name: json.loads(told[f"{name}.messages"]) for name in (*ANSWERED, "tool-outputs", "stopped")}
    files[MESSAGES] = (json.dumps(messages, ensure_ascii=False, indent=1) + "\n").encode()
    return files


def _tools(http: httpx.Client) -> dict[str, str]:
    thread = _new_thread(http)
    with given(http, "get_weather", "get_time"):
        calls = _post(http, "/chat/stream", {"content": TOOLS, "threadId": thread})
    run_id = re.findall(r"run_\w{24}", calls)[0]
    call_ids = list(dict.fromkeys(re.findall(r"call_\w{24}", calls)))
    answers = [{"tool_call_id": call, "output": output} for call, output in zip(call_ids, OUTPUTS, strict=True)]
    outputs = _post(http, f"/threads/{thread}/actions", {"runId": run_id, "toolCallOutputs": answers})
    return _stable({"tool-calls": calls, "tool-outputs": outputs, "messages": _messages(http, thread)}, "tool-outputs")


def _stopped(http: httpx.Client) -> dict[str, str]:
    thread = _new_thread(http)
    with http.stream("POST", "/chat/stream", json={"content": STOPPED, "threadId": thread}) as response:
        chunks, text = response.iter_text(), ""
        while "三" not in text:
            text += next(chunks)
        http.post(f"/threads/{thread}/stop").raise_for_status()
        text += "".join(chunks)
    return _stable({"stopped": text, "messages": _messages(http, thread)}, "stopped")


def _new_thread(http: httpx.Client) -> str:
    return str(http.post("/threads/create").raise_for_status().json()["threadId"])


def _post(http: httpx.Client, path: str, body: object) -> str:
    return http.post(path, json=body).raise_for_status().content.decode()


def _messages(http: httpx.Client, thread_id: str) -> str:
    """What the thread holds afterwards, oldest first."""
    listed = http.get(f"/threads/{thread_id}/history").raise_for_status().json()["messages"]
    return json.dumps(listed[::-1], ensure_ascii=False)


def _stable(texts: dict[str, str], name: str) -> dict[str, str]:
    """Texts of one thread with other ids and times; its messages under the name of the stream that they belong to."""
    given: dict[str, str] = {}
    counts: dict[str, int] = {}

    def another(found: "re.Match[str]") -> str:
        old, kind = found[0], found[1]
        if old not in given:
            counts[kind] = counts.get(kind, 0) + 1
            given[old] = f"{kind}_{counts[kind]:024d}"
        return given[old]

    stable = {
        key: _EXPIRY.sub(r"\g<1>1800000600", _TIME.sub(r"\g<1>1800000000", _ID.sub(another, text))) for key, text in texts.items()
    }
    stable[f"{name}.messages"] = stable.pop("messages")
    return stable


def with_a_server(use: Callable[[str], dict[str, bytes]]) -> dict[str, bytes]:
    """Call `use` with the address of a fresh server."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder) / "data", OPENAI_MODEL="scripted") as server:
        return use(server.base_url)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file, content in with_a_server(record).items():
        (FOLDER / file).write_bytes(content)
        print(f"{file}: {len(content)} bytes", file=sys.stderr)
