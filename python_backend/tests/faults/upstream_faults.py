"""The table of faults: what a model's server does, and what a client is told of it then.

Each text that a server sends about its failure holds the key, and a traceback: nobody must ever read them.
"""

from dataclasses import dataclass
from typing import Any

from tests.faults.upstream import Behaviour, Chat, HangUp, Raw, Silent, Status, call

KEY = "canary.9f3b-7d21.c8e6-4a05"
"""Of no known maker, so that no pattern hides it: only the one who has it can."""
FIRST_BYTE_S = 0.4
GAP_S = 0.4
RETRY_AFTER_S = 2.0

ECHO = f"Bad Authorization: Bearer {KEY} (key={KEY}) in https://anna:{KEY}@host/v1?key={KEY}"
TRACE = f"Traceback (most recent call last):\n  File \"/srv/secret/app.py\", line 5\nKeyError: '{KEY}'"
LEAKS = (KEY, KEY[3:], KEY[-8:], "Traceback", "/srv/secret", "anna")

INVALID_KEY = "Invalid API key. Please check your OPENAI_API_KEY in the .env file."
SERVER = "The model's server at 127.0.0.1:{port}"
HALF = "Half 粘"
UNICODE = "Ton ist 粘土 🪨, 👩🏽‍🔬 e\u0301 \u2028 Ende."


@dataclass(frozen=True)
class Fault:
    """`behaviours`: one a request, the last for all that follow; none: the server is not there."""

    behaviours: tuple[Behaviour, ...]
    says: str = ""
    """Part of `last_error.message`; {port} stands for the server's."""
    status: int = 200
    """Of the streamed answer: another than 200 where the refusal came before anything was streamed."""
    text: str = ""
    """What was said and kept: of a run that failed as an incomplete message."""
    asked: int = 1
    """How often the server was asked for an answer."""
    retries: int = 0
    """How many more times it was tried, which the log tells."""
    code: str = "server_error"
    retry_after: str | None = None

    @property
    def ends_well(self) -> bool:
        return not self.says


def error(message: str = ECHO, code: str | int | None = None, type: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "type": type, "param": None}}


def refusal(status: int, body: str | dict[str, Any] = "", **headers: str) -> Status:
    return Status(status, body or error(), {name.replace("_", "-"): value for name, value in headers.items()})


def broken(*items: str | dict[str, Any] | bytes, then: Any = "end") -> Chat:
    """An answer that ends before the model gave its reason to stop."""
    return Chat(HALF, *items, finish=None, usage=None, done=False, then=then)


def raw(*lines: str, body: str = "", then: Any = "cut") -> Raw:
    """A head and a body as they are."""
    return Raw("\r\n".join([*lines, "", body]).encode(), then)


REFUSED = " could not be reached: the connection was refused. Check OPENAI_BASE_URL, and that the server runs."
AN_ERROR = "reported an error instead of its answer: "
BUSY = "takes no more requests at the moment. Try again in"
NO_HTTP = "What answers at 127.0.0.1:{port} is not a model's server: it does not speak HTTP. Check OPENAI_BASE_URL."
STOPPED = f"stopped answering: nothing came for {GAP_S:g} seconds. What it had said is kept: send the message again."
CUT = "closed the connection in the middle of the answer. Send the message again."
SEARCH_BROKEN = [call(0, "file_search", '{"query": "cl', "call_1"), call(0, arguments='ay", ')]
DONE_FOR = 'data: {"choices":[{"index":0,"delta":{"content":"Half '

