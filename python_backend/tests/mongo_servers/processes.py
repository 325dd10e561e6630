"""One MongoDB-wire server, given by its address or as a child process on 127.0.0.1 and a free port.

with MongoProcess("ferretdb", command, folder) as server:
    AsyncMongoClient(server.uri())
    server.kill()   # kill -9
    server.start()  # the same address and data
"""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from pymongo import MongoClient
from pymongo.errors import PyMongoError

START_S = 60
STOP_S = 20


class MongoServer(Protocol):
    name: str

    def uri(self, database: str = "") -> str:
        """The address, naming that database."""


class GivenServer:
    """Somebody's own server, which the tests neither start nor stop."""

    def __init__(self, name: str, uri: str) -> None:
        self.name = name
        self._uri = uri

    def uri(self, database: str = "") -> str:
        parts = urlsplit(self._uri)
        if not database:
            return self._uri
        query, named = parts.query, parts.path.strip("/")
        if named and "@" in parts.netloc and "authsource=" not in query.lower():
            query = f"{query}&authSource={named}".lstrip("&")  # where the login is looked up does not move
        return urlunsplit(parts._replace(path=f"/{database}", query=query))


class MongoProcess:
    """`command(port, folder)` is what to run. The log is in the folder, as long as pytest keeps that."""

    def __init__(self, name: str, command: Callable[[int, Path], Sequence[str]], folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / "server.log"
        self.port = 0
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def uri(self, database: str = "") -> str:
        return f"mongodb://127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Start it, again on the port and data that it had before; returns when it answers.

        Raises AssertionError with the end of its log when it does not.
        """
        assert self._process is None, "it runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        with self.log.open("ab") as log:
            command = self._command(self.port, self.folder)
            # Our servers end with their standard input, so that none outlives a test run that was killed.
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        try:
            self._wait_for_an_answer()
        except BaseException:
            self.kill()
            raise
        return self

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._gone()

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._process is not None:
            self._process.terminate()
            self._gone()

    def _wait_for_an_answer(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_S
        client: MongoClient[dict[str, Any]]
        with MongoClient(self.uri(), serverSelectionTimeoutMS=1000) as client:
            while True:
                try:
                    client.admin.command("ping")
                    return
                except PyMongoError as failed:
                    ended = self._process.poll() is not None
                    if ended or time.monotonic() > deadline:
                        words = self.log.read_text("utf-8", "replace")[-4000:]
                        raise AssertionError(f"{self.name} {'ended' if ended else 'does not answer'}: {words}") from failed

    def _gone(self) -> None:
        process, self._process = self._process, None
        assert process is not None
        assert process.stdin is not None
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            process.stdin.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def own_database(server: MongoServer) -> Iterator[str]:
    """The address of a database that nobody else has; it is dropped afterwards."""
    name = f"underpin_test_{uuid4().hex[:16]}"
    yield server.uri(name)
    client: MongoClient[dict[str, Any]]
    with MongoClient(server.uri(), serverSelectionTimeoutMS=START_S * 1000) as client:
        client.drop_database(name)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
