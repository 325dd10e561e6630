"""Files that mean harm, put into a vector store over HTTP: each fails with its sentence, and the server feels nothing."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.server_process import ServerProcess
from tests.unit.parsing.made import docx, raw_pdf
from tests.unit.parsing.test_hostile import bomb, deep
from tests.wire.v1.clients import KEY

LATE_S = 1.0
MOST_GROWN_BYTES = 150_000_000
GOOD = b"# Clay\n\nBentonite is a clay that swells."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted") as process:
        yield process


def memory_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


class Watch(threading.Thread):
    """Asks for /health until it is stopped, and keeps the longest that an answer took."""

    def __init__(self, base_url: str) -> None:
        super().__init__(daemon=True)
        self._address = base_url + "/health"
        self._stopped = threading.Event()
        self.longest_s = 0.0

    def run(self) -> None:
        with httpx.Client(timeout=30) as http:
            while not self._stopped.wait(0.05):
                began = time.monotonic()
                http.get(self._address).raise_for_status()
                self.longest_s = max(self.longest_s, time.monotonic() - began)

    def stop(self) -> float:
        self._stopped.set()
        self.join()
        return self.longest_s


def test_each_ends_with_a_sentence_and_the_server_stays_small_and_awake(server: ServerProcess, tmp_path: Path) -> None:
    paths = [
        docx(tmp_path / "bomb.docx", bomb),
        docx(tmp_path / "deep.docx", deep),
        raw_pdf(tmp_path / "pages.pdf", b"BT /F1 12 Tf 50 700 Td (Page) Tj ET", 100_000),
    ]
    (tmp_path / "comments.html").write_bytes(b"<!--" * 1_000_000)
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 10_000)
    paths += [tmp_path / "comments.html", tmp_path / "binary.txt"]
    with openai.OpenAI(base_url=server.base_url + "/v1", api_key=KEY, max_retries=0, timeout=60) as client:
        store = client.vector_stores.create()
        # What it holds once it has read and searched anything at all.
        client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("good.md", GOOD))
        assert client.vector_stores.search(store.id, query="bentonite").data
        before = memory_bytes(server.pid)
        watch = Watch(server.base_url)
        watch.start()
        ids = [client.files.create(file=path, purpose="assistants").id for path in paths]
        after_good = client.files.create(file=("after.md", GOOD), purpose="assistants").id
        batch = client.vector_stores.file_batches.create_and_poll(store.id, file_ids=[*ids, after_good])
        longest_s = watch.stop()
        assert (batch.file_counts.failed, batch.file_counts.completed) == (len(paths), 1)
        for file_id in ids:
            failed: Any = client.vector_stores.files.retrieve(file_id, vector_store_id=store.id)
            assert failed.last_error.code in ("invalid_file", "unsupported_file"), failed.last_error
            assert failed.last_error.message.endswith(".")
        assert longest_s < 4 * LATE_S, f"/health took {longest_s:.2f} s"
        assert memory_bytes(server.pid) - before < MOST_GROWN_BYTES
