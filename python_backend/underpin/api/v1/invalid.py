"""What is wrong with a request, in OpenAI's words: each kind of mistake has a sentence, a `param` and a `code`."""

from collections.abc import Sequence

from pydantic import JsonValue
from pydantic_core import ErrorDetails, PydanticCustomError

from .envelope import InvalidRequest

OURS = "openai"
"""The type of an error that a validator of ours raised: its sentence and code come with it."""

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a decimal number",
    "finite_number": "a decimal number",
    "bool_type": "a boolean",
    "list_type": "an array of values",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


def mistake(text: str, code: str) -> PydanticCustomError:
    """An error for a validator to raise; `{param}` in the text becomes the field's place."""
    return PydanticCustomError(OURS, "{text}", {"text": text, "code": code})


def wrong_type(expected: str, value: object) -> PydanticCustomError:
    """A value of a type that the field does not take."""
    return mistake(f"Invalid type for '{{param}}': expected {expected}, but got {_named(value)} instead.", "invalid_type")


def wrong_value(value: object, supported: Sequence[str]) -> PydanticCustomError:
    """A word that is none of those that the field takes."""
    return mistake(f"Invalid value: '{value}'. Supported values are: {_either(supported)}.", "invalid_value")


def invalid_request(error: ErrorDetails, data: JsonValue) -> InvalidRequest:
    """The first error that pydantic found in `data`, as a client of OpenAI's knows it."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    param = _param(error["loc"], data)
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        param = f"{param}.type"
    text, code = _told(kind, value, context, param)
    return InvalidRequest(text, param=param or None, code=code)


def _told(kind: str, value: object, context: dict[str, object], param: str) -> tuple[str, str]:
    match kind:
        case "openai":
            return str(context["text"]).replace("{param}", param), str(context["code"])
        case "missing" | "union_tag_not_found":
            return f"Missing required parameter: '{param}'.", "missing_required_parameter"
        case "union_tag_invalid":
            tags = [tag.strip(" '") for tag in str(context["expected_tags"]).split(",")]
            return f"Invalid value: '{context['tag']}'. Supported values are: {_either(tags)}.", "invalid_value"
        case "literal_error":
            return f"Invalid value: '{value}'. Supported values are: {_listed(context['expected'])}.", "invalid_value"
        case "string_too_long" | "string_too_short" | "too_long" | "too_short":
            return _length(kind, value, context, param)
        case "greater_than_equal" | "less_than_equal":
            return _range(kind, value, context, param)
        case "string_pattern_mismatch":
            pattern = f"Expected a string that matches the pattern '{context['pattern']}'."
            return f"Invalid '{param}': string does not match pattern. {pattern}", "invalid_value"
    if kind in _EXPECTED:
        expected = f"expected {_EXPECTED[kind]}, but got {_named(value)} instead."
        return f"Invalid type for '{param}': {expected}", "invalid_type"
    return f"Invalid '{param}'.", "invalid_value"


def _length(kind: str, value: object, context: dict[str, object], param: str) -> tuple[str, str]:
    noun, a = ("string", "a string") if kind.startswith("string") else ("array", "an array")
    length = len(value) if isinstance(value, str | list) else 0
    if kind.endswith("too_long"):
        bound = f"Expected {a} with maximum length {context['max_length']}, but got {a} with length {length} instead."
        return f"Invalid '{param}': {noun} too long. {bound}", f"{noun}_above_max_length"
    got = f"an empty {noun}" if length == 0 else f"{a} with length {length}"
    bound = f"Expected {a} with minimum length {context['min_length']}, but got {got} instead."
    if length == 0:
        return f"Invalid '{param}': empty {noun}. {bound}", f"empty_{noun}"
    return f"Invalid '{param}': {noun} too short. {bound}", f"{noun}_below_min_length"


def _range(kind: str, value: object, context: dict[str, object], param: str) -> tuple[str, str]:
    below = kind == "greater_than_equal"
    bound = context["ge"] if below else context["le"]
    noun = "integer" if isinstance(bound, int) else "decimal"
    side, sign = ("below minimum", ">=") if below else ("above maximum", "<=")
    shown = f"{bound:g}" if isinstance(bound, int | float) else str(bound)
    text = f"Invalid '{param}': {noun} {side} value. Expected a value {sign} {shown}, but got {value} instead."
    return text, f"{noun}_{'below_min' if below else 'above_max'}_value"


def _param(place: Sequence[int | str], data: JsonValue) -> str:
    """A place as OpenAI writes it, `tools[0].function.name`. pydantic's places also name which arm of a union was tried: what
    is no part of the data is left out."""
    path, at = "", data
    for number, part in enumerate(place):
        if isinstance(at, dict) and isinstance(part, str) and (part in at or number == len(place) - 1):
            path, at = f"{path}.{part}" if path else part, at.get(part)
        elif isinstance(at, list) and isinstance(part, int) and part < len(at):
            path, at = f"{path}[{part}]", at[part]
    return path


def _named(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _listed(expected: object) -> str:
    """pydantic's list of a Literal's values, `'a', 'b' or 'c'`, as OpenAI writes it."""
    return _either([word.strip(" '") for word in str(expected).replace(" or ", ", ").split(",")])


def _either(words: Sequence[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
