"""Errors as the servers write them, after their documentation, and what is understood of them."""

import json

import pytest

from underpin.errors import ModelKeyRejected, ModelRateLimited, ModelRefusedRequest, ModelUnknown, ModelUnreachable
from underpin.models.complaint import complaint_of_body
from underpin.models.refusals import KEY_REJECTED, QUOTA_USED_UP, model_unknown, refusal
from underpin.models.wording import Wording

UNKNOWN = model_unknown("m").message

GOOGLE = {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}
REASON = {"details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}
BUSY = "type.googleapis.com/google.rpc.RetryInfo"
OF_SERVERS = {
    # https://github.com/continuedev/continue/issues/10662, in a list as the compatible endpoint sends it
    "Gemini's key": (400, [GOOGLE], ModelKeyRejected, KEY_REJECTED),
    "Gemini's key by its reason": (400, [{"error": {"code": 400, "message": "Nein."} | REASON}], ModelKeyRejected, KEY_REJECTED),
    "Gemini's limit": (
        429,
        [{"error": {"code": 429, "message": "Slow down", "details": [{"@type": BUSY, "retryDelay": "34.2s"}]}}],
        ModelRateLimited,
        "…takes no more requests at the moment. Try again in 35 seconds.",
    ),
    "Gemini's model": (
        404,
        [{"error": {"code": 404, "message": "models/m is not found for API version v1main", "status": "NOT_FOUND"}}],
        ModelUnknown,
        UNKNOWN,
    ),
    # https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
    "Azure's filter": (
        400,
        {"error": {"code": "content_filter", "message": "The response was filtered.", "innererror": {"code": "X"}}},
        ModelRefusedRequest,
        "…refused the request: The response was filtered.",
    ),
    "Azure's deployment": (
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}},
        ModelUnknown,
        UNKNOWN,
    ),
    "Azure's key": (401, {"error": {"code": "401", "message": "Access denied due to"}}, ModelKeyRejected, KEY_REJECTED),
    # https://openrouter.ai/docs/api/reference/errors-and-debugging
    "OpenRouter's credits": (402, {"error": {"code": 402, "message": "Insufficient credits"}}, ModelRateLimited, QUOTA_USED_UP),
    "OpenRouter's provider": (
        502,
        {"error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": '{"error":{"message":"no GPU"}}'}}},
        ModelUnreachable,
        "…is not available at the moment (HTTP 502): Provider returned error: no GPU",
    ),
    "OpenRouter's moderation": (
        403,
        {"error": {"code": 403, "message": "Your input was flagged", "metadata": {"reasons": ["violence"]}}},
        ModelRefusedRequest,
        "…refused the request: Your input was flagged",
    ),
    # https://platform.claude.com/docs/en/api/errors
    "Anthropic's load": (
        529,
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        ModelUnreachable,
        "…is not available at the moment (HTTP 529): Overloaded",
    ),
    "Anthropic's credit": (
        400,
        {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the API."}},
        ModelRateLimited,
        QUOTA_USED_UP,
    ),
    "Anthropic's model": (404, {"error": {"type": "not_found_error", "message": "model: m"}}, ModelUnknown, UNKNOWN),
    # openai.go in https://github.com/ollama/ollama
    "Ollama's model": (
        404,
        {"error": {"message": 'model "m" not found, try pulling it first', "type": "not_found_error", "code": None}},
        ModelUnknown,
        UNKNOWN,
    ),
    # tools/server/server.cpp in https://github.com/ggml-org/llama.cpp
    "llama.cpp's start": (
        503,
        {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
        ModelUnreachable,
        "…is not available at the moment (HTTP 503): Loading model",
    ),
    "llama.cpp's key": (401, {"error": {"code": 401, "type": "authentication_error"}}, ModelKeyRejected, KEY_REJECTED),
    "vLLM's length": (
        400,
        {"object": "error", "message": "This model's maximum context length is 8192 tokens.", "type": "BadRequestError"},
        ModelRefusedRequest,
        "…refused the request: This model's maximum context length is 8192 tokens.",
    ),
    "LM Studio's model": (
        404,
        {"error": {"message": 'Invalid model identifier "m". Please specify a valid model.', "code": "model_not_found"}},
        ModelUnknown,
        UNKNOWN,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body", "error", "text"), OF_SERVERS.values(), ids=OF_SERVERS)
def test_the_errors_of_real_servers_are_understood(status, body, error, text):
    found = refusal(status, complaint_of_body(json.dumps(body).encode()), model="m", wording=Wording())
    assert type(found) is error
    assert found.message == text.replace("…", "The model's server ")
