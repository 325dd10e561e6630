"""A ModelRequest as the body of `POST /chat/completions`: only what the caller set is sent."""

from dataclasses import dataclass, replace

import msgspec
from pydantic import JsonValue

from .base import ChatMessage, FunctionSpec, ModelRequest, Picture, ToolCallSaid

_NOT_KNOWN = (
    "unknown",
    "unsupported",
    "not supported",
    "unrecognized",
    "unexpected",
    "unavailable",
    "not permitted",
    "not allowed",
    "forbidden",
    "use 'max_tokens'",
)


@dataclass(frozen=True)
class Dialect:
    """Which of the two newer parameters a server understands. Learnt from its refusals."""

    stream_options: bool = True
    max_completion_tokens: bool = True

    def after_refusal(self, text: str) -> "Dialect":
        """The dialect to try after a 400 or 422 with this text: itself when the refusal is about something else."""
        text = text.lower()
        if self.stream_options and "stream_options" in text:
            return replace(self, stream_options=False)
        # A value that is too large is the caller's to hear of; only a name that is not known is ours to change.
        if self.max_completion_tokens and "max_completion_tokens" in text and any(word in text for word in _NOT_KNOWN):
            return replace(self, max_completion_tokens=False)
        return self

    def after_answer(self, data: bytes) -> "Dialect":
        """The dialect to go on with after the first bytes of an answer. Ollama does not refuse the newer name: it ignores it, and
        its answers have no limit (ollama/ollama#7125)."""
        return replace(self, max_completion_tokens=False) if b'"fp_ollama"' in data else self


def encoded_body(request: ModelRequest, dialect: Dialect) -> bytes:
    """The JSON of a request. Lone surrogates, which JSON cannot carry as UTF-8, become question marks."""
    body = chat_body(request, dialect)
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(body))


def chat_body(request: ModelRequest, dialect: Dialect) -> dict[str, JsonValue]:
    """The body of a streamed request in the server's dialect."""
    body: dict[str, JsonValue] = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
    }
    if dialect.stream_options:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        # Without tools OpenAI refuses the two parameters about them.
        body["tools"] = [_tool(spec) for spec in request.tools]
        _set(body, "tool_choice", _tool_choice(request.tool_choice))
        _set(body, "parallel_tool_calls", request.parallel_tool_calls)
    limit = "max_completion_tokens" if dialect.max_completion_tokens else "max_tokens"
    _set(body, limit, request.max_completion_tokens)
    _set(body, "temperature", request.temperature)
    _set(body, "top_p", request.top_p)
    _set(body, "response_format", request.response_format)
    _set(body, "reasoning_effort", request.reasoning_effort)
    return body


def _set(body: dict[str, JsonValue], name: str, value: JsonValue) -> None:
    if value is not None:
        body[name] = value


def _message(message: ChatMessage) -> JsonValue:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.text}
    if message.tool_calls:
        calls: list[JsonValue] = [_call(call) for call in message.tool_calls]
        return {"role": message.role, "content": message.text or None, "tool_calls": calls}
    if message.images:
        return {"role": message.role, "content": _parts(message)}
    return {"role": message.role, "content": message.text}


def _call(call: ToolCallSaid) -> JsonValue:
    said: dict[str, JsonValue] = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": _object_text(call.arguments)},
    }
    if call.extra:
        said["extra_content"] = call.extra
    return said


def _object_text(arguments: str) -> str:
    """What a model broke is not sent back: llama.cpp answers it with 500 and Ollama with 400, for as long as it stands in the
    thread. The tool's output tells the model what was wrong."""
    try:
        decoded = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return "{}"
    return arguments if isinstance(decoded, dict) else "{}"


def _parts(message: ChatMessage) -> list[JsonValue]:
    text: list[JsonValue] = [{"type": "text", "text": message.text}] if message.text else []
    return text + [{"type": "image_url", "image_url": _picture(picture)} for picture in message.images]


def _picture(picture: Picture) -> JsonValue:
    url: dict[str, JsonValue] = {"url": picture.address}
    return url if picture.detail == "auto" else {**url, "detail": picture.detail}


def _tool(spec: FunctionSpec) -> JsonValue:
    function: dict[str, JsonValue] = {"name": spec.name}
    if spec.description:
        function["description"] = spec.description
    # OpenAI lets a function without parameters leave the schema out; other servers insist on one.
    function["parameters"] = spec.parameters or {"type": "object", "properties": {}}
    _set(function, "strict", spec.strict)
    return {"type": "function", "function": function}


def _tool_choice(choice: str | dict[str, JsonValue] | None) -> JsonValue:
    """The Assistants API names a built-in tool by its type alone; here it is a function of that name."""
    if isinstance(choice, dict) and set(choice) == {"type"}:
        return {"type": "function", "function": {"name": choice["type"]}}
    return choice


def _encodable(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {str(_encodable(name)): _encodable(item) for name, item in value.items()}
    return value
