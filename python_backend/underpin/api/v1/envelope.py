"""OpenAI's envelope of an error, `{error: {message, type, param, code}}`, for everything under /v1.

All four keys are always there: the SDKs read them, and older clients index them without looking.
"""

from ...errors import BadInput, KeyReused, NotFound, StoreUnavailable, UnderpinError, http_status

PREFIX = "/v1"


def is_v1(path: str) -> bool:
    """Whether a path belongs to /v1: the one question by which an error gets its form."""
    return path == PREFIX or path.startswith(PREFIX + "/")


class InvalidRequest(BadInput):
    """A request that is wrong, with OpenAI's `code` for the way in which it is."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message, param=param)
        self.api_code = code


class UnknownModel(NotFound):
    api_code = "model_not_found"


def envelope(status: int, message: str, *, param: str | None = None, code: str | None = None) -> dict[str, object]:
    """The body for a status."""
    return {"error": {"message": message, "type": _type(status), "param": param, "code": code}}


def envelope_of(error: UnderpinError) -> tuple[int, dict[str, object]]:
    """Status and body for an error of ours."""
    # What is not valid is 400 here, never 422.
    status = 400 if isinstance(error, KeyReused) else http_status(error)
    return status, envelope(status, error.message, param=error.param, code=_code(status, error))


def unknown_route(method: str, path: str) -> dict[str, object]:
    """The body of a 404 for an address that nobody serves."""
    return envelope(404, f"Invalid URL ({method} {path[:200]})", code="unknown_url")


def wrong_method(method: str, path: str) -> dict[str, object]:
    """The body of a 405."""
    hint = "(HINT: Perhaps you meant to use a different HTTP method?)"
    return envelope(405, f"Not allowed to {method} on {path[:200]}. {hint}", code="method_not_supported")


def stream_error(error: UnderpinError) -> dict[str, object]:
    """The data of an `error` event: flat as the document has it, and nested as the SDKs read it (measured: each alone is
    missed by some version)."""
    _, body = envelope_of(error)
    inner = body["error"]
    assert isinstance(inner, dict)
    return {**body, **inner}


def _type(status: int) -> str:
    if status == 429:
        return "requests"
    return "server_error" if status >= 500 else "invalid_request_error"


def _code(status: int, error: UnderpinError) -> str | None:
    match error:
        case InvalidRequest() | UnknownModel():
            return error.api_code
        case StoreUnavailable():
            return "store_unavailable"
        case _:
            return "rate_limit_exceeded" if status == 429 else None
