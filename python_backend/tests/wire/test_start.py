"""Starts that cannot work end at once with one line that names the setting; the guide's own `.env` starts."""

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.server_process import BACKEND, ServerProcess

SECRET = "pa55w0rd-c4n4ry"
SCRIPTED = {"OPENAI_MODEL": "scripted"}


def refused(data_dir: Path, *arguments: str, **settings: object) -> str:
    """What the command says when it ends at once, which is one line; its exit code is 2."""
    server = ServerProcess(data_dir, *arguments, **(SCRIPTED | settings))
    server.launch()
    assert server.wait(30) == 2, server.log
    line = server.log.strip()
    assert "\n" not in line, line
    assert line.startswith("❌ ")
    assert "Traceback" not in line
    return line


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_it_does_not_listen_to_everybody_unasked(tmp_path, host):
    line = refused(tmp_path / "data", HOST=host)
    assert f"HOST={host}" in line
    assert "ALLOW_OPEN_ACCESS=true" in line
    assert not (tmp_path / "data").exists(), "nothing was made before it was refused"


def test_it_listens_to_everybody_when_it_is_told_so(tmp_path):
    with ServerProcess(tmp_path / "data", HOST="0.0.0.0", ALLOW_OPEN_ACCESS="true", **SCRIPTED) as server:
        port = server.base_url.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/health").json() == {"status": "ok"}


def test_the_ipv6_loopback_is_a_loopback(tmp_path):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with ServerProcess(tmp_path / "data", HOST="::1", **SCRIPTED) as server:
        assert server.base_url.startswith("http://[::1]:")
        assert httpx.get(server.base_url + "/health").status_code == 200


def test_a_port_in_use_is_named(tmp_path, taken_port):
    line = refused(tmp_path / "data", PORT=taken_port)
    assert f"Port {taken_port} on 127.0.0.1 cannot be used" in line
    assert "PORT" in line


@pytest.mark.parametrize("port", ["99999", "-1", "http", "80.5"])
def test_a_port_that_is_none_is_named(tmp_path, port):
    assert "PORT" in refused(tmp_path / "data", PORT=port)


def test_a_port_of_the_command_is_checked_too(tmp_path):
    assert "PORT" in refused(tmp_path / "data", "--port", "99999")


@pytest.mark.parametrize("host", ["no such host", "a..b", "x" * 70 + ".example", "http://127.0.0.1"])
def test_a_host_that_is_none_is_named(tmp_path, host):
    assert "HOST" in refused(tmp_path / "data", HOST=host)


def test_an_address_of_mongodb_that_is_none_is_refused_without_its_password(tmp_path):
    line = refused(tmp_path / "data", MONGODB_URI=f"mongodb://me:p@{SECRET}@db.example.net/ai-geotech-db")
    assert "MONGODB_URI" in line
    assert SECRET not in line


def test_a_mongodb_that_is_away_leaves_the_server_up_and_not_ready(tmp_path):
    uri = f"mongodb://me:{SECRET}@127.0.0.1:1/ai-geotech-db"
    with ServerProcess(tmp_path / "data", MONGODB_URI=uri, **SCRIPTED) as server:
        ready = httpx.get(server.base_url + "/ready")
        refused_thread = httpx.post(server.base_url + "/threads/create")
        assert httpx.get(server.base_url + "/health").status_code == 200
    assert ready.status_code == 503
    assert "127.0.0.1:1" in ready.json()["parts"]["store"]
    assert refused_thread.status_code == 503
    assert int(refused_thread.headers["retry-after"]) > 0
    assert "127.0.0.1:1" in server.log
    assert SECRET not in server.log + ready.text + refused_thread.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", f"k\u00e9y-{SECRET}"),
        ("OPENAI_BASE_URL", f"ftp://{SECRET}@example.net/v1"),
        ("OPENAI_BASE_URL", "http://"),
        ("CORS_ORIGINS", "*"),
        ("MAX_BODY_BYTES", SECRET),
        ("LOG_LEVEL", SECRET),
        ("MODEL_ALIASES", SECRET),
        ("RUN_LEASE_S", "-5"),
    ],
)
def test_a_setting_that_cannot_work_is_named_and_not_repeated(tmp_path, name, value):
    line = refused(tmp_path / "data", **{"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", name: value})
    assert name in line
    assert SECRET not in line


