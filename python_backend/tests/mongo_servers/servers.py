"""Which MongoDB-wire servers the tests run on: MONGODB_TEST_URI, else the `mongod` on the PATH, else two that we build.

Names are known without starting anything, so that tests are parametrised by them; a server starts at its first use.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tests.mongo_servers import builds
from tests.mongo_servers.builds import Tell, Unavailable
from tests.mongo_servers.processes import GivenServer, MongoProcess, MongoServer

GIVEN = "MONGODB_TEST_URI"
MONGOD = "mongod"
MONGO_JAVA_SERVER = "mongo-java-server"
FERRETDB = "ferretdb"

T = TypeVar("T")
Command = Callable[[int, Path], Sequence[str]]
"""What starts a server, for a port and a folder."""

WITHOUT_RACES = {FERRETDB: "its findAndModify selects and then updates, so that two may win"}
"""Servers on which tests with the marker `race` mean nothing, and why."""


def server_names() -> list[str]:
    """The servers that tests run on here, whether they can be had or not."""
    if os.environ.get(GIVEN):
        return [GIVEN]
    if shutil.which(MONGOD):
        return [MONGOD]
    return [MONGO_JAVA_SERVER, FERRETDB]


def command(name: str, tell: Tell) -> Command:
    """Raises Unavailable when it cannot be had here."""
    match name:
        case "mongod":
            return lambda port, folder: [MONGOD, "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(folder)]
        case "mongo-java-server":
            java = builds.mongo_java_server(tell)
            return lambda port, folder: [*java, str(port), str(folder / "data.h2")]
        case "ferretdb":
            ferretdb = builds.ferretdb(tell)
            return lambda port, folder: [*ferretdb, f"127.0.0.1:{port}", str(folder)]
    raise Unavailable(f"{name} is somebody's own server: it is not for the tests to start")


class MongoServers:
    """One of each server for a whole test run, under `folder`. `tell` hears of builds, which take minutes."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.folder = folder
        self._tell = tell
        self._running: dict[str, MongoServer | Unavailable] = {}
        self._commands: dict[str, Command | Unavailable] = {}

    def running(self, name: str) -> MongoServer:
        """The server that all tests share. Raises Unavailable, each time alike and without trying again."""
        if name == GIVEN:
            return GivenServer(name, os.environ[GIVEN])
        if name not in self._running:
            try:
                self._running[name] = self.own(name, self.folder / name).start()
            except Unavailable as failed:
                self._running[name] = failed
        return _or_raise(self._running[name])

    def own(self, name: str, folder: Path) -> MongoProcess:
        """One more server, not started yet, for a test that kills it. Raises Unavailable."""
        if name not in self._commands:
            try:
                self._commands[name] = command(name, self._tell)
            except Unavailable as failed:
                self._commands[name] = failed
        return MongoProcess(name, _or_raise(self._commands[name]), folder)

    def stop(self) -> None:
        for server in self._running.values():
            if isinstance(server, MongoProcess):
                server.stop()


def _or_raise(found: T | Unavailable) -> T:
    if isinstance(found, Unavailable):
        raise found
    return found
