"""Errors as HTTP, in one of two forms, by the path. Under /v1 it is OpenAI's envelope; elsewhere `detail` and `error` carry the
same text: the guide's server sent the one, its front end reads the other."""

import logging
import math
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from ..errors import BadInput, UnderpinError, http_status
from .v1.envelope import envelope, envelope_of, is_v1, unknown_route, wrong_method

logger = logging.getLogger("underpin.api")

THREAD_NOT_FOUND = "Thread not found. Please create a new chat."
MISTAKE = "The server made a mistake. Its log tells more."


def error_response(
    error: UnderpinError, *, headers: Mapping[str, str] | None = None, extra: Mapping[str, object] | None = None
) -> JSONResponse:
    """The answer for an error, with Retry-After where it is known."""
    status = http_status(error)
    return _answer(status, error.message, {**(headers or {}), **_retry_after(status, error)}, extra)


def error_answer(path: str, error: UnderpinError) -> JSONResponse:
    """The answer for an error, in the form that belongs to the path."""
    if not is_v1(path):
        return error_response(error)
    status, body = envelope_of(error)
    return JSONResponse(body, status_code=status, headers=_retry_after(status, error))


def install(app: FastAPI) -> None:
    """Every error of the app becomes this form; nothing of the framework's own gets out."""
    app.add_exception_handler(UnderpinError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _hung_up)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, UnderpinError)
    return error_answer(request.url.path, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = str(first["loc"][-1]) if first["loc"] else "request"
    return error_answer(request.url.path, BadInput(f"{field}: {first['msg']}.", param=field))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if is_v1(request.url.path):
        return JSONResponse(_v1_http(request, error), status_code=error.status_code, headers=dict(error.headers or {}))
    path = request.url.path[:100]
    texts = {
        404: f"There is no route {request.method} {path}. GET /docs lists them all.",
        405: f"{path} does not take {request.method}. GET /docs lists what it takes.",
    }
    return _answer(error.status_code, texts.get(error.status_code, error.detail), dict(error.headers or {}))


async def _hung_up(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # in the middle of its body: nobody reads this, and nobody made a mistake


async def _unexpected(request: Request, error: Exception) -> Response:
    # Starlette logs the traceback itself after this handler; the client gets a sentence without it.
    if is_v1(request.url.path):
        return JSONResponse(envelope(500, MISTAKE), status_code=500)
    return _answer(500, MISTAKE, {})


def _v1_http(request: Request, error: HTTPException) -> dict[str, object]:
    match error.status_code:
        case 404:
            return unknown_route(request.method, request.url.path)
        case 405:
            return wrong_method(request.method, request.url.path)
        case status:
            return envelope(status, error.detail)


def _retry_after(status: int, error: UnderpinError) -> dict[str, str]:
    known = error.retry_after_s is not None or status == 503
    return {"Retry-After": str(math.ceil(error.retry_after_s or 1))} if known else {}


def _answer(status: int, text: str, headers: Mapping[str, str], extra: Mapping[str, object] | None = None) -> JSONResponse:
    return JSONResponse({"detail": text, "error": text, **(extra or {})}, status_code=status, headers=dict(headers))
