"""What a request asks of a run: the fields in which it differs from its assistant."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from ...objects.assistant import Assistant
from ...objects.run import TruncationStrategy
from .body import Fields, Flag, Text, Whole, null_as
from .content import NewMessage
from .invalid import mistake, wrong_type, wrong_value
from .shapes import (
    MOST_TOOLS_OF_A_RUN,
    Metadata,
    ReasoningEffort,
    ResponseFormat,
    Temperature,
    Tokens,
    Tool,
    TopP,
    stored_format,
    stored_tools,
)

_WORDS = ("none", "auto", "required")


class ChosenFunction(Fields):
    name: Text


class Choice(Fields):
    """One of the three words stands in `type` too."""

    type: Literal["none", "auto", "required", "function", "file_search", "code_interpreter"]
    function: ChosenFunction | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.type == "function" and self.function is None:
            raise mistake("Missing required parameter: '{param}.function'.", "missing_required_parameter")
        return self


def _choice(value: object) -> object:
    if isinstance(value, str):
        if value not in _WORDS:
            raise wrong_value(value, _WORDS)
        return {"type": value}
    if not isinstance(value, dict):
        raise wrong_type("an object", value)
    if value.get("type") in _WORDS:
        raise wrong_value(value["type"], ["function", "file_search", "code_interpreter"])
    return value


ToolChoice = Annotated[Choice, BeforeValidator(_choice, json_schema_input_type=Literal["none", "auto", "required"] | Choice)]


class Truncation(Fields):
    type: Literal["auto", "last_messages"]
    last_messages: Annotated[Whole, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.type == "last_messages" and self.last_messages is None:
            raise mistake("Missing required parameter: '{param}.last_messages'.", "missing_required_parameter")
        return self


class RunOptions(Fields):
    """Of POST /threads/runs and POST /threads/{id}/runs alike."""

    assistant_id: Text
    model: Annotated[Text, Field(min_length=1)] | None = None
    instructions: Annotated[Text, Field(max_length=256_000)] | None = None
    tools: Annotated[list[Tool], Field(max_length=MOST_TOOLS_OF_A_RUN)] | None = None
    metadata: Metadata = {}
    temperature: Temperature | None = None
    top_p: TopP | None = None
    stream: Annotated[Flag, null_as(False)] = False
    max_prompt_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    truncation_strategy: Truncation | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: Annotated[Flag, null_as(True)] = True
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None


class NewRun(RunOptions):
    additional_instructions: Annotated[Text, Field(max_length=256_000)] | None = None
    additional_messages: Annotated[list[NewMessage], null_as([])] = []


def run_fields(body: RunOptions, assistant: Assistant, additional_instructions: str | None = None) -> dict[str, Any]:
    """The run's fields that the request sets; null and left out mean the assistant's."""
    fields: dict[str, Any] = {"metadata": body.metadata, "parallel_tool_calls": body.parallel_tool_calls}
    for name in (
        "model",
        "instructions",
        "temperature",
        "top_p",
        "max_prompt_tokens",
        "max_completion_tokens",
        "reasoning_effort",
    ):
        value = getattr(body, name)
        if value is not None:
            fields[name] = value
    if additional_instructions:
        instructions = fields.get("instructions", assistant.instructions) or ""
        fields["instructions"] = f"{instructions}\n\n{additional_instructions}" if instructions else additional_instructions
    if body.tools is not None:
        fields["tools"] = stored_tools(body.tools)
    if body.response_format is not None:
        fields["response_format"] = stored_format(body.response_format)
    if body.tool_choice is not None:
        fields["tool_choice"] = _stored_choice(body.tool_choice)
    if (cut := body.truncation_strategy) is not None:
        last = cut.last_messages if cut.type == "last_messages" else None
        fields["truncation_strategy"] = TruncationStrategy(type=cut.type, last_messages=last)
    return fields


def _stored_choice(choice: Choice) -> str | dict[str, JsonValue]:
    return choice.type if choice.type in _WORDS else choice.model_dump(exclude_none=True)
