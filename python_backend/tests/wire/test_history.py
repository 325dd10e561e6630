"""The list of chats, as the geotechnical front end keeps it: the same under both prefixes."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.wire.in_process import serving
from underpin.api.rooms import Rooms
from underpin.errors import StoreUnavailable

GONE = "Thread not found. Please create a new chat."
pytestmark = pytest.mark.parametrize("prefix", ["/threads", "/api/assistants/threads"])


def row(http: httpx.Client, prefix: str, thread: str) -> dict[str, Any] | None:
    listed = http.get(f"{prefix}/history").json()["threads"]
    return next((row for row in listed if row["threadId"] == thread), None)


def delete(http: httpx.Client, prefix: str, **body: object) -> httpx.Response:
    return http.request("DELETE", f"{prefix}/history", json=body)


def test_a_conversation_has_the_guides_fields(http: httpx.Client, thread, prefix):
    before = datetime.now(UTC)
    assert http.post(f"{prefix}/history", json={"threadId": thread}).json() == {"success": True}
    told = row(http, prefix, thread)
    assert told is not None
    assert list(told) == ["_id", "userId", "threadId", "name", "isGroup", "createdAt", "updatedAt"]
    assert re.fullmatch("[0-9a-f]{24}", told["_id"])
    assert (told["userId"], told["isGroup"]) == ("default-user", False)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", told["name"]), "a date and time until a title replaces it"
    for time in (told["createdAt"], told["updatedAt"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
        assert abs((datetime.fromisoformat(time) - before).total_seconds()) < 30


def test_a_thread_is_listed_once(http: httpx.Client, thread, prefix):
    first = http.post(f"{prefix}/history", json={"threadId": thread, "name": "Soils", "isGroup": False})
    again = http.post(f"{prefix}/history", json={"threadId": thread, "name": "Other"})
    assert first.json() == {"success": True}
    assert again.json() == {"success": True, "message": "Thread already exists"}
    listed = [row for row in http.get(f"{prefix}/history").json()["threads"] if row["threadId"] == thread]
    assert [told["name"] for told in listed] == ["Soils"]


def test_the_first_message_lists_its_thread(http: httpx.Client, thread, prefix):
    assert row(http, prefix, thread) is None
    http.post(f"{prefix}/{thread}/messages" if "api" in prefix else "/chat/stream", json={"content": "Hello", "threadId": thread})
    assert row(http, prefix, thread) is not None
    assert http.post(f"{prefix}/history", json={"threadId": thread}).json()["message"] == "Thread already exists"


def test_the_newest_comes_first(http: httpx.Client, prefix):
    threads = [http.post("/threads/create").json()["threadId"] for _ in range(3)]
    for thread in threads:
        http.post(f"{prefix}/history", json={"threadId": thread})
    http.put(f"{prefix}/history", json={"threadId": threads[0], "newName": "Renamed, and still the oldest"})
    listed = [row["threadId"] for row in http.get(f"{prefix}/history").json()["threads"]]
    assert [thread for thread in listed if thread in threads] == threads[::-1]


def test_a_conversation_is_renamed(http: httpx.Client, thread, prefix):
    http.post(f"{prefix}/history", json={"threadId": thread})
    before = row(http, prefix, thread)
    assert http.put(f"{prefix}/history", json={"threadId": thread, "newName": "Soil Types 土"}).json() == {"success": True}
    after = row(http, prefix, thread)
    assert before is not None
    assert after == before | {"name": "Soil Types 土", "updatedAt": after["updatedAt"]}
    assert after["updatedAt"] >= before["updatedAt"]


def test_renaming_what_is_not_there_says_so(http: httpx.Client, thread, prefix):
    answer = http.put(f"{prefix}/history", json={"threadId": thread, "newName": "x"})
    assert answer.status_code == 404
    assert answer.json() == {"error": "Thread not found", "detail": "Thread not found"}


def test_deleting_takes_the_thread_too(http: httpx.Client, thread, prefix):
    run = http.post("/chat/stream", json={"content": "Hello", "threadId": thread}).headers["x-run-id"]
    assert delete(http, prefix, threadId=thread, isGroup=False).json() == {"success": True}
    assert row(http, prefix, thread) is None
    gone = http.get(f"{prefix}/{thread}/history")
    assert gone.status_code == 404
    assert gone.json() == {"detail": GONE, "error": GONE, "notFound": True}
    assert http.get(f"{prefix}/{thread}/messages-history").json() == {"detail": GONE, "error": GONE}
    assert http.get(f"/chat/stream/{run}").status_code == 404
    assert http.post("/chat/stream", json={"content": "Hello", "threadId": thread}).status_code == 404
    assert delete(http, prefix, threadId=thread, isGroup=False).json() == {"success": True}, "twice is the same as once"


def test_deleting_ends_what_is_going_on(http: httpx.Client, thread, prefix):
    with http.stream("POST", "/chat/stream", json={"content": 'say "One."\nhang', "threadId": thread}) as response:
        lines = response.iter_lines()
        while "One." not in next(lines):
            pass
        assert delete(http, prefix, threadId=thread).json() == {"success": True}
        assert "thread.run.cancelled" in "".join(lines)
    assert row(http, prefix, thread) is None


def test_a_group_is_left_and_not_deleted(http: httpx.Client, thread, prefix):
    http.post(f"{prefix}/history", json={"threadId": thread, "name": "Team", "isGroup": True})
    http.post("/chat/stream", json={"content": "Hello", "threadId": thread})
    told = row(http, prefix, thread)
    assert told is not None
    assert told["isGroup"] is True
    assert delete(http, prefix, threadId=thread, isGroup=True).json() == {"success": True}
    assert row(http, prefix, thread) is None
    assert len(http.get(f"{prefix}/{thread}/messages-history").json()["messages"]) == 2
    assert http.post(f"{prefix}/history", json={"threadId": thread}).json() == {"success": True}, "and joined again by its id"
    told = row(http, prefix, thread)
    assert told is not None
    assert told["isGroup"] is True, "it is a group whoever joins it, and however"


def test_a_group_is_kept_even_when_the_front_end_does_not_say_that_it_is_one(http: httpx.Client, thread, prefix):
    http.post(f"{prefix}/history", json={"threadId": thread, "isGroup": True})
    assert delete(http, prefix, threadId=thread, isGroup=False).json() == {"success": True}
    assert http.get(f"{prefix}/{thread}/history").status_code == 200


def test_a_chat_becomes_a_group_and_a_chat_again(http: httpx.Client, thread, prefix):
    http.post(f"{prefix}/history", json={"threadId": thread})
    for is_group in (True, False):
        assert http.put(f"{prefix}/history", json={"threadId": thread, "isGroup": is_group}).json() == {"success": True}
        told = row(http, prefix, thread)
        assert told is not None
        assert told["isGroup"] is is_group
    delete(http, prefix, threadId=thread, isGroup=False)
    assert http.get(f"{prefix}/{thread}/history").status_code == 404


class Away:
    """Conversations whose database does not answer."""

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: Any, **__: Any) -> None:
            raise StoreUnavailable("The database does not answer.", retry_after_s=2)

        return fail


async def test_a_list_that_cannot_be_had_is_an_empty_one(tmp_path, prefix):
    def wrap(rooms: Rooms) -> Rooms:
        return replace(rooms, conversations=Away())

    async with serving(tmp_path, wrap_rooms=wrap) as http:
        answer = await http.get(f"{prefix}/history", headers={"Origin": "http://localhost:3000"})
    assert answer.status_code == 503
    assert answer.json() == {"detail": "The database does not answer.", "error": "The database does not answer.", "threads": []}
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
