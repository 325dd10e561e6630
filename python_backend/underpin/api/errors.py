"""Errors as HTTP. `detail` and `error` carry the same text: the guide's server sent the one, its front end reads the other."""

import logging
import math
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from ..errors import BadInput, UnderpinError, http_status

logger = logging.getLogger("underpin.api")

THREAD_NOT_FOUND = "Thread not found. Please create a new chat."


def error_response(
    error: UnderpinError, *, headers: Mapping[str, str] | None = None, extra: Mapping[str, object] | None = None
) -> JSONResponse:
    """The answer for an error, with Retry-After where it is known."""
    status = http_status(error)
    sent = dict(headers or {})
    if error.retry_after_s is not None or status == 503:
        sent["Retry-After"] = str(math.ceil(error.retry_after_s or 1))
    return _answer(status, error.message, sent, extra)


def install(app: FastAPI) -> None:
    """Every error of the app becomes this form; nothing of the framework's own gets out."""
    app.add_exception_handler(UnderpinError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, UnderpinError)
    return error_response(error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = str(first["loc"][-1]) if first["loc"] else "request"
    return error_response(BadInput(f"{field}: {first['msg']}.", param=field))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path[:100]
    texts = {
        404: f"There is no route {request.method} {path}. GET /docs lists them all.",
        405: f"{path} does not take {request.method}. GET /docs lists what it takes.",
    }
    return _answer(error.status_code, texts.get(error.status_code, error.detail), dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> Response:
    # Starlette logs the traceback itself after this handler; the client gets a sentence without it.
    return _answer(500, "The server made a mistake. Its log tells more.", {})


def _answer(status: int, text: str, headers: Mapping[str, str], extra: Mapping[str, object] | None = None) -> JSONResponse:
    return JSONResponse({"detail": text, "error": text, **(extra or {})}, status_code=status, headers=dict(headers))
