"""The shapes that several requests share, with their limits (page §7 of the protocol) and OpenAI's messages."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator
from pydantic.config import JsonDict

from .body import Fields, Flag, Number, Text, Whole, null_as
from .invalid import mistake, wrong_type, wrong_value
from .store_shapes import Chunking, FileId

MOST_PAIRS, MOST_KEY, MOST_VALUE = 16, 64, 512
MOST_INSTRUCTIONS = 256_000
MOST_NAME = 256
MOST_DESCRIPTION = 512
MOST_TOOLS = 128
MOST_TOOLS_OF_A_RUN = 20
MOST_CODE_FILES = 20
MOST_FILES_OF_A_NEW_STORE = 10_000
FEWEST_TOKENS = 256
"""The least that `max_prompt_tokens` and `max_completion_tokens` may be."""


def _metadata(value: dict[str, str]) -> dict[str, str]:
    if len(value) > MOST_PAIRS:
        raise mistake(
            f"Invalid '{{param}}': too many properties. Expected an object with at most {MOST_PAIRS} properties, "
            f"but got an object with {len(value)} properties instead.",
            "object_above_max_properties",
        )
    for key, text in value.items():
        if len(key) > MOST_KEY:
            raise mistake(
                f"Invalid '{{param}}': key too long. Expected keys with maximum length {MOST_KEY}, "
                f"but got a key with length {len(key)} instead.",
                "string_above_max_length",
            )
        if len(text) > MOST_VALUE:
            raise mistake(
                f"Invalid '{{param}}.{key}': string too long. Expected a string with maximum length {MOST_VALUE}, "
                f"but got a string with length {len(text)} instead.",
                "string_above_max_length",
            )
    return value


_METADATA: JsonDict = {
    "maxProperties": MOST_PAIRS,
    "propertyNames": {"maxLength": MOST_KEY},
    "additionalProperties": {"type": "string", "maxLength": MOST_VALUE},
}
Metadata = Annotated[dict[Text, Text], AfterValidator(_metadata), Field(json_schema_extra=_METADATA), null_as({})]
Instructions = Annotated[Text, Field(max_length=MOST_INSTRUCTIONS)]
Temperature = Annotated[Number, Field(ge=0.0, le=2.0)]
TopP = Annotated[Number, Field(ge=0.0, le=1.0)]
Tokens = Annotated[Whole, Field(ge=FEWEST_TOKENS)]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class CodeInterpreterTool(Fields):
    type: Literal["code_interpreter"]


class RankingOptions(Fields):
    ranker: Literal["auto", "default_2024_08_21"] = "auto"
    score_threshold: Annotated[Number, Field(ge=0.0, le=1.0)]


class FileSearchOptions(Fields):
    max_num_results: Annotated[Whole, Field(ge=1, le=50)] | None = None
    ranking_options: RankingOptions | None = None


class FileSearchTool(Fields):
    type: Literal["file_search"]
    file_search: FileSearchOptions | None = None


class Function(Fields):
    name: Annotated[Text, Field(max_length=64, pattern=r"^[a-zA-Z0-9_-]+$")]
    description: Text | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: Flag | None = None


class FunctionTool(Fields):
    type: Literal["function"]
    function: Function


Tool = Annotated[CodeInterpreterTool | FileSearchTool | FunctionTool, Field(discriminator="type")]


def stored_tools(tools: list[Tool]) -> list[dict[str, JsonValue]]:
    """Tools as they are kept and shown: what was given, no more."""
    return [tool.model_dump(exclude_unset=True, exclude_none=True) for tool in tools]


class CodeFiles(Fields):
    file_ids: Annotated[list[Text], Field(max_length=MOST_CODE_FILES)] = []


class NewStore(Fields):
    """A vector store that is to be made along with what uses it."""

    file_ids: Annotated[list[FileId], Field(max_length=MOST_FILES_OF_A_NEW_STORE), null_as([])] = []
    chunking_strategy: Chunking | None = None
    metadata: Metadata = {}


class VectorStores(Fields):
    """One in all."""

    vector_store_ids: Annotated[list[Text], Field(max_length=1), null_as([])] = []
    vector_stores: Annotated[list[NewStore], Field(max_length=1), null_as([])] = []

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.vector_store_ids and self.vector_stores:
            raise mistake(
                "Invalid '{param}': give 'vector_store_ids' or 'vector_stores', not both: there can be one vector store.",
                "invalid_value",
            )
        return self


class ToolResources(Fields):
    code_interpreter: CodeFiles | None = None
    file_search: VectorStores | None = None


class JsonSchema(Fields):
    name: Annotated[Text, Field(max_length=64, pattern=r"^[a-zA-Z0-9_-]+$")]
    description: Text | None = None
    schema_: Annotated[dict[str, JsonValue] | None, Field(alias="schema")] = None
    strict: Flag | None = None


class TextFormat(Fields):
    type: Literal["text"]


class JsonObjectFormat(Fields):
    type: Literal["json_object"]


class JsonSchemaFormat(Fields):
    type: Literal["json_schema"]
    json_schema: JsonSchema


class AutoFormat(Fields):
    """`"auto"`, the one word among the formats."""

    type: Literal["auto"]


def _format(value: object) -> object:
    if value == "auto":
        return {"type": "auto"}
    if isinstance(value, str):
        raise wrong_value(value, ["auto"])
    if not isinstance(value, dict):
        raise wrong_type("an object", value)
    if value.get("type") == "auto":
        raise wrong_value("auto", ["text", "json_object", "json_schema"])
    return value


ResponseFormat = Annotated[
    Annotated[AutoFormat | TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")],
    BeforeValidator(_format, json_schema_input_type=Literal["auto"] | TextFormat | JsonObjectFormat | JsonSchemaFormat),
]


def stored_format(wanted: ResponseFormat | None) -> str | dict[str, JsonValue]:
    """A response format as it is kept and shown; null means `auto`."""
    if wanted is None or isinstance(wanted, AutoFormat):
        return "auto"
    return wanted.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
