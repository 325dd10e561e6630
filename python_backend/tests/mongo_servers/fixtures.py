"""The servers as fixtures, taken into tests/conftest.py.

    mongo_database   the address of an empty database of its own, once for each server
    mongo_process    a server of its own, that a test may kill and start again, once for each server that we can start

Where a server cannot be had: a visible skip; with CI set, a failure. A test with the marker `race` is deselected, and the
summary says so, for servers that cannot stand one.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.mongo_servers.builds import Unavailable
from tests.mongo_servers.processes import MongoProcess, own_database
from tests.mongo_servers.servers import GIVEN, WITHOUT_RACES, MongoServers, server_names

T = TypeVar("T")
LEFT_OUT = pytest.StashKey[Counter[str]]()


@pytest.fixture(scope="session")
def mongo_servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServers]:
    """The servers that all tests share; each starts at its first use."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    terminal = request.config.pluginmanager.getplugin("terminalreporter")

    def tell(line: str) -> None:
        if terminal is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                terminal.ensure_newline()
                terminal.write_line(line, flush=True)

    servers = MongoServers(tmp_path_factory.mktemp("mongo"), tell)
    yield servers
    servers.stop()


@pytest.fixture(params=server_names())
def mongo_database(request: pytest.FixtureRequest, mongo_servers: MongoServers) -> Iterator[str]:
    server = obtained(lambda: mongo_servers.running(request.param))
    with own_database(server) as uri:
        yield uri


@pytest.fixture(params=server_names())
def mongo_process(request: pytest.FixtureRequest, mongo_servers: MongoServers, tmp_path: Path) -> Iterator[MongoProcess]:
    if request.param == GIVEN:
        pytest.skip(f"{GIVEN} names a server that is not for the tests to kill")
    with obtained(lambda: mongo_servers.own(request.param, tmp_path / "mongo")) as server:
        yield server


def obtained(get: Callable[[], T]) -> T:
    """What `get` returns; when the server cannot be had, the test is skipped, and fails in CI."""
    try:
        return get()
    except Unavailable as failed:
        ends = pytest.fail.Exception if os.environ.get("CI") else pytest.skip.Exception
        raise ends(f"{failed}; or set {GIVEN} to a MongoDB that tests may write to", pytrace=False) from None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "race: needs a database whose findAndModify is atomic")


@pytest.hookimpl(trylast=True)  # after -k and -m, so that only what would have run is counted
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = {item: name for item in items if (name := _server_without_races(item)) is not None}
    config.stash[LEFT_OUT] = Counter(left_out.values())
    if left_out:
        config.hook.pytest_deselected(items=[*left_out])
        items[:] = [item for item in items if item not in left_out]


def _server_without_races(item: pytest.Item) -> str | None:
    """The server for which the item is a race that it cannot stand, or None."""
    if item.get_closest_marker("race") is None:
        return None
    spec = getattr(item, "callspec", None)
    given = spec.params.values() if spec is not None else ()
    return next((value for value in given if isinstance(value, str) and value in WITHOUT_RACES), None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, count in config.stash.get(LEFT_OUT, Counter()).items():
        terminalreporter.write_line(f"{count} races deselected on {name}: {WITHOUT_RACES[name]}.")
