"""Files and uploads by the official SDK for Node, of two major versions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import run_node

pytestmark = [pytest.mark.usefixtures("node"), pytest.mark.parametrize("sdk", ["openai-6", "openai-7"])]

LARGE = 3_000_000
NONE = "file-000000000000000000000000"


@pytest.fixture
def program(server: ServerProcess, sdk: str, tmp_path: Path) -> Callable[[str], Any]:
    """What the program saw that does this with the SDK."""

    def run(do: str) -> Any:
        return run_node("v1_files.mjs", {"sdk": sdk, "baseUrl": server.base_url, "folder": str(tmp_path), "do": do})

    return run


def error(kind: str, status: int, message: str, param: str | None, code: str | None = None) -> dict[str, Any]:
    told = {"class": kind, "status": status, "message": f"{status} {message}", "type": "invalid_request_error"}
    return {**told, "param": param, "code": code}


def test_a_file_is_sent_from_wherever_its_bytes_are(program: Callable[[str], Any]) -> None:
    seen = program("sends")
    for source, name in [
        ("stream", "粘土 soils.txt"), ("pieces", "pieces.txt"), ("file", "file.txt"), ("response", "got.txt"),
    ]:  # fmt: skip
        made = seen[source]
        assert (made["filename"], made["bytes"], made["purpose"], made["status"]) == (name, LARGE, "user_data", "processed")
        assert made["whole"], source
    assert seen["disk"]["same"]
    assert seen["disk"]["headers"] == {
        "content-type": "application/octet-stream",
        "content-length": str(LARGE),
        "content-disposition": "attachment; filename=\"__ soils.txt\"; filename*=UTF-8''%E7%B2%98%E5%9C%9F%20soils.txt",
    }
    assert (seen["expiresIn"], seen["processed"]) == (3600, "processed")


def test_files_are_listed_by_the_sdks_iterators(program: Callable[[str], Any]) -> None:
    seen = program("lists")
    assert (seen["newestFirst"], seen["oldestFirst"], seen["others"]) == ("54321", "12345", "")
    assert seen["pages"] == ["54", True, "32"]
    assert seen["retrieved"] == "1.txt"
    assert (seen["deleted"]["object"], seen["deleted"]["deleted"]) == ("file", True)
    assert seen["left"] == "5432"


def test_parts_become_a_file(program: Callable[[str], Any]) -> None:
    seen = program("uploads")
    assert seen["begun"] == ["upload", "pending", LARGE]
    assert seen["parts"] == [3, "upload.part", True]
    assert (seen["wrong"]["class"], seen["wrong"]["param"]) == ("BadRequestError", "md5")
    assert seen["done"] == ["completed", "large.txt", LARGE, True]
    assert seen["cancelled"] == "cancelled"
    text = f"Upload '{seen['secondId']}' has status 'cancelled': only a pending one takes parts, is completed or cancelled."
    assert seen["late"] == error("BadRequestError", 400, text, None)


def test_errors_are_the_sdks_classes(program: Callable[[str], Any]) -> None:
    missing = error("NotFoundError", 404, f"No such File object: {NONE}", "id")
    too_small = "integer below minimum value. Expected a value >= 1, but got 0 instead."
    purposes = "'assistants', 'batch', 'fine-tune', 'vision', 'user_data', and 'evals'"
    assert program("errors") == {
        "missing": missing,
        "missingContent": missing,
        "deleted": missing,
        "cursor": missing,
        "purpose": error(
            "BadRequestError", 400, f"Invalid value: 'homework'. Supported values are: {purposes}.", "purpose", "invalid_value"
        ),
        "limit": error("BadRequestError", 400, f"Invalid 'limit': {too_small}", "limit", "integer_below_min_value"),
        "upload": error("NotFoundError", 404, "No upload found with id 'upload_none'.", "upload_id"),
        "size": error("BadRequestError", 400, f"Invalid 'bytes': {too_small}", "bytes", "integer_below_min_value"),
    }
