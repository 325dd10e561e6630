"""Files from clients that break off, lie or attack: a clear answer in OpenAI's envelope, and nothing left anywhere."""

import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.wire.clients import exchange, request_bytes

DEADLINE_S = 20
AT_ONCE_BYTES = 2 << 20
"""More than what waits in memory for the disk."""
B = "b0undary"
MULTIPART = ("Content-Type", f"multipart/form-data; boundary={B}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One of its own: nobody else's files are on its disk."""
    data = tmp_path_factory.mktemp("hostile") / "data"
    with ServerProcess(data, OPENAI_MODEL="scripted", FILE_GAP_S=1, SWEEP_S=0.2) as process:
        yield process


def rows(server: ServerProcess) -> int:
    with closing(sqlite3.connect(f"file:{server.data_dir / 'underpin.sqlite3'}?mode=ro", uri=True)) as database:
        counted = (database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("files", "upload_parts"))
        return sum(counted)


def everything_below(server: ServerProcess) -> set[str]:
    """Every path of the data directory, besides the database's own."""
    found = {str(path.relative_to(server.data_dir)) for path in server.data_dir.rglob("*")}
    return {path for path in found if not path.startswith(("underpin.sqlite3", "workers/", "opening.lock"))}


def until_nothing_is_left(server: ServerProcess) -> None:
    """A client that went away has no answer to wait for."""
    deadline = time.monotonic() + DEADLINE_S
    while rows(server) or os.listdir(server.data_dir / "blobs"):
        assert time.monotonic() < deadline, (rows(server), os.listdir(server.data_dir / "blobs"))
        time.sleep(0.02)


@pytest.fixture
def nothing_left(server: ServerProcess) -> Iterator[None]:
    before = everything_below(server)
    yield
    until_nothing_is_left(server)
    assert everything_below(server) == before


def field(name: str, value: str) -> bytes:
    return f'--{B}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file(name: bytes, data: bytes = b"bytes", *, called: str = "file") -> bytes:
    head = f'--{B}\r\nContent-Disposition: form-data; name="{called}"; filename="'.encode() + name
    return head + b'"\r\nContent-Type: text/plain\r\n\r\n' + data + b"\r\n"


END = f"--{B}--\r\n".encode()
PURPOSE = field("purpose", "user_data")


def post(server: ServerProcess, body: bytes, *headers: tuple[str, str], path: str = "/v1/files") -> tuple[int, dict]:
    answer = exchange(server.base_url, request_bytes("POST", path, headers or [MULTIPART], body))
    return answer.status, answer.json


def check_refused(status: int, told: dict, *, param: str | None = None) -> None:
    assert 400 <= status < 500, (status, told)
    assert set(told) == {"error"}
    assert set(told["error"]) == {"message", "type", "param", "code"}
    assert told["error"]["param"] == param
    text = told["error"]["message"]
    assert 15 < len(text) < 300
    assert text.isprintable()
    for leak in ("Traceback", "python", ".py", "/blobs", "Error("):
        assert leak not in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"../../../../tmp/escaped", "escaped"), (b"/etc/passwd", "passwd"), (b"..\\..\\windows\\win.ini", "win.ini"),
        (b"....//....//x", "x"), (b"%2e%2e%2fx", "%2e%2e%2fx"), (b"file-0000000000", "file-0000000000"),
        (b"underpin.sqlite3", "underpin.sqlite3"), (b"con", "con"), (b"$(touch x)", "$(touch x)"),
        (b"'; DROP TABLE files; --", "'; DROP TABLE files; --"),
        ("א.txt".encode(), "א.txt"), (b"a" * 255, "a" * 255), (b"<img src=x>", "<img src=x>"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("nothing_left")
def test_a_hostile_name_names_nothing_on_the_disk(server: ServerProcess, name: bytes, shown: str) -> None:
    before = everything_below(server)
    status, told = post(server, PURPOSE + file(name) + END)
    assert (status, told.get("filename")) == (200, shown), told
    assert everything_below(server) - before == {f"blobs/{told['id']}"}
    assert (server.data_dir / "blobs" / told["id"]).stat().st_mode & 0o777 == 0o600
    got = httpx.get(f"{server.base_url}/v1/files/{told['id']}/content")
    assert got.content == b"bytes"
    assert got.headers["content-disposition"].startswith("attachment; ")
    assert httpx.delete(f"{server.base_url}/v1/files/{told['id']}").json()["deleted"] is True


@pytest.mark.parametrize(
    "name",
    [
        b"", b"   ", b".", b"..", b"a/..", b"a\0.txt", b"\0", b"x" * 256, b"x" * 10_240, b"a%0D%0ASet-Cookie: x=y", b"a\x1b[31m",
        "photo\u202egpj.exe".encode(), "\u2066x\u2069".encode(), b"a\x7f", "a\u2028b".encode(),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("nothing_left")
def test_a_name_that_could_deceive_is_refused(server: ServerProcess, name: bytes) -> None:
    check_refused(*post(server, PURPOSE + file(name) + END), param="file")


BODIES = {
    "nothing": (b"", None),
    "only the end": (END, "file"),
    "no file": (PURPOSE + END, "file"),
    "no purpose": (file(b"a") + END, "purpose"),
    "an empty purpose": (file(b"a") + field("purpose", "") + END, "purpose"),
    "another purpose": (field("purpose", "assistants_output") + file(b"a") + END, "purpose"),
    "a NUL in the purpose": (file(b"a") + field("purpose", "user_data\0") + END, "purpose"),
    "a long purpose": (field("purpose", "x" * 100_000) + file(b"a") + END, "purpose"),
    "two files": (PURPOSE + file(b"a") + file(b"b") + END, "file"),
    "a file that is a text": (PURPOSE + field("file", "bytes") + END, "file"),
    "half an expiry": (PURPOSE + field("expires_after[anchor]", "created_at") + file(b"a") + END, "expires_after.seconds"),
    "no end": (PURPOSE + file(b"a"), None),
    "half a file": (PURPOSE + file(b"a", b"x" * 100_000)[:50_000], None),
    "half a head": (PURPOSE + file(b"a")[:60], None),
    "another boundary": (PURPOSE.replace(B.encode(), b"other"), None),
    "bare line ends": ((PURPOSE + file(b"a") + END).replace(b"\r\n", b"\n"), None),
    "a name that is no UTF-8": (PURPOSE + file(b"\xff\xfe.txt") + END, None),
    "a thousand fields": (field("x", "y") * 1000 + PURPOSE + file(b"a") + END, None),
    "a head without an end": (f"--{B}\r\n".encode() + b"x" * 100_000, None),
    "a name of 64 kB": (PURPOSE + file(b"x" * 65_536) + END, None),
    "json": (b'{"file": "x", "purpose": "user_data"}', None),
    "a file after the end": (PURPOSE + END + file(b"a") + END, "file"),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.usefixtures("nothing_left")
def test_a_broken_form_is_refused(server: ServerProcess, body: str) -> None:
    content, param = BODIES[body]
    check_refused(*post(server, content), param=param)


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "text/plain"])
@pytest.mark.usefixtures("nothing_left")
def test_a_form_under_another_type_is_refused(server: ServerProcess, kind: str) -> None:
    check_refused(*post(server, PURPOSE + file(b"a") + END, ("Content-Type", kind)))


@pytest.mark.usefixtures("nothing_left")
def test_a_body_that_announces_more_than_a_file_may_have_is_refused_at_once(server: ServerProcess) -> None:
    lines = ["POST /v1/files HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {MULTIPART[1]}", "Content-Length: 99999999999"]
    answer = half(server, "\r\n".join([*lines, "", ""]).encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"MAX_FILE_BYTES" in answer


@pytest.mark.usefixtures("nothing_left")
def test_a_client_that_falls_silent_is_given_up(server: ServerProcess) -> None:
    answer = half(server, unfinished(PURPOSE + file(b"a", b"x" * 3_000_000)))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"nothing came for 1 s" in answer


@pytest.mark.parametrize("path", ["/v1/files", "parts"])
@pytest.mark.usefixtures("nothing_left")
def test_a_client_that_goes_away_leaves_nothing(server: ServerProcess, path: str) -> None:
    called = "file"
    if path == "parts":
        path, called = f"/v1/uploads/{new_upload(server)}/parts", "data"
    for size in (0, 10, 100_000, 3_000_000):
        with connect(server) as connection:
            connection.sendall(unfinished(PURPOSE + file(b"a", b"x" * size, called=called), path))
            until_coming(server, size)
    until_nothing_is_left(server)
    assert "❌" not in server.log
    assert "Traceback" not in server.log


@pytest.mark.usefixtures("nothing_left")
def test_a_killed_server_leaves_nothing_after_its_next_start(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted") as server:
        status, kept = post(server, PURPOSE + file(b"a") + END)
        assert status == 200
        with connect(server) as connection:
            connection.sendall(unfinished(PURPOSE + file(b"a", b"x" * 5_000_000)))
            until_coming(server, 5_000_000, besides=1)
            server.kill()
        assert len(os.listdir(server.data_dir / "blobs")) == 2
        server.start()
        listed = httpx.get(f"{server.base_url}/v1/files").json()
        assert [one["id"] for one in listed["data"]] == [kept["id"]]
        assert os.listdir(server.data_dir / "blobs") == [kept["id"]]
        assert rows(server) == 1
        assert httpx.get(f"{server.base_url}/v1/files/{kept['id']}/content").content == b"bytes"


@pytest.mark.usefixtures("nothing_left")
def test_a_client_that_takes_nothing_of_a_download_is_cut_off(server: ServerProcess) -> None:
    _, told = post(server, PURPOSE + file(b"a", b"x" * 20_000_000) + END)
    before = len(server.log)
    with connect(server) as connection:
        connection.sendall(request_bytes("GET", f"/v1/files/{told['id']}/content", []))
        server.line("A download was cut: the client took nothing for 1 s", within_s=DEADLINE_S, after=before)
        received = 0
        while more := connection.recv(1 << 20):
            received += len(more)
    assert received < 20_000_000
    assert httpx.delete(f"{server.base_url}/v1/files/{told['id']}").status_code == 200
    assert "Traceback" not in server.log[before:]


@pytest.mark.usefixtures("nothing_left")
def test_a_client_that_leaves_a_download_harms_nobody(server: ServerProcess) -> None:
    _, told = post(server, PURPOSE + file(b"a", b"x" * 20_000_000) + END)
    before = len(server.log)
    for _ in range(5):
        with connect(server) as connection:
            connection.sendall(request_bytes("GET", f"/v1/files/{told['id']}/content", []))
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert len(httpx.get(f"{server.base_url}/v1/files/{told['id']}/content").content) == 20_000_000
    assert httpx.delete(f"{server.base_url}/v1/files/{told['id']}").status_code == 200
    assert "Traceback" not in server.log[before:]


@pytest.mark.usefixtures("nothing_left")
def test_a_file_may_be_deleted_while_it_is_downloaded(server: ServerProcess) -> None:
    _, told = post(server, PURPOSE + file(b"a", b"x" * 20_000_000) + END)
    with httpx.stream("GET", f"{server.base_url}/v1/files/{told['id']}/content") as answer:
        assert httpx.delete(f"{server.base_url}/v1/files/{told['id']}").status_code == 200
        assert sum(len(piece) for piece in answer.iter_bytes()) == 20_000_000
    assert httpx.get(f"{server.base_url}/v1/files/{told['id']}/content").status_code == 404


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures the server's memory as Linux tells it")
def test_a_file_of_200_mb_goes_in_and_out_in_flat_memory(tmp_path: Path) -> None:
    size = 200_000_000

    def body() -> Iterator[bytes]:
        yield PURPOSE + file(b"large.bin", b"")[:-2]
        for _ in range(size // 1_000_000):
            yield b"x" * 1_000_000
        yield b"\r\n" + END

    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted") as server, httpx.Client(timeout=120) as http:
        before = memory_mb(server, "VmRSS")
        sent = http.post(f"{server.base_url}/v1/files", content=body(), headers=dict([MULTIPART])).json()
        assert sent["bytes"] == size, sent
        with http.stream("GET", f"{server.base_url}/v1/files/{sent['id']}/content") as answer:
            assert sum(len(piece) for piece in answer.iter_bytes()) == size
        assert memory_mb(server, "VmHWM") - before < 40


def memory_mb(server: ServerProcess, what: str) -> float:
    line = next(line for line in Path(f"/proc/{server.pid}/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) / 1024


def connect(server: ServerProcess) -> socket.socket:
    address = urlsplit(server.base_url)
    return socket.create_connection((address.hostname, address.port), timeout=DEADLINE_S)


def unfinished(body: bytes, path: str = "/v1/files") -> bytes:
    """A request whose body is announced longer than it is."""
    head = [
        "POST " + path + " HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: {MULTIPART[1]}",
        f"Content-Length: {len(body) + 500}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body[:-2]


def half(server: ServerProcess, request: bytes) -> bytes:
    """What the server answers to a request that never ends."""
    with connect(server) as connection:
        connection.sendall(request)
        received = b""
        while b"}}" not in received:
            more = connection.recv(65536)
            assert more, received
            received += more
        return received


def until_coming(server: ServerProcess, size: int, besides: int = 0) -> None:
    """The bytes are on their way to the disk."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        parts = [path for path in (server.data_dir / "blobs").glob("*.part") if path.stat().st_size >= size - AT_ONCE_BYTES]
        if len(parts) > 0 and rows(server) == besides + 1:
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)


def new_upload(server: ServerProcess) -> str:
    given = {"bytes": 10_000_000, "filename": "a", "mime_type": "x/y", "purpose": "user_data"}
    answer = httpx.post(f"{server.base_url}/v1/uploads", content=json.dumps(given))
    return str(answer.json()["id"])
