"""Standing stores whose ids live at the model's server, through the routes of the front ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from tests.upstream_stores import KEY, UpstreamStores
from tests.wire.in_process import serving

FILES = "/api/assistants/files"
WITHIN_S = 20


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamStores]:
    async with UpstreamStores() as upstream:
        yield upstream


@asynccontextmanager
async def server(data_dir: Path, upstream: UpstreamStores, **settings: object) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(
        data_dir,
        openai_base_url=upstream.base_url,
        openai_api_key=SecretStr(KEY),
        openai_vector_store_id="vs_up",
        openai_knowledge_store_id="vs_know",
        model_retry_after_s=0,
        **settings,
    ) as http:
        yield http


async def places(http: httpx.AsyncClient) -> dict[str, str | None]:
    return {store["role"]: store["place"] for store in (await http.get("/api/knowledge")).json()["stores"]}


async def until_places(http: httpx.AsyncClient, **wanted: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            if await places(http) == wanted:
                return
            await asyncio.sleep(0.05)


async def test_uploads_go_where_the_store_is(tmp_path, upstream):
    upstream.keep("vs_up", {"file-old": ("old.txt", "Clay swells.")})
    async with server(tmp_path, upstream) as http:
        sent = await http.post(FILES, files=[("files", ("new.txt", b"Sand drains.")), ("files", ("new.txt", b"Peat shrinks."))])
        assert sent.status_code == 200, sent.text
        ids = sent.json()["fileIds"]
        assert [upstream.files[one].data for one in ids] == [b"Sand drains.", b"Peat shrinks."]
        listed = (await http.get(FILES)).json()
        assert listed == [
            {"file_id": ids[1], "filename": "new.txt", "status": "completed"},
            {"file_id": ids[0], "filename": "new.txt", "status": "completed"},
            {"file_id": "file-old", "filename": "old.txt", "status": "completed"},
        ]
        assert list((tmp_path / "blobs").iterdir()) == [], "nothing of it is kept here"
        assert (await http.get("/v1/files")).json()["data"] == []
        gone = await http.request("DELETE", FILES, content='{"fileId": "file-old"}', headers={"Content-Type": "text/plain"})
        assert gone.json() == {"success": True}
        assert "file-old" not in upstream.files
        assert await places(http) == {"uploads": "upstream", "knowledge": "here"}


async def test_the_list_is_asked_for_once_however_often_it_is_polled(tmp_path, upstream):
    upstream.keep("vs_up", {"file-old": ("old.txt", "Clay swells.")})
    async with server(tmp_path, upstream) as http:
        await asyncio.gather(*(http.get(FILES) for _ in range(20)))
        assert upstream.asked.count(("GET", "/vector_stores/vs_up/files")) == 1


async def test_a_file_there_is_downloaded_where_that_is_allowed(tmp_path, upstream):
    upstream.keep("vs_up", {"file-old": ("old report.txt", "Clay swells.")})
    upstream.keep("vs_other", {"file-secret": ("secret.txt", "A secret.")})
    async with server(tmp_path, upstream) as http:
        await until_places(http, uploads="upstream", knowledge="here")
        refused = await http.get("/api/files/file-old")
        assert refused.status_code == 400
        assert "Not allowed to download" in refused.json()["error"]
        upstream.downloads_allowed = True
        got = await http.get("/api/files/file-old")
        assert (got.status_code, got.content) == (200, b"Clay swells.")
        assert got.headers["content-disposition"].startswith('attachment; filename="old report.txt"')
        assert (await http.get("/api/files/file-secret")).status_code == 404, "only files of the two stores"


async def test_the_passage_of_a_file_there_is_found_by_its_quote(tmp_path, upstream):
    upstream.keep("vs_up", {"file-old": ("old.txt", "Before it.\nClay  swells.\nAfter it.")})
    async with server(tmp_path, upstream) as http:
        await until_places(http, uploads="upstream", knowledge="here")
        found = (await http.get("/v1/files/file-old/passages", params={"quote": "Clay swells."})).json()
        assert (found["filename"], found["text"], found["before"], found["after"]) == (
            "old.txt", "Clay  swells.", "Before it.\n", "\nAfter it.",
        )  # fmt: skip
        assert (found["chunk"], found["page"]) == (None, None)
        by_number = await http.get("/v1/files/file-old/passages", params={"chunk": 0})
        assert by_number.status_code == 404
        assert "quote" in by_number.json()["error"]["message"]


@pytest.mark.parametrize(("status", "told", "named"), [(503, 503, "vs_up"), (500, 503, "vs_up"), (401, 401, "OPENAI_API_KEY")])
async def test_while_nobody_can_tell_uploads_hear_why_and_all_else_goes_on(tmp_path, upstream, status, told, named):
    upstream.keep("vs_up")
    upstream.refuse(status, body="")
    async with server(tmp_path, upstream) as http:
        for answer in (await http.post(FILES, files={"file": ("a.txt", b"x")}), await http.get(FILES)):
            assert answer.status_code == told, answer.text
            assert named in answer.json()["error"]
            assert answer.json()["error"] == answer.json()["detail"]
            assert KEY not in answer.text
        assert (await http.get("/ready")).json()["parts"]["store"] == "ok"
        thread = (await http.post("/threads/create")).json()["threadId"]
        answered = await http.post("/chat", json={"content": "hi", "threadId": thread})
        assert answered.status_code == 200
        assert (await http.get("/v1/vector_stores")).json()["data"] == [], "no twin was made"
        upstream.heal()
        await until_places(http, uploads="upstream", knowledge="here")
        assert (await http.post(FILES, files={"file": ("a.txt", b"x")})).status_code == 200


async def test_an_upload_that_fails_there_leaves_nothing_here_or_there(tmp_path, upstream):
    upstream.keep("vs_up")
    async with server(tmp_path, upstream) as http:
        await until_places(http, uploads="upstream", knowledge="here")
        del upstream.stores["vs_up"]
        answer = await http.post(FILES, files={"file": ("a.txt", b"x")})
        assert answer.status_code == 404
        assert upstream.files == {}
        assert list((tmp_path / "blobs").iterdir()) == []


async def test_a_start_without_its_server_begins_all_the_same(tmp_path, upstream):
    await upstream.stop()
    async with server(tmp_path, upstream) as http:
        answer = await http.post(FILES, files={"file": ("a.txt", b"x")})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        await upstream.start()
        await until_places(http, uploads="here", knowledge="here")
        assert (await http.post(FILES, files={"file": ("a.txt", b"x")})).status_code == 200


async def test_a_store_that_is_here_stays_here_when_the_server_learns_the_id(tmp_path, upstream):
    async with server(tmp_path, upstream) as http:
        await until_places(http, uploads="here", knowledge="here")
        assert (await http.post(FILES, files={"file": ("a.txt", b"x")})).status_code == 200
    upstream.keep("vs_up")
    upstream.keep("vs_know")
    async with server(tmp_path, upstream) as http:
        await until_places(http, uploads="here", knowledge="upstream")


async def test_an_answer_cites_what_is_kept_there(tmp_path, upstream):
    text = "The pier stands on clay. Clay swells when it is wet, and the pier rose by 12 mm in the spring of 2019."
    upstream.keep("vs_know", {"file-old": ("pier.pdf", text)})
    async with server(tmp_path, upstream, openai_model="extractive") as http:
        await until_places(http, uploads="here", knowledge="upstream")
        thread = (await http.post("/threads/create")).json()["threadId"]
        question = {"content": "By how much did the pier rise?", "threadId": thread}
        streamed = await http.post("/chat/stream", json=question)
        assert "thread.run.completed" in streamed.text
        answer = (await http.get(f"/threads/{thread}/history")).json()["messages"][0]["content"][0]["text"]
        assert "12 mm" in answer["value"]
        [note] = answer["annotations"]
        assert note["file_citation"]["file_id"] == "file-old"
        assert answer["value"][note["start_index"] : note["end_index"]] == note["text"]
        place = {"chunk": note["file_citation"]["chunk"]}
        found = (await http.get("/v1/files/file-old/passages", params=place)).json()
        assert note["file_citation"]["quote"] in found["text"]
        assert found["filename"] == "pier.pdf"


async def test_a_store_that_cannot_be_asked_fails_the_answer_with_a_sentence(tmp_path, upstream):
    upstream.keep("vs_know", {"file-old": ("pier.pdf", "Clay swells.")})
    async with server(tmp_path, upstream, openai_model="extractive") as http:
        await until_places(http, uploads="here", knowledge="upstream")
        upstream.refuse(500, body="")
        thread = (await http.post("/threads/create")).json()["threadId"]
        streamed = await http.post("/chat/stream", json={"content": "Does clay swell?", "threadId": thread})
        assert streamed.status_code == 502 or "thread.run.failed" in streamed.text
        assert "The model's server failed (HTTP 500)" in streamed.text
        upstream.heal()
        again = await http.post("/chat/stream", json={"content": "Does clay swell?", "threadId": thread})
        assert "thread.run.completed" in again.text