FAULTS: dict[str, Fault] = {
    "refused": Fault((), SERVER + REFUSED, 502, asked=0, retries=2),
    "401": Fault((refusal(401, error(code="invalid_api_key"), X_Echo=KEY),), INVALID_KEY, 401),
    "401 whose words never come": Fault(
        (raw("HTTP/1.1 401 Unauthorized", "Content-Length: 100", body="{", then="stall"),), INVALID_KEY, 401
    ),
    "403": Fault((refusal(403, "<html>Forbidden</html>"),), INVALID_KEY, 401),
    "403 with a reason": Fault(
        (refusal(403, error(f"Region not supported for {KEY}")),), "OPENAI_API_KEY: Region not supported for ***", 401
    ),
    "404 model": Fault(
        (refusal(404, error(code="model_not_found")),), "no model 'm'. Set OPENAI_MODEL", 400, code="invalid_prompt"
    ),
    "404 path": Fault((refusal(404, {"detail": "Not Found"}),), "no chat completions at this address. Check OPENAI_BASE", 502),
    "400": Fault((refusal(400, error(f"temperature: {ECHO}")),), "refused the request: temperature", 400, code="invalid_prompt"),
    "429 with Retry-After 2": Fault((refusal(429, Retry_After="2"), Chat("Now.")), text="Now.", asked=2, retries=1),
    "429 always": Fault(
        (refusal(429, Retry_After_Ms="100"),), BUSY + " a second.", 429, "", 3, 2, "rate_limit_exceeded", retry_after="1"
    ),
    "429 with Retry-After 600": Fault(
        (refusal(429, Retry_After="600"),), BUSY + " 10 minutes.", 429, code="rate_limit_exceeded", retry_after="600"
    ),
    "429 quota": Fault(
        (refusal(429, error(code="insufficient_quota"), Retry_After="1"),),
        "has used up its quota. Check its plan and billing.",
        429,
        code="rate_limit_exceeded",
    ),
    "500 once": Fault((refusal(500, TRACE), Chat("Now.")), text="Now.", asked=2, retries=1),
    "500 always": Fault((refusal(500, TRACE),), "failed (HTTP 500)", 502, asked=3, retries=2),
    "503 always": Fault((refusal(503),), "not available at the moment (HTTP 503)", 502, asked=3, retries=2),
    "no first byte": Fault((Silent(),), SERVER + f" did not begin to answer within {FIRST_BYTE_S:g} seconds", 502),
    "no byte after the status": Fault((Silent(head=True),), f"did not begin to answer within {FIRST_BYTE_S:g} seconds", 502),
    "stall mid-stream": Fault((broken(then="stall"),), STOPPED, text=HALF),
    "stall in a line": Fault((broken(DONE_FOR.encode(), then="stall"),), STOPPED, text=HALF),
    "cut": Fault((broken(then="cut"),), CUT, text=HALF),
    "cut mid-line": Fault((broken(DONE_FOR.encode(), then="cut"),), CUT, text=HALF),
    "cut in a character": Fault((broken(b'data: {"choices":[{"delta":{"content":"\xe7\xb2', then="cut"),), CUT, text=HALF),
    "RST": Fault((broken(then="reset"),), CUT, text=HALF),
    "RST before an answer": Fault((HangUp(reset=True),), SERVER + " closed the connection before", 502, asked=3, retries=2),
    "no [DONE]": Fault((Chat(HALF, done=False),), text=HALF),
    "no [DONE], and no end": Fault((Chat(HALF, done=False, then="cut"),), text=HALF),
    "no [DONE] and no reason to stop": Fault((broken(),), CUT, text=HALF),
    "malformed JSON": Fault((Chat(b"data: {nonsense}\n\n"),), "not a chat completion. Try again, or check OPENAI_BASE_URL", 502),
    "malformed JSON mid-stream": Fault((Chat(HALF, b'data: {"choices": 7}\n\n'),), "not a chat completion", text=HALF),
    "JSON without a bottom": Fault((Chat(b'data: {"x":' + b"[" * 50_000 + b"\n\n"),), "not a chat completion", 502),
    "empty stream": Fault((Chat(finish=None, usage=None, done=False),), "no answer of a model. Check OPENAI_BASE_URL", 502),
    "only [DONE]": Fault((Chat(finish=None, usage=None),), "no answer of a model", 502),
    "HTML with 200": Fault((refusal(200, f"<html>{ECHO}</html>"),), "with a web page instead of a model's answer", 502),
    "10 MB token": Fault((Chat(HALF, "x" * 10_500_000),), "a line of more than 10 MB", text=HALF),
    "9 MB token": Fault((Chat(HALF, "x" * 9_000_000),), "more than two million characters", text=HALF),
    "invalid UTF-8": Fault((Chat(b'data: {"choices":[{"delta":{"content":"a\xff\xc3("}}]}\n\n'),), text="a��("),
    "one byte a chunk": Fault((Chat(*UNICODE, split=1),), text=UNICODE),
    "slow drip": Fault((Chat(*"drip drop", rate=20),), text="drip drop"),
    "broken tool arguments": Fault((Chat(*SEARCH_BROKEN, finish="tool_calls"), Chat("No matter.")), text="No matter.", asked=2),
    "tool arguments that are not an object": Fault(
        (Chat(call(0, "file_search", "[1]", "call_1"), finish="stop"), Chat("No matter.")), text="No matter.", asked=2
    ),
    "a call without a name": Fault((Chat(call(0, None, "{}", "call_1")),), "called a function without naming it", 502),
    "error object in a 200 stream": Fault((Chat(error("Overloaded", 500)),), AN_ERROR + "Overloaded", 502),
    "error object mid-stream": Fault((Chat(HALF, error(f"bad {KEY}", 500)),), AN_ERROR + "bad ***", text=HALF),
    "rate limit in a 200 stream": Fault((Chat(error(type="rate_limit_error")),), BUSY, 429, code="rate_limit_exceeded"),
    "wrong key in a 200 stream": Fault((Chat(error(code="invalid_api_key")),), INVALID_KEY, 401),
    "a failure as the reason to stop": Fault((Chat(HALF, finish="error"),), "reported a failure and ended the answer", text=HALF),
    "a redirect": Fault((refusal(302, "moved", Location=f"https://elsewhere.example/?{KEY}"),), "Check OPENAI_BASE_URL", 502),
    "no HTTP": Fault((raw(f"220 mail {KEY}"),), NO_HTTP, 502),
    "endless headers": Fault((raw("HTTP/1.1 200 OK", "X-Echo: " + KEY * 5000),), NO_HTTP, 502),
    "a length that is too long": Fault(
        (raw("HTTP/1.1 200 OK", "Content-Length: 5000", "Content-Type: application/json", body='{"choices":['),), CUT, 502
    ),
    "a length that is too short": Fault(
        (raw("HTTP/1.1 200 OK", "Content-Length: 12", body='{"choices":[{"message":{"content":"x"}}]}'),), NO_HTTP, 502
    ),
    "chunks that are none": Fault((raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body="zz\r\nhello\r\n"),), NO_HTTP, 502),
    "chunks that are none mid-stream": Fault((broken(then="lie"),), STOPPED, text=HALF),
}  # fmt: skip
