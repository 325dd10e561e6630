"""A model server's refusal, as a status or as an error object inside a stream, in the tree of errors."""

import math

from ..errors import (
    ModelBroken,
    ModelError,
    ModelKeyRejected,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelUnknown,
    ModelUnreachable,
    ToolsRefused,
)
from .complaint import Complaint, complaint_of_error
from .wording import Wording

KEY_REJECTED = "Invalid API key. Please check your OPENAI_API_KEY in the .env file."
QUOTA_USED_UP = "The account behind OPENAI_API_KEY has used up its quota. Check its plan and billing."
NO_SUCH_PATH = "The model's server has no chat completions at this address. Check OPENAI_BASE_URL: it usually ends in /v1."

_STATUSES_ABOUT_TOOLS = {400, 404, 422, 500, 501}
"""llama.cpp says it with 500, OpenRouter with 404."""
_BUSY_STATUSES = {408, 502, 503, 504, 529}
# Parts of codes and types, for error objects that carry no status of their own; looked for in this order.
_STATUS_OF_WORD = {
    "quota": 429,
    "rate_limit": 429,
    "resource_exhausted": 429,
    "overloaded": 529,
    "unavailable": 503,
    "api_key": 401,
    "authentication": 401,
    "unauthenticated": 401,
    "permission": 403,
    "invalid_": 400,
    "badrequest": 400,
    "context_length": 400,
}


def refusal(status: int, complaint: Complaint, *, model: str, wording: Wording, retry_after_s: float | None = None) -> ModelError:
    """The error for an HTTP status and what came with it."""
    said = wording.clean(complaint.message)
    wait_s = complaint.retry_after_s if retry_after_s is None else retry_after_s
    if complaint.about_tools and status in _STATUSES_ABOUT_TOOLS:
        return ToolsRefused(_sentence(f"The model '{wording.clean(model)}' takes no tools", said))
    if complaint.about_model or (status == 404 and "model" in complaint.message.lower()):
        # Ollama, vLLM and others say it in words; a 404 without the word is about the path.
        return model_unknown(wording.clean(model))
    if complaint.about_quota or status == 402:
        return ModelRateLimited(QUOTA_USED_UP)
    if status == 401 or complaint.about_key or (status == 403 and not said):
        return ModelKeyRejected(KEY_REJECTED)
    if status == 403:
        return _forbidden(complaint, said)
    if status == 429:
        return ModelRateLimited(_too_many(wait_s), retry_after_s=wait_s)
    if status in (404, 405) or 300 <= status < 400:
        return ModelUnreachable(NO_SUCH_PATH)
    if status in _BUSY_STATUSES:
        text = _sentence(f"The model's server is not available at the moment (HTTP {status})", said)
        return ModelUnreachable(text, retry_after_s=wait_s)
    if status >= 500:
        return ModelBroken(_sentence(f"The model's server failed (HTTP {status})", said), retry_after_s=wait_s)
    return ModelRefusedRequest(_sentence("The model's server refused the request" if said else _refused(status), said))


def refusal_in_stream(error: object, *, model: str, wording: Wording) -> ModelError:
    """The error for an `error` object that came where the answer should be."""
    complaint = complaint_of_error(error)
    status = complaint.status or _status_of_codes(complaint.codes)
    if status is not None and (status < 500 or status == 529):
        return refusal(status, complaint, model=model, wording=wording)
    return ModelBroken(_sentence("The model's server reported an error instead of its answer", wording.clean(complaint.message)))


def model_unknown(model: str) -> ModelUnknown:
    return ModelUnknown(
        f"The model's server has no model '{model}'. "
        "Set OPENAI_MODEL to a model that it has, or map the name to one in MODEL_ALIASES."
    )


def _forbidden(complaint: Complaint, said: str) -> ModelError:
    """A key that may not do this; or a text that a moderator stopped, which is nothing that the key could help."""
    if complaint.about_access:
        return ModelKeyRejected(_sentence("The model's server does not allow this with the key in OPENAI_API_KEY", said))
    return ModelRefusedRequest(_sentence("The model's server refused the request", said))


def _status_of_codes(codes: frozenset[str]) -> int | None:
    return next((status for word, status in _STATUS_OF_WORD.items() if any(word in code for code in codes)), None)


def _too_many(retry_after_s: float | None) -> str:
    when = "in a moment" if retry_after_s is None else f"in {_duration(retry_after_s)}"
    return f"The model's server takes no more requests at the moment. Try again {when}."


def _duration(seconds: float) -> str:
    """As a person says it."""
    for unit_s, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{math.ceil(seconds / unit_s)} {unit}"
    whole = max(1, math.ceil(seconds))
    return "a second" if whole == 1 else f"{whole} seconds"


def _refused(status: int) -> str:
    return f"The model's server refused the request (HTTP {status})"


def _sentence(text: str, said: str) -> str:
    return f"{text}: {said}" if said else f"{text}."
