"""Cut OpenAI's document down to the shapes that answers are held against: `python trim.py SOURCE > assistants-surface.json`.

SOURCE is `openapi.json` of github.com/openai/openai-openapi (commit f85dbe2; MIT, see LICENSE), or a part of it. Nothing
that says what an answer looks like is changed: descriptions, examples and what is no schema of an answer are left out.
"""

import json
import sys
from pathlib import Path
from typing import Any

_WORDS = {"description", "example", "examples", "summary", "tags", "security", "requestBody", "deprecated", "title", "default"}


def without_words(value: Any, *, names: bool = False) -> Any:
    """`names`: the keys are names of somebody's, not the document's own words."""
    if isinstance(value, list):
        return [without_words(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: without_words(one, names=key in ("properties", "schemas", "paths"))
        for key, one in value.items()
        if names or not (key in _WORDS or key.startswith("x-"))
    }


def reached(document: dict[str, Any]) -> set[str]:
    """The schemas that answers and events reach."""
    schemas = document["components"]["schemas"]
    open_ends = [json.dumps(document["paths"]), json.dumps(schemas["AssistantStreamEvent"]), json.dumps(schemas["ErrorResponse"])]
    found = {"AssistantStreamEvent", "ErrorResponse"}
    while open_ends:
        text = open_ends.pop()
        for name in schemas:
            if name not in found and f'"#/components/schemas/{name}"' in text:
                found.add(name)
                open_ends.append(json.dumps(schemas[name]))
    return found


def main(source: Path) -> None:
    document = without_words(json.loads(source.read_text("utf-8")))
    kept = reached(document)
    schemas = {name: schema for name, schema in document["components"]["schemas"].items() if name in kept}
    trimmed = {"openapi": document["openapi"], "paths": document["paths"], "components": {"schemas": schemas}}
    json.dump(trimmed, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
