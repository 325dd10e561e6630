"""Function tools: the client's own. They are only described to the model here; calling them is up to the client."""

import re
from collections.abc import Mapping

from pydantic import JsonValue

from ..errors import BadInput
from ..models.base import FunctionSpec

FUNCTION = "function"
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def function_spec(tool: Mapping[str, JsonValue]) -> FunctionSpec:
    """The spec in `{"type": "function", "function": {...}}`. Raises BadInput that names the field."""
    function = tool.get("function")
    if not isinstance(function, dict):
        raise BadInput("A function tool needs an object 'function' with a name.", param="tools.function")
    name, description = function.get("name"), function.get("description") or ""
    parameters, strict = function.get("parameters") or {}, function.get("strict")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadInput(
            "The name of a function must be 1 to 64 of a-z, A-Z, 0-9, underscores and dashes.", param="tools.function.name"
        )
    if not isinstance(description, str):
        raise BadInput(f"The description of function '{name}' must be a string.", param="tools.function.description")
    if not isinstance(parameters, dict):
        raise BadInput(f"The parameters of function '{name}' must be a JSON schema object.", param="tools.function.parameters")
    if strict is not None and not isinstance(strict, bool):
        raise BadInput(f"'strict' of function '{name}' must be true or false.", param="tools.function.strict")
    return FunctionSpec(name=name, description=description, parameters=parameters, strict=strict)
