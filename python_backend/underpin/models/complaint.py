"""What a model's server says about a failure, in the forms that servers use: its words, its codes, and what it is about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from .retry_after import LONGEST_S

_UNKNOWN_MODEL_CODES = {"model_not_found", "invalid_model", "model_not_available", "deploymentnotfound"}
_QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error", "insufficient_balance"}
_KEY_CODES = {"invalid_api_key", "api_key_invalid"}

# Where the status is 400 and the code says nothing, the words decide.
_UNKNOWN_MODEL = re.compile(
    r"(?i)\b(?:not a valid model|invalid model(?: identifier| name| id|:)|unknown model|no such model"
    r"|model not (?:exist|found)|model \S{1,200} (?:not found|is not found|does not exist))"
)
_QUOTA = re.compile(r"(?i)\b(?:credit balance is too low|insufficient (?:balance|credits|quota))")
_KEY = re.compile(r"(?i)\b(?:api key (?:is )?not valid|(?:invalid|incorrect) api key)")
# In the words of Ollama, Groq, Together; of OpenAI, Gemini, vLLM, llama.cpp; of OpenRouter.
_TOOLS = re.compile(
    r"(?i)\bnot (?:currently )?support(?:ed)? (?:the )?(?:tools?\b(?!_)|tool[- ](?:use|call)|function[- ]call)"
    r"|\b(?:tools?['\"`]?|tool[- ](?:use|calling|calls|choice)|function[- ]calling)['\"`]? (?:param(?:eter)? )?"
    r"(?:is |are |requires? )?(?:not (?:supported|enabled|available)|unsupported|-{1,2}enable|-{1,2}jinja)"
    r"|\bsupport tool use\b"
)
_ACCESS = re.compile(r"(?i)key|token|auth|credential|permission|access|denied|allowed|region|country|organi[sz]ation|project")
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")


@dataclass(frozen=True)
class Complaint:
    """What the upstream said: its own words, and its codes and types in lower case."""

    message: str = ""
    codes: frozenset[str] = frozenset()
    status: int | None = None
    retry_after_s: float | None = None

    @property
    def about_quota(self) -> bool:
        return bool(self.codes & _QUOTA_CODES or _QUOTA.search(self._head))

    @property
    def about_model(self) -> bool:
        return bool(self.codes & _UNKNOWN_MODEL_CODES or _UNKNOWN_MODEL.search(self._head))

    @property
    def about_key(self) -> bool:
        return bool(self.codes & _KEY_CODES or _KEY.search(self._head))

    @property
    def about_tools(self) -> bool:
        """The model, or its server as it was started, takes no tools."""
        return bool(_TOOLS.search(self._head))

    @property
    def about_access(self) -> bool:
        return bool(_ACCESS.search(self._head) or any(_ACCESS.search(code) for code in self.codes))

    @property
    def _head(self) -> str:
        return self.message[:1000]


class _ErrorBody(msgspec.Struct):
    error: object = None
    message: object = None
    detail: object = None
    code: object = None
    type: object = None


_decode = msgspec.json.Decoder(_ErrorBody | list[_ErrorBody]).decode


def complaint_of_body(body: bytes) -> Complaint:
    """Reads the body of a refusal: OpenAI's envelope, Google's list of one, FastAPI's `detail`, plain text, or a web page."""
    text = body.decode("utf-8", "replace").strip()
    try:
        found = _decode(text)
    except (ValueError, RecursionError):
        return Complaint("" if text.startswith(("<", "{", "[")) else text)
    said = found if isinstance(found, _ErrorBody) else next(iter(found), _ErrorBody())
    return complaint_of_error(said.error or {"message": said.message or said.detail, "code": said.code, "type": said.type})


def complaint_of_error(error: object) -> Complaint:
    """Reads an `error` value, which should be an object but is a bare text on some servers."""
    if not isinstance(error, dict):
        return Complaint(_words(error))
    details = [detail for detail in _listed(error.get("details")) if isinstance(detail, dict)]
    named = [error.get(key) for key in ("code", "type", "status")] + [detail.get("reason") for detail in details]
    codes = frozenset(str(code)[:100].lower() for code in named if code)
    status = next((int(code) for code in codes if code.isascii() and code.isdigit() and 400 <= int(code) < 600), None)
    return Complaint(_message(error), codes, status, next(_delays(details), None))


def _message(error: dict[object, object]) -> str:
    said = _words(error.get("message") or error.get("detail"))
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if isinstance(raw, str) and raw:
        # OpenRouter's own words are "Provider returned error"; what the provider said stands here.
        return f"{said}: {complaint_of_body(raw.encode('utf-8', 'replace')).message}".strip(" :")
    return said


def _delays(details: list[dict[object, object]]) -> Iterator[float]:
    """Google says when to come back in the body: `"retryDelay": "34s"`."""
    for detail in details:
        if found := _DELAY.fullmatch(str(detail.get("retryDelay"))[:20]):
            yield min(float(found[1]), LONGEST_S)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _words(value: object) -> str:
    """Texts as they are; of a list of complaints (FastAPI's) their places and messages."""
    return "; ".join(filter(None, map(_phrase, value[:5]))) if isinstance(value, list) else _phrase(value)


def _phrase(value: object) -> str:
    if not isinstance(value, dict):
        return value if isinstance(value, str) else ""
    place = value.get("loc")
    where = ".".join(map(str, place[:8])) + ": " if isinstance(place, list) else ""
    said = value.get("msg") or value.get("message")
    return where + said if isinstance(said, str) else ""
