"""The page in a browser: the export as `app/` is now, the real server with the scripted model, Node with playwright-core.

Where there is no Chromium: a visible skip; with CI set, a failure.
"""

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import dev_node
import web_export
from tests.server_process import ServerProcess
from underpin.knowledge.shipped import file_id as shipped_id

STORIES = Path(__file__).parent / "browser"
STORY_DEADLINE_S = 60
CITED = "soil-classification.md"
QUOTE = "Particles between 75 mm and 300 mm are cobbles"

Tell = Callable[[str, str], None]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's command."""
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        ends = pytest.fail.Exception if os.environ.get("CI") else pytest.skip.Exception
        raise ends("no Chromium is installed: 'apt-get install chromium', or set CHROMIUM to its command", pytrace=False)
    return found


@pytest.fixture(scope="session")
def export() -> None:
    """The app that the server serves is the app of the sources, with Node's packages."""
    if not dev_node.is_current(web_export.ROOT):
        assert dev_node.install(web_export.ROOT) == 0, "npm ci failed: read what it says"
    if not web_export.is_current():
        assert web_export.build() == 0, "the web app could not be built: read what it says"


@pytest.fixture(scope="session")
def web_server(export: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One for all stories. It keeps its port, so that it can be started again below an open page."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with ServerProcess(tmp_path_factory.mktemp("web") / "data", OPENAI_MODEL="scripted", PORT=port) as server:
        yield server


@pytest.fixture
def tell(chromium: str, web_server: ServerProcess) -> Tell:
    """Play a story of `browser/`; raises AssertionError with all that the browser said when it fails."""

    def play(file: str, story: str) -> None:
        node = dev_node.find_node()
        playing = subprocess.Popen(
            [*node.node, str(STORIES / "tell.mjs"), file, story],
            env=node.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        job = {"baseUrl": web_server.base_url, "chromium": chromium, "fileId": shipped_id(CITED), "quote": QUOTE}
        _follow(playing, web_server, json.dumps(job))

    return play


def _follow(playing: "subprocess.Popen[str]", server: ServerProcess, job: str) -> None:
    assert playing.stdin is not None
    assert playing.stdout is not None
    acts = {"kill": server.kill, "start": server.start}
    act = "start"
    with playing:
        killer = threading.Timer(STORY_DEADLINE_S, playing.kill)
        killer.start()
        try:
            playing.stdin.write(job + "\n")
            playing.stdin.flush()
            for line in playing.stdout:
                act = line.strip()
                acts[act]()
                playing.stdin.write("done\n")
                playing.stdin.flush()
            told = playing.communicate()[1]
        finally:
            killer.cancel()
            playing.kill()
            if act == "kill":  # the next story needs it
                server.start()
    assert playing.returncode == 0, f"{told}\n--- the server:\n{server.log[-3000:]}"
