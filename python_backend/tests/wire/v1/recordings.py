"""Recorded streams of /v1 in `fixtures/wire/v1`, byte by byte as OpenAI's SDKs get them. `python -m tests.wire.v1.recordings`
writes them anew.

Each was really sent by a server whose scripted model answers; only ids and times are replaced, by others of the same length.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from tests.server_process import ServerProcess
from tests.wire.recordings import ANSWERED, FOLDER, OUTPUTS, STOPPED, TOOLS, _stable

V1 = FOLDER / "v1"
NAMES = [*ANSWERED, "thread-and-run", "tool-calls", "tool-outputs", "cancelled", "expired"]
FUNCTIONS = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time")]


def record(base_url: str, hasty_url: str) -> dict[str, bytes]:
    """Every fixture by its file name; `hasty_url` is a server whose runs expire soon."""
    with httpx.Client(base_url=base_url + "/v1", timeout=30) as http:
        told = {name: _answer(http, script, name) for name, script in ANSWERED.items()}
        told["thread-and-run"] = _thread_and_run(http)
        told |= _tools(http) | _cancelled(http)
    with httpx.Client(base_url=hasty_url + "/v1", timeout=30) as http:
        told["expired"] = _answer(http, STOPPED, "expired")
    return {f"{name}.sse": told[name].encode() for name in NAMES}


def _answer(http: httpx.Client, script: str, name: str) -> str:
    thread = _post(http, "/threads", {"messages": [{"role": "user", "content": script}]}).json()["id"]
    return _named({name: _post(http, f"/threads/{thread}/runs", _streamed(http)).text})[name]


def _thread_and_run(http: httpx.Client) -> str:
    thread = {"messages": [{"role": "user", "content": "Hello."}], "metadata": {"team": "geo"}}
    stream = _post(http, "/threads/runs", {**_streamed(http), "thread": thread}).text
    return _named({"thread-and-run": stream})["thread-and-run"]


def _tools(http: httpx.Client) -> dict[str, str]:
    thread = _post(http, "/threads", {"messages": [{"role": "user", "content": TOOLS}]}).json()["id"]
    calls = _post(http, f"/threads/{thread}/runs", _streamed(http)).text
    run = http.get(f"/threads/{thread}/runs").json()["data"][0]
    asked = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    given = [{"tool_call_id": call["id"], "output": text} for call, text in zip(asked, OUTPUTS, strict=True)]
    path = f"/threads/{thread}/runs/{run['id']}/submit_tool_outputs"
    return _named({"tool-calls": calls, "tool-outputs": _post(http, path, {"tool_outputs": given, "stream": True}).text})


def _cancelled(http: httpx.Client) -> dict[str, str]:
    thread = _post(http, "/threads", {"messages": [{"role": "user", "content": STOPPED}]}).json()["id"]
    with http.stream("POST", f"/threads/{thread}/runs", json=_streamed(http)) as response:
        chunks, text = response.iter_text(), ""
        while "三" not in text:
            text += next(chunks)
        run = http.get(f"/threads/{thread}/runs").json()["data"][0]["id"]
        _post(http, f"/threads/{thread}/runs/{run}/cancel", {})
        text += "".join(chunks)
    return _named({"cancelled": text})


def _streamed(http: httpx.Client) -> dict[str, Any]:
    fields = {"model": "scripted", "instructions": "Be brief.", "tools": FUNCTIONS}
    return {"assistant_id": _post(http, "/assistants", fields).json()["id"], "stream": True}


def _post(http: httpx.Client, path: str, body: object) -> httpx.Response:
    return http.post(path, json=body).raise_for_status()


def _named(texts: dict[str, str]) -> dict[str, str]:
    """Streams of one thread with other ids and times."""
    stable = _stable({**texts, "messages": ""}, "no")
    return {name: stable[name] for name in texts}


def with_servers() -> dict[str, bytes]:
    """`record` with two fresh servers."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess(Path(folder) / "a", OPENAI_MODEL="scripted") as server,
        ServerProcess(Path(folder) / "b", OPENAI_MODEL="scripted", RUN_TIMEOUT_S=1, SWEEP_S=0.2) as hasty,
    ):
        return record(server.base_url, hasty.base_url)


if __name__ == "__main__":
    V1.mkdir(parents=True, exist_ok=True)
    for file, content in with_servers().items():
        (V1 / file).write_bytes(content)
        print(f"{file}: {len(content)} bytes {json.dumps(content[:40].decode())}", file=sys.stderr)
