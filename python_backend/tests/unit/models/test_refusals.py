import json

import pytest

from underpin.errors import (
    ModelBroken,
    ModelKeyRejected,
    ModelRateLimited,
    ModelRefusedRequest,
    ModelUnknown,
    ModelUnreachable,
    ToolsRefused,
)
from underpin.models.complaint import Complaint, complaint_of_body
from underpin.models.refusals import NO_SUCH_PATH, QUOTA_USED_UP, refusal, refusal_in_stream
from underpin.models.tries import may_pass
from underpin.models.wording import Wording

KEY_TEXT = "Invalid API key. Please check your OPENAI_API_KEY in the .env file."
UNKNOWN_TEXT = (
    "The model's server has no model 'm'. Set OPENAI_MODEL to a model that it has, or map the name to one in MODEL_ALIASES."
)


def openai(message: str, code: str | None = None, type: str | None = None) -> dict[str, object]:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "error", "text"),
    [
        (401, openai("Incorrect API key provided: sk-abc"), ModelKeyRejected, KEY_TEXT),
        (403, "<html>no</html>", ModelKeyRejected, KEY_TEXT),
        (403, openai("no access to model `m`", "model_not_found"), ModelUnknown, UNKNOWN_TEXT),
        (404, openai("The model `m` does not exist", "model_not_found"), ModelUnknown, UNKNOWN_TEXT),
        (404, {"object": "error", "message": "The model `m` does not exist.", "code": 404}, ModelUnknown, UNKNOWN_TEXT),
        (404, {"error": "model 'm' not found"}, ModelUnknown, UNKNOWN_TEXT),
        (404, {"detail": "Not Found"}, ModelUnreachable, NO_SUCH_PATH),
        (404, "<html>models of cars</html>", ModelUnreachable, NO_SUCH_PATH),
        (405, "", ModelUnreachable, NO_SUCH_PATH),
        (301, "", ModelUnreachable, NO_SUCH_PATH),
        (429, openai("You exceeded your quota", "insufficient_quota"), ModelRateLimited, QUOTA_USED_UP),
        (402, openai("Insufficient balance"), ModelRateLimited, QUOTA_USED_UP),
        (429, "", ModelRateLimited, "The model's server takes no more requests at the moment. Try again in a moment."),
        (
            400,
            openai("Unsupported value: 'temperature'."),
            ModelRefusedRequest,
            "…refused the request: Unsupported value: 'temperature'.",
        ),
        (413, "<html>", ModelRefusedRequest, "…refused the request (HTTP 413)."),
        (400, "no", ModelRefusedRequest, "…refused the request: no"),
        (
            422,
            {"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs"}]},
            ModelRefusedRequest,
            "…refused the request: body.top_k: Extra inputs",
        ),
        (503, openai("Loading model"), ModelUnreachable, "…is not available at the moment (HTTP 503): Loading model"),
        (502, "<html>nginx</html>", ModelUnreachable, "…is not available at the moment (HTTP 502)."),
        (500, openai("out of memory"), ModelBroken, "…failed (HTTP 500): out of memory"),
        (500, "<html>", ModelBroken, "…failed (HTTP 500)."),
        (500, '{"error":' + "[" * 20_000 + "]" * 20_000 + "}", ModelBroken, "…failed (HTTP 500)."),
        (400, openai("Invalid API Key", "400"), ModelKeyRejected, KEY_TEXT),
        (
            403,
            openai("Country, region, or territory not supported", "unsupported_country_region_territory"),
            ModelKeyRejected,
            "…does not allow this with the key in OPENAI_API_KEY: Country, region, or territory not supported",
        ),
        (
            403,
            openai("Your input was flagged"),
            ModelRefusedRequest,
            "…refused the request: Your input was flagged",
        ),
        (400, openai("x/y is not a valid model ID"), ModelUnknown, UNKNOWN_TEXT),
        (400, openai("Model Not Exist"), ModelUnknown, UNKNOWN_TEXT),
        (
            400,
            openai("this model wants no temperature"),
            ModelRefusedRequest,
            "…refused the request: this model wants no temperature",
        ),
    ],
)
def test_a_status_and_its_body_become_an_error_that_says_what_to_do(status, body, error, text):
    raw = json.dumps(body) if isinstance(body, dict) else body
    found = refusal(status, complaint_of_body(raw.encode()), model="m", wording=Wording())
    assert type(found) is error
    assert found.message == text.replace("…", "The model's server ")


