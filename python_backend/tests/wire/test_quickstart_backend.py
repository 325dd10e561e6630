"""A quickstart's own backend, whose official client asks this server because OPENAI_BASE_URL says so: nothing else is changed.

openai 4.46.0 is what the lock of the official quickstart pins.
"""

import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import run_node

SCRIPT = """say "Let me look, 土."
call get_weather {"location": "Paris"}
call get_weather {"location": "Rome"}
say "It is $1 and $2."
"""
NO_KEY = "Invalid API key. Please check your OPENAI_API_KEY in the .env file."


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("sdk", ["openai-4-46", "openai-4"])
def test_its_routes_come_back_to_life(server: ServerProcess, sdk: str) -> None:
    contents = ['say "Hello."', SCRIPT, "fail key", 'say "Again."']
    job = {"sdk": sdk, "baseUrl": server.base_url, "contents": contents, "outputs": {"get_weather": "sunny ☀️"}}
    seen = run_node("quickstart_backend.mjs", job)
    assert seen["screen"] == ["Hello.", "Let me look, 土.", "It is sunny ☀️ and sunny ☀️.", "Again."]
    assert seen["deltas"] >= 10
    assert seen["ends"] == [["completed", None], ["completed", None], ["failed", NO_KEY], ["completed", None]]
    assert seen["listed"] == [{"filename": "soils ü.txt", "status": "completed"}]
    assert seen["file"] == {"filename": "soils ü.txt", "text": "# Clay\n\nClay is a soil."}
    assert seen["left"] == []


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("sdk", ["openai-4-46", "openai-4"])
def test_its_helper_knows_no_incomplete_run_though_the_event_comes(server: ServerProcess, sdk: str) -> None:
    job = {"sdk": sdk, "baseUrl": server.base_url, "do": "streams", "script": 'say "Cut"\nfinish length', "texts": []}
    [seen] = run_node("v1.mjs", job)
    assert seen["events"][-1] == "thread.run.incomplete"
    assert seen["text"] == "Cut"
    assert "Final run has not been received" in seen["error"]
