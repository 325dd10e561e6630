"""The shapes of vector stores' requests, with OpenAI's limits: chunking, attributes, expiry."""

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue, ValidationInfo, field_validator

from ...objects import vector_store, vector_store_file
from .body import Fields, Text, Whole
from .invalid import mistake, wrong_type

MOST_NAME = 256
MOST_DESCRIPTION = 512
MOST_ATTRIBUTES, MOST_KEY, MOST_VALUE = 16, 64, 512


class ExpiresAfter(Fields):
    anchor: Literal["last_active_at"]
    days: Annotated[Whole, Field(ge=1, le=365)]


class StaticSizes(Fields):
    max_chunk_size_tokens: Annotated[Whole, Field(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[Whole, Field(ge=0)]

    @field_validator("chunk_overlap_tokens")
    @classmethod
    def _at_most_half(cls, overlap: int, others: ValidationInfo) -> int:
        most = others.data.get("max_chunk_size_tokens", 4096) // 2
        if overlap > most:
            raise mistake(
                "Invalid '{param}': it must not exceed half of 'max_chunk_size_tokens'. "
                f"Expected a value <= {most}, but got {overlap} instead.",
                "integer_above_max_value",
            )
        return overlap


class AutoChunking(Fields):
    type: Literal["auto"]


class StaticChunking(Fields):
    type: Literal["static"]
    static: StaticSizes


Chunking = Annotated[AutoChunking | StaticChunking, Field(discriminator="type")]


def _attributes(value: object) -> object:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_type("an object", value)
    if len(value) > MOST_ATTRIBUTES:
        raise mistake(
            f"Invalid '{{param}}': too many properties. Expected an object with at most {MOST_ATTRIBUTES} properties, "
            f"but got an object with {len(value)} properties instead.",
            "object_above_max_properties",
        )
    return {key: _attribute(key, inner) for key, inner in value.items()}


def _attribute(key: str, value: object) -> vector_store_file.Attribute:
    if len(key) > MOST_KEY:
        raise mistake(
            f"Invalid '{{param}}': key too long. Expected keys with maximum length {MOST_KEY}, "
            f"but got a key with length {len(key)} instead.",
            "string_above_max_length",
        )
    match value:
        case str() if len(value) > MOST_VALUE:
            raise mistake(
                f"Invalid '{{param}}.{key}': string too long. Expected a string with maximum length {MOST_VALUE}, "
                f"but got a string with length {len(value)} instead.",
                "string_above_max_length",
            )
        case str() | bool():
            return value
        case int() | float() if (number := as_number(value)) is not None:
            return number
    raise mistake(f"Invalid type for '{{param}}.{key}': expected one of a string, a number or a boolean.", "invalid_type")


def as_number(value: float) -> float | None:
    """A JSON number as it is kept and compared; None when it is beyond all bounds."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


Attributes = Annotated[dict[str, JsonValue], BeforeValidator(_attributes)]


def stored_attributes(given: dict[str, JsonValue]) -> dict[str, vector_store_file.Attribute]:
    """Attributes as they are kept."""
    return {key: value for key, value in given.items() if isinstance(value, str | float | bool)}


def stored_chunking(given: AutoChunking | StaticChunking | None) -> vector_store_file.StaticChunking:
    """How a file is cut, as it is kept and shown: OpenAI's `auto` is told as what it is."""
    if not isinstance(given, StaticChunking):
        return vector_store_file.StaticChunking()
    return vector_store_file.StaticChunking(static=vector_store_file.StaticSizes(**given.static.model_dump()))


def stored_expiry(given: ExpiresAfter | None) -> vector_store.ExpiresAfter | None:
    """An expiry as it is kept."""
    return None if given is None else vector_store.ExpiresAfter(days=given.days)


Name = Annotated[Text, Field(max_length=MOST_NAME)]
Description = Annotated[Text, Field(max_length=MOST_DESCRIPTION)]
FileId = Annotated[Text, Field(min_length=1)]
