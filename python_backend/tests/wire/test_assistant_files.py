"""The files of the quickstart's front ends: listed every second, sent as `file` or `files`, deleted without a content type."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import exchange, request_bytes

WITHIN_S = 30
FILES = "/api/assistants/files"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One of its own: nobody else's uploads are in its store."""
    data = tmp_path_factory.mktemp("uploads") / "data"
    with ServerProcess(data, OPENAI_MODEL="scripted", MAX_FILE_BYTES=1_000_000) as process:
        yield process


@pytest.fixture(scope="module")
def http(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, timeout=30) as client:
        yield client


def fetch(http: httpx.Client, method: str, body: object) -> httpx.Response:
    """As a browser's fetch sends a text body for which nobody names a type."""
    return http.request(method, FILES, content=json.dumps(body), headers={"Content-Type": "text/plain;charset=UTF-8"})


def listed(http: httpx.Client) -> list[dict[str, Any]]:
    answer = http.get(FILES)
    assert answer.status_code == 200, answer.text
    files = answer.json()
    assert isinstance(files, list)
    return files


def until(http: httpx.Client, file_id: str, status: str) -> dict[str, Any]:
    """Poll as the front end does, only faster, until the file is that far."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        found = next((one for one in listed(http) if one["file_id"] == file_id), None)
        if found is not None and found["status"] == status:
            return found
        assert time.monotonic() < deadline, (found, status)
        time.sleep(0.1)


def blobs(server: ServerProcess) -> set[str]:
    return {path.name for path in (server.data_dir / "blobs").iterdir()}


def test_a_file_goes_the_way_of_the_quickstart(http: httpx.Client):
    sent = http.post(FILES, files={"file": ("clay.txt", b"Clay swells when it is wet.")})
    assert sent.status_code == 200, sent.text
    [file_id] = sent.json()["fileIds"]
    found = until(http, file_id, "completed")
    assert found == {"file_id": file_id, "filename": "clay.txt", "status": "completed"}
    got = http.get(f"/api/files/{file_id}")
    assert got.content == b"Clay swells when it is wet."
    assert got.headers["content-disposition"].startswith('attachment; filename="clay.txt"')
    gone = fetch(http, "DELETE", {"fileId": file_id})
    assert (gone.status_code, gone.json()) == (200, {"success": True})
    assert file_id not in {one["file_id"] for one in listed(http)}
    assert http.get(f"/api/files/{file_id}").status_code == 404
    assert http.get(f"/v1/files/{file_id}").status_code == 404


def test_many_files_go_the_way_of_the_geotechnical_application(http: httpx.Client):
    sent = http.post(FILES, files=[("files", ("a.txt", b"First.")), ("files", ("a.txt", b"Second."))])
    told = sent.json()
    assert sent.status_code == 200
    assert {key: told[key] for key in ("success", "filesUploaded", "status")} == {
        "success": True,
        "filesUploaded": 2,
        "status": "queued",
    }
    assert "2 files" in told["message"]
    assert [http.get(f"/api/files/{file_id}").content for file_id in told["fileIds"]] == [b"First.", b"Second."]
    names = {one["file_id"]: one["filename"] for one in listed(http)}
    assert [names[file_id] for file_id in told["fileIds"]] == ["a.txt", "a.txt"], "the same name twice is fine"
    for file_id in told["fileIds"]:
        assert fetch(http, "DELETE", {"fileId": file_id}).status_code == 200


def test_the_newest_is_listed_first(http: httpx.Client):
    ids = [http.post(FILES, files={"file": (f"{at}.txt", b"x y z")}).json()["fileIds"][0] for at in range(3)]
    assert [one["file_id"] for one in listed(http)][:3] == ids[::-1]


def test_a_file_that_cannot_be_read_says_why(http: httpx.Client):
    [file_id] = http.post(FILES, files={"file": ("scan.pdf", b"This is no PDF.")}).json()["fileIds"]
    failed = until(http, file_id, "failed")
    assert failed["filename"] == "scan.pdf"
    assert "PDF" in failed["error"]


@pytest.mark.parametrize(
    "name", [b"", b"..", b"a\0.txt", b"x" * 10_240, b"a\x1b[31m", "photo\u202egpj.exe".encode()], ids=lambda name: str(name[:12])
)
def test_a_name_that_could_deceive_is_refused_and_nothing_is_kept(server: ServerProcess, http: httpx.Client, name: bytes):
    before, files = blobs(server), listed(http)
    boundary = "b0undary"
    body = (
        b"".join(
            b'--%b\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\nbytes\r\n' % (boundary.encode(), one)
            for one in (b"good.txt", name)
        )
        + f"--{boundary}--\r\n".encode()
    )
    content_type = ("Content-Type", f"multipart/form-data; boundary={boundary}")
    answer = exchange(server.base_url, request_bytes("POST", FILES, [content_type], body))
    assert answer.status == 400
    assert set(answer.json) == {"detail", "error"}
    assert answer.json["detail"] == answer.json["error"]
    assert answer.json["error"].isprintable()
    time.sleep(0.6)  # for as long as a list is kept
    assert listed(http) == files
    assert blobs(server) == before


@pytest.mark.parametrize("name", ["../../../../tmp/escaped", "/etc/passwd", "..\\..\\win.ini", "file-000"])
def test_a_hostile_name_names_nothing_on_the_disk(server: ServerProcess, http: httpx.Client, name: str):
    before = blobs(server)
    [file_id] = http.post(FILES, files={"file": (name, b"bytes")}).json()["fileIds"]
    assert blobs(server) - before == {file_id}
    shown = next(one["filename"] for one in listed(http) if one["file_id"] == file_id)
    assert shown == name.replace("\\", "/").rpartition("/")[2]


def test_a_file_that_is_too_large_is_refused(server: ServerProcess, http: httpx.Client):
    before = blobs(server)
    answer = http.post(FILES, files={"file": ("a.txt", b"x" * 1_000_001)})
    assert answer.status_code == 413
    assert "MAX_FILE_BYTES" in answer.json()["error"]
    assert blobs(server) == before


def test_mistakes_get_both_keys(http: httpx.Client):
    for answer, status in (
        (http.post(FILES), 400),
        (http.post(FILES, files={"other": ("a.txt", b"x")}), 400),
        (http.post(FILES, data={"file": "x"}, files={"x": ("a", b"")}), 400),
        (fetch(http, "DELETE", {}), 400),
        (fetch(http, "DELETE", {"fileId": 7}), 400),
        (fetch(http, "DELETE", {"fileId": {"$ne": None}}), 400),
        (fetch(http, "DELETE", {"fileId": "file-none"}), 404),
        (fetch(http, "DELETE", {"fileId": "../x"}), 404),
        (http.get("/api/files/file-none"), 404),
        (http.get("/api/files/..%2F..%2Funderpin.sqlite3"), 404),
    ):
        told = answer.json()
        assert answer.status_code == status, told
        assert told["detail"] == told["error"]


def test_a_file_of_v1_is_downloaded_too_and_is_no_upload(http: httpx.Client):
    made = http.post("/v1/files", files={"file": ("b.txt", b"bytes")}, data={"purpose": "user_data"}).json()
    assert http.get(f"/api/files/{made['id']}").content == b"bytes"
    assert made["id"] not in {one["file_id"] for one in listed(http)}
    assert fetch(http, "DELETE", {"fileId": made["id"]}).status_code == 404


def test_a_file_that_another_store_has_stays_there(http: httpx.Client):
    [file_id] = http.post(FILES, files={"file": ("both.txt", b"Sand drains.")}).json()["fileIds"]
    other = http.post("/v1/vector_stores", json={"file_ids": [file_id]}).json()["id"]
    assert fetch(http, "DELETE", {"fileId": file_id}).status_code == 200
    assert http.get(f"/v1/vector_stores/{other}/files/{file_id}").status_code == 200
    assert http.get(f"/api/files/{file_id}").content == b"Sand drains."


def test_polling_is_cheap(http: httpx.Client):
    """Ten tabs that ask at once are answered by one look at the store."""
    first = http.get(FILES)
    for _ in range(10):
        assert http.get(FILES).content == first.content


def test_what_the_assistant_knows_is_told(http: httpx.Client):
    sent = http.post(FILES, files={"file": ("known.txt", b"Peat shrinks.")}).json()["fileIds"][0]
    told = http.get("/api/knowledge").json()
    uploads, knowledge = told["stores"]
    assert (uploads["role"], uploads["place"], uploads["name"]) == ("uploads", "here", "Uploads")
    assert (knowledge["role"], knowledge["place"], knowledge["counts"]["total"]) == ("knowledge", "here", 0)
    assert sent in {one["file_id"] for one in uploads["documents"]}
    assert uploads["counts"]["total"] == len(listed(http))
    assert told["examples"]["searched"] is False
    assert len(told["examples"]["titles"]) > 3
    assert told["model"] == {"writes": True, "name": "scripted", "error": None}