def test_a_data_directory_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "data").write_text("not a directory")
    assert "UNDERPIN_DATA_DIR" in refused(tmp_path / "data")


def test_a_database_that_is_none_is_refused(tmp_path):
    (tmp_path / "underpin.sqlite3").write_bytes(b"something else" * 1000)
    assert "not a SQLite database" in refused(tmp_path)


def test_the_guides_env_file_starts_with_a_warning_for_each_placeholder(tmp_path):
    env_file = tmp_path / ".env"
    env_file.write_text(
        "OPENAI_API_KEY=sk-proj-xxx\nOPENAI_ASSISTANT_ID=asst_xxx\n"
        "MONGODB_URI=mongodb+srv://user:pass@cluster.mongodb.net/...\n"
        "OPENAI_VECTOR_STORE_ID=vs_xxx\nOPENAI_KNOWLEDGE_STORE_ID=vs_xxx\n"
    )
    with ServerProcess(tmp_path / "data", env_file=env_file) as server:
        for name in (
            "OPENAI_API_KEY",
            "OPENAI_ASSISTANT_ID",
            "MONGODB_URI",
            "OPENAI_VECTOR_STORE_ID",
            "OPENAI_KNOWLEDGE_STORE_ID",
        ):
            assert f"⚠️ {name} in .env is still the placeholder" in server.log
        assert "⚠️ No language model is configured" in server.log
        with httpx.Client(base_url=server.base_url, timeout=30) as http:
            thread = http.post("/threads/create").json()["threadId"]
            answer = http.post("/chat/stream", json={"content": "What are the soil types?", "threadId": thread})
            assert answer.status_code == 200
            assert "thread.run.completed" in answer.text
            assert "file_citation" in answer.text
            assert http.get("/ready").json()["status"] == "ready"
    assert "pass@cluster" not in server.log


def test_the_assistant_is_made_once_under_the_id_that_is_asked_for(tmp_path):
    wanted = "asst_abcdefghijklmnopqrstuvwx"
    server = ServerProcess(tmp_path / "data", OPENAI_ASSISTANT_ID=wanted, **SCRIPTED)
    for _ in range(2):
        with server:
            assert httpx.post(server.base_url + "/api/assistants").json() == {"assistantId": wanted}
    assert server.log.count("Created assistant") == 1


def test_a_second_start_has_the_threads_of_the_first(tmp_path):
    server = ServerProcess(tmp_path / "data", **SCRIPTED)
    with server:
        thread = httpx.post(server.base_url + "/threads/create").json()["threadId"]
        httpx.post(server.base_url + "/chat/stream", json={"content": "Kept?", "threadId": thread})
    with server:
        messages = httpx.get(f"{server.base_url}/threads/{thread}/messages-history").json()["messages"]
    assert messages == [{"role": "user", "text": "Kept?"}, {"role": "assistant", "text": "Kept?"}]


def test_a_stop_of_the_server_gives_each_stream_its_last_event(tmp_path):
    server = ServerProcess(tmp_path / "data", **SCRIPTED).start()
    with httpx.Client(base_url=server.base_url, timeout=30) as http:
        thread = http.post("/threads/create").json()["threadId"]
        with http.stream("POST", "/chat/stream", json={"content": 'say "One."\nhang', "threadId": thread}) as response:
            lines = response.iter_lines()
            while "One." not in next(lines):
                pass
            with http.stream("GET", f"/threads/{thread}/events?after=0") as events:
                next(events.iter_lines())
                assert server.stop() == 0
                told = "\n".join(lines)
    assert "thread.run.failed" in told
    assert "shut down" in told
    with closing(sqlite3.connect(server.data_dir / "underpin.sqlite3")) as database:
        assert database.execute("SELECT json_extract(doc, '$.status') FROM runs").fetchall() == [("failed",)]


def test_ctrl_c_ends_it(tmp_path):
    server = ServerProcess(tmp_path / "data", **SCRIPTED).start()
    server.send(signal.SIGINT)
    assert server.wait(20) in (0, 130)
    assert "Traceback" not in server.log


def test_the_command_tells_its_version_without_starting():
    done = subprocess.run(
        [sys.executable, "main.py", "--version"], cwd=BACKEND, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip().count(".") == 2
