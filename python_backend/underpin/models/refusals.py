"""A model server's refusal, as a status or as an error object inside a stream, in the tree of errors."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import msgspec

from ..errors import (
    ModelBroken,
    ModelError,
    ModelKeyRejected,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelUnknown,
    ModelUnreachable,
)
from .wording import Wording

KEY_REJECTED = "Invalid API key. Please check your OPENAI_API_KEY in the .env file."
QUOTA_USED_UP = "The account behind OPENAI_API_KEY has used up its quota. Check its plan and billing."
NO_SUCH_PATH = "The model's server has no chat completions at this address. Check OPENAI_BASE_URL: it usually ends in /v1."

_UNKNOWN_MODEL_CODES = {"model_not_found", "invalid_model", "model_not_available"}
_BUSY_STATUSES = {408, 502, 503, 504, 529}
# Parts of codes and types, for error objects that carry no status of their own; looked for in this order.
_STATUS_OF_WORD = {
    "quota": 429,
    "rate_limit": 429,
    "api_key": 401,
    "authentication": 401,
    "invalid_": 400,
    "badrequest": 400,
    "context_length": 400,
}


@dataclass(frozen=True)
class Complaint:
    """What the upstream said: its own words, and its codes and types in one lower-case text."""

    message: str = ""
    codes: frozenset[str] = frozenset()
    status: int | None = None

    @property
    def about_quota(self) -> bool:
        return "insufficient_quota" in self.codes


class _ErrorBody(msgspec.Struct):
    error: object = None
    message: object = None
    detail: object = None
    code: object = None
    type: object = None


def complaint_of_body(body: bytes) -> Complaint:
    """Reads the body of a refusal: OpenAI's envelope, FastAPI's `detail`, plain text, or a web page."""
    text = body.decode("utf-8", "replace").strip()
    try:
        said = msgspec.json.decode(text, type=_ErrorBody)
    except ValueError:
        return Complaint("" if text.startswith("<") else text)
    return complaint_of_error(said.error or {"message": said.message or said.detail, "code": said.code, "type": said.type})


def complaint_of_error(error: object) -> Complaint:
    """Reads an `error` value, which should be an object but is a bare text on some servers."""
    if not isinstance(error, dict):
        return Complaint(_words(error))
    codes = frozenset(str(error[key]).lower() for key in ("code", "type", "status") if error.get(key))
    status = next((int(code) for code in codes if code.isdigit() and 400 <= int(code) < 600), None)
    return Complaint(_words(error.get("message") or error.get("detail")), codes, status)


def refusal(status: int, complaint: Complaint, *, model: str, wording: Wording, retry_after_s: float | None = None) -> ModelError:
    """The error for an HTTP status and what came with it."""
    said = wording.clean(complaint.message)
    if _unknown_model(status, complaint):
        return model_unknown(wording.clean(model))
    if complaint.about_quota or status == 402:
        return ModelRateLimited(QUOTA_USED_UP)
    if status in (401, 403):
        return ModelKeyRejected(KEY_REJECTED)
    if status == 429:
        return ModelRateLimited(_too_many(retry_after_s), retry_after_s=retry_after_s)
    if status in (404, 405) or 300 <= status < 400:
        return ModelUnreachable(NO_SUCH_PATH)
    if status in _BUSY_STATUSES:
        return ModelUnreachable(_sentence(f"The model's server is not available at the moment (HTTP {status})", said))
    if status >= 500:
        return ModelBroken(_sentence(f"The model's server failed (HTTP {status})", said))
    return ModelRefusedRequest(_sentence("The model's server refused the request" if said else _refused(status), said))


def refusal_in_stream(error: object, *, model: str, wording: Wording) -> ModelError:
    """The error for an `error` object that came where the answer should be."""
    complaint = complaint_of_error(error)
    status = complaint.status or _status_of_codes(complaint.codes)
    if status is not None and status < 500:
        return refusal(status, complaint, model=model, wording=wording)
    return ModelBroken(_sentence("The model's server reported an error instead of its answer", wording.clean(complaint.message)))


def model_unknown(model: str) -> ModelUnknown:
    return ModelUnknown(
        f"The model's server has no model '{model}'. "
        "Set OPENAI_MODEL to a model that it has, or map the name to one in MODEL_ALIASES."
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the upstream asks to wait, or None. `Retry-After` is a number or a date; OpenAI adds milliseconds."""
    for name, unit_s in (("Retry-After-Ms", 0.001), ("Retry-After", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        return max(0.0, parsedate_to_datetime(headers.get("Retry-After", "")).timestamp() - time.time())
    except ValueError:
        return None


def _unknown_model(status: int, complaint: Complaint) -> bool:
    if complaint.codes & _UNKNOWN_MODEL_CODES:
        return True
    # Ollama, vLLM and others say it in words; a 404 without the word is about the path.
    return status == 404 and "model" in complaint.message.lower()


def _status_of_codes(codes: frozenset[str]) -> int | None:
    return next((status for word, status in _STATUS_OF_WORD.items() if any(word in code for code in codes)), None)


def _words(value: object) -> str:
    """Texts as they are; of a list of complaints (FastAPI's) their places and messages."""
    if isinstance(value, list):
        return "; ".join(filter(None, map(_words, value[:5])))
    if isinstance(value, dict):
        place = value.get("loc")
        where = ".".join(map(str, place[:8])) + ": " if isinstance(place, list) else ""
        return where + _words(value.get("msg") or value.get("message"))
    return value if isinstance(value, str) else ""


def _too_many(retry_after_s: float | None) -> str:
    when = "in a moment" if retry_after_s is None else f"in {max(1, round(retry_after_s))} seconds"
    return f"The model's server takes no more requests at the moment. Try again {when}."


def _refused(status: int) -> str:
    return f"The model's server refused the request (HTTP {status})"


def _sentence(text: str, said: str) -> str:
    return f"{text}: {said}" if said else f"{text}."