TOOLS_REFUSED = [
    (400, "registry.ollama.ai/library/gemma:2b does not support tools"),
    (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
    (500, "tools param requires --jinja flag"),
    (404, "No endpoints found that support tool use. To learn more about provider routing, visit: the documentation"),
    (400, "`tool calling` is not supported with this model"),
    (400, "Unsupported parameter: 'tools' is not supported with this model."),
    (400, "Function calling is not enabled for models/gemma-3-27b-it"),
    (400, "deepseek-reasoner does not support Function Calling"),
    (422, "This model does not support tool use"),
]


@pytest.mark.parametrize(("status", "said"), TOOLS_REFUSED)
def test_a_server_that_takes_no_tools_is_known_by_its_words(status, said):
    found = refusal(status, complaint_of_body(json.dumps(openai(said)).encode()), model="m", wording=Wording())
    assert type(found) is ToolsRefused
    assert found.message.startswith("The model 'm' takes no tools: ")
    assert not may_pass(status, found)


@pytest.mark.parametrize(
    "said",
    [
        "Unsupported value: 'tool_choice' does not support 'required' with this model.",
        "Invalid schema for function 'f': object schema missing properties.",
        "Unsupported parameter: 'temperature' is not supported with this model.",
        "tools[0].function.name: string does not match pattern",
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.",
    ],
)
def test_other_complaints_about_tools_are_no_refusal_of_them(said):
    found = refusal(400, complaint_of_body(json.dumps(openai(said)).encode()), model="m", wording=Wording())
    assert type(found) is ModelRefusedRequest


def test_a_rate_limit_says_when_to_come_back():
    found = refusal(429, complaint_of_body(b""), model="m", wording=Wording(), retry_after_s=600.0)
    assert found.retry_after_s == 600.0
    assert found.message.endswith("Try again in 10 minutes.")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "a second"), (1.2, "2 seconds"), (90, "90 seconds"), (120, "2 minutes"), (7199, "120 minutes"), (86_400, "24 hours")],
)
def test_a_time_is_said_as_people_say_it(seconds, said):
    assert str(refusal(429, Complaint(), model="m", wording=Wording(), retry_after_s=seconds)).endswith(f"again in {said}.")


@pytest.mark.parametrize(
    ("error", "type_", "text"),
    [
        ({"message": "slow down", "type": "rate_limit_error"}, ModelRateLimited, "takes no more requests"),
        ({"message": "x", "code": "insufficient_quota"}, ModelRateLimited, "quota"),
        (
            {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"},
            ModelRefusedRequest,
            "too long",
        ),
        ({"message": "no", "code": 401}, ModelKeyRejected, KEY_TEXT),
        ({"message": "m is gone", "code": "model_not_found", "type": "invalid_request_error"}, ModelUnknown, "'m'"),
        ({"message": "boom", "code": 502}, ModelBroken, "reported an error instead of its answer: boom"),
        (
            {"message": "Overloaded", "type": "overloaded_error"},
            ModelUnreachable,
            "not available at the moment (HTTP 529): Overloaded",
        ),
        ({"message": [[[["deep"]]]]}, ModelBroken, "reported an error instead of its answer."),
        ({"message": None}, ModelBroken, "reported an error instead of its answer."),
        ("boom", ModelBroken, "reported an error instead of its answer: boom"),
        ([1, 2], ModelBroken, "reported an error instead of its answer."),
    ],
)
def test_an_error_object_inside_a_stream_is_sorted_by_its_codes(error, type_, text):
    found = refusal_in_stream(error, model="m", wording=Wording())
    assert type(found) is type_
    assert text in found.message
