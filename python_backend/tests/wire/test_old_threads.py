"""A thread that lived at OpenAI: its row is there, its messages are not. It can be listed, named, deleted, and started afresh."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pydantic import SecretStr
from pymongo import MongoClient

from tests.wire.in_process import serving
from underpin.api.conversations import new_conversation
from underpin.api.rooms import Rooms
from underpin.objects.stored import DEFAULT_OWNER

OLD = "thread_oldAtOpenAI123"
STRANGER = "thread_neverHeardOf"


async def ask(http: httpx.AsyncClient, thread_id: str) -> httpx.Response:
    return await http.post("/chat/stream", json={"content": 'say "Afresh."', "threadId": thread_id})


async def names(http: httpx.AsyncClient) -> dict[str, str]:
    return {row["threadId"]: row["name"] for row in (await http.get("/threads/history")).json()["threads"]}


async def plant(rooms: Rooms) -> None:
    assert await rooms.conversations.add(new_conversation(DEFAULT_OWNER, OLD, name="Old soil"))


async def test_an_old_thread_is_not_found_and_says_so(tmp_path: Path):
    seen: list[Rooms] = []
    async with serving(tmp_path / "data", wrap_rooms=lambda rooms: seen.append(rooms) or rooms) as http:
        await plant(seen[0])
        history = await http.get(f"/threads/{OLD}/history")
        assert (history.status_code, history.json()["notFound"]) == (404, True)
        answer = await ask(http, OLD)
        assert answer.status_code == 404
        assert answer.json()["error"] == "Thread not found. Please create a new chat."


async def test_with_the_setting_a_message_starts_an_old_thread_afresh(tmp_path: Path):
    seen: list[Rooms] = []
    async with serving(tmp_path / "data", adopt_old_threads=True, wrap_rooms=lambda rooms: seen.append(rooms) or rooms) as http:
        await plant(seen[0])
        assert "Afresh." in (await ask(http, OLD)).text
        said = (await http.get(f"/threads/{OLD}/messages-history")).json()["messages"]
        assert [one["role"] for one in said] == ["user", "assistant"]
        assert await names(http) == {OLD: "Old soil"}
        assert (await ask(http, STRANGER)).status_code == 404


@pytest.mark.parametrize("row", [{}, {"userId": DEFAULT_OWNER}], ids=["bare", "of the user"])
async def test_old_rows_of_mongodb_are_listed_renamed_and_deleted(tmp_path: Path, mongo_database: str, row: Mapping[str, str]):
    with MongoClient[dict[str, Any]](mongo_database) as client:
        rows = client.get_default_database()["conversations"]
        rows.insert_many([{"_id": ObjectId(), "threadId": OLD, **row}, {"_id": "text", "threadId": OLD, "name": "twin", **row}])
        async with serving(tmp_path / "data", adopt_old_threads=True, mongodb_uri=SecretStr(mongo_database)) as http:
            assert OLD in await names(http)
            await http.put("/threads/history", json={"threadId": OLD, "newName": "Pile load tests"})
            assert await names(http) == {OLD: "Pile load tests"}
            assert {one["name"] for one in rows.find()} == {"Pile load tests"}
            assert "Afresh." in (await ask(http, OLD)).text
            deleted = await http.request("DELETE", "/threads/history", json={"threadId": OLD, "isGroup": False})
            assert deleted.json() == {"success": True}
            assert rows.count_documents({}) == 0
            assert (await http.get(f"/threads/{OLD}/history")).status_code == 404
