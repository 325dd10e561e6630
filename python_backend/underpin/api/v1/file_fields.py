"""The fields that files and uploads share: a name that is safe to show, a purpose, an expiry."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from .body import Fields, Text, Whole
from .invalid import mistake, wrong_type

MOST_NAME = 255
"""Characters: more than this no file system takes for a name."""

_TURNS_TEXT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They let `gpj.exe` look like `exe.jpg`. Letters that are written from right to left need none of them in a name."""


def _file_name(name: str) -> str:
    """Without folders, whoever's they are; the rest as it was given, or refused."""
    name = name.replace("\\", "/").rpartition("/")[2]
    if name.strip() in ("", ".", ".."):
        raise mistake("Invalid '{param}': it has no file name.", "invalid_value")
    if len(name) > MOST_NAME:
        raise mistake(
            f"Invalid '{{param}}': the file name is too long. Expected at most {MOST_NAME} characters, but got {len(name)}.",
            "string_above_max_length",
        )
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in _TURNS_TEXT for char in name):
        raise mistake("Invalid '{param}': the file name holds control characters. Rename the file.", "invalid_value")
    return name


def _of_form(value: object) -> object:
    """A form's numbers are text."""
    if isinstance(value, str):
        if not (value.isascii() and value.removeprefix("-").isdigit() and len(value) < 16):
            raise wrong_type("an integer", value)
        return int(value)
    return value


FileName = Annotated[Text, AfterValidator(_file_name)]
PurposeGiven = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]


class ExpiresAfter(Fields):
    anchor: Literal["created_at"]
    seconds: Annotated[Whole, Field(ge=3600, le=30 * 86_400), BeforeValidator(_of_form)]
