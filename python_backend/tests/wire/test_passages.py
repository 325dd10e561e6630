"""The passage behind a citation over HTTP: of an upload with pages, of a shipped document, and mistakes in OpenAI's envelope."""

import time

import httpx
import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from underpin.knowledge.shipped import file_id as shipped_id

WITHIN_S = 60
PAGES = (
    ["Foundations of the north pier", "The piles stand in dense sand. Their length is 18 m.", "Clay swells when it is wet."],
    ["Settlement", "After ten years the settlement was 42 mm in the middle of the span.", "It was measured each spring."],
)


def pdf(path: str) -> bytes:
    canvas = Canvas(path, pagesize=A4, invariant=True)
    for lines in PAGES:
        for at, line in enumerate(lines):
            canvas.drawString(72, 760 - 24 * at, line)
        canvas.showPage()
    canvas.save()
    with open(path, "rb") as made:
        return made.read()


def test_a_passage_of_an_upload_has_its_page(http: httpx.Client, tmp_path) -> None:
    sent = http.post("/api/assistants/files", files={"file": ("pier.pdf", pdf(str(tmp_path / "pier.pdf")))}).json()
    [file_id] = sent["fileIds"]
    deadline = time.monotonic() + WITHIN_S
    while True:
        status = {one["file_id"]: one for one in http.get("/api/assistants/files").json()}[file_id]
        if status["status"] != "in_progress":
            break
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    assert status["status"] == "completed", status
    found = http.get(f"/v1/files/{file_id}/passages", params={"quote": "the settlement was 42 mm"}).json()
    assert found["object"] == "file.passage"
    assert found["filename"] == "pier.pdf"
    start, end = found["highlight"]["start"], found["highlight"]["end"]
    assert " ".join(found["text"][start:end].split()) == "the settlement was 42 mm"
    first = http.get(f"/v1/files/{file_id}/passages", params={"chunk": 0}).json()
    assert first["page"] == 1
    assert "The piles stand in dense sand." in first["text"]
    again = http.get(f"/v1/files/{file_id}/passages", params={"chunk": found["chunk"]}).json()
    assert {key: again[key] for key in again if key != "highlight"} == {key: found[key] for key in found if key != "highlight"}


def test_a_passage_of_a_shipped_document_is_told(http: httpx.Client) -> None:
    file_id = shipped_id("soil-classification.md")
    found = http.get(f"/v1/files/{file_id}/passages", params={"chunk": 1}).json()
    assert (found["file_id"], found["filename"], found["chunk"]) == (file_id, "soil-classification.md", 1)
    assert found["text"]
    assert found["before"]
    whole = http.get(f"/api/files/{file_id}").text
    start, end = found["start"], found["end"]
    assert whole[start - len(found["before"]) : start] == found["before"]
    assert whole[end : end + len(found["after"])] == found["after"]


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ({}, 400, "chunk"),
        ({"chunk": ""}, 400, "chunk"),
        ({"chunk": "-1"}, 400, "chunk"),
        ({"chunk": "1e3"}, 400, "chunk"),
        ({"chunk": "٣"}, 400, "chunk"),
        ({"chunk": "9" * 40}, 400, "chunk"),
        ({"quote": "x" * 2001}, 404, "id"),
        ({"chunk": "0"}, 404, "id"),
        ({"quote": "\0"}, 404, "id"),
    ],
    ids=str,
)
def test_a_mistake_is_told_in_the_envelope(http: httpx.Client, query: dict[str, str], status: int, param: str) -> None:
    answer = http.get("/v1/files/file-none/passages", params=query)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param


@pytest.mark.parametrize("file_id", ["..%2F..%2Fx", "file-%00", "%F0%9F%AA%A8", "x" * 5000])
def test_a_hostile_id_is_not_found(http: httpx.Client, file_id: str) -> None:
    answer = http.get(f"/v1/files/{file_id}/passages?chunk=0")
    assert answer.status_code == 404, answer.text
    assert len(answer.json()["error"]["message"]) < 400


def test_a_file_in_no_store_has_no_passages(http: httpx.Client) -> None:
    made = http.post("/v1/files", files={"file": ("a.txt", b"Clay.")}, data={"purpose": "assistants"}).json()
    answer = http.get(f"/v1/files/{made['id']}/passages", params={"chunk": 0})
    assert answer.status_code == 404
    assert "not in any vector store" in answer.json()["error"]["message"]
