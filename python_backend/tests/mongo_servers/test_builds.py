"""Builds are there as a whole or not at all, and only of what is pinned; what the tests run on follows the environment."""

import hashlib
import sys
from pathlib import Path

import pytest

from tests.mongo_servers import builds
from tests.mongo_servers.builds import Unavailable, built, check_jars, run
from tests.mongo_servers.processes import GivenServer
from tests.mongo_servers.servers import server_names


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "main").write_text("one")
    return tmp_path / "sources"


def quiet(_: str) -> None:
    pass


def test_a_build_is_made_once_and_again_when_a_source_changes(sources: Path, tmp_path: Path) -> None:
    made: list[Path] = []

    def make() -> Path:
        return built("it", sources, (), lambda folder: made.append(folder), quiet, tmp_path / "cache")

    assert make() == make()
    (sources / "main").write_text("two")
    make()
    assert len(made) == 2


def test_a_build_that_fails_says_its_last_words_and_leaves_nothing(sources: Path, tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "half").touch()
        run([sys.executable, "-c", "import sys; sys.exit('no such module')"], folder, quiet)

    with pytest.raises(Unavailable, match="failed: no such module"):
        built("it", sources, (), build, quiet, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


def test_a_program_that_is_missing_is_named_and_nothing_is_begun(sources: Path, tmp_path: Path) -> None:
    told: list[str] = []
    with pytest.raises(Unavailable, match="it needs no-such-program on the PATH"):
        built("it", sources, ("no-such-program",), lambda *_: None, told.append, tmp_path / "cache")
    assert told == []


def test_a_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builds, "COMMAND_S", 1)
    monkeypatch.setattr(builds, "TELL_EVERY_S", 1)
    with pytest.raises(Unavailable, match="did not end within 1 s"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, quiet)


def test_a_jar_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jar").write_bytes(b"good")
    sums = f"{hashlib.sha256(b'good').hexdigest()}  a.jar\n"
    check_jars(tmp_path, sums)
    (tmp_path / "a.jar").write_bytes(b"bad")
    with pytest.raises(Unavailable, match=r"a\.jar"):
        check_jars(tmp_path, sums)
    (tmp_path / "a.jar").unlink()
    with pytest.raises(Unavailable, match="missing"):
        check_jars(tmp_path, sums)


def test_a_given_server_comes_first_then_the_mongod_then_those_that_are_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MONGODB_TEST_URI", raising=False)
    assert server_names() == ["mongo-java-server", "ferretdb"]
    mongod = tmp_path / ("mongod.exe" if sys.platform == "win32" else "mongod")
    mongod.touch(mode=0o755)
    assert server_names() == ["mongod"]
    monkeypatch.setenv("MONGODB_TEST_URI", "mongodb://127.0.0.1")
    assert server_names() == ["MONGODB_TEST_URI"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("mongodb://h1:1,h2:2", "mongodb://h1:1,h2:2/d"),
        ("mongodb://h/old?tls=true", "mongodb://h/d?tls=true"),
        ("mongodb://u:p%2F@h/old", "mongodb://u:p%2F@h/d?authSource=old"),
        ("mongodb+srv://u:p@h/?w=1", "mongodb+srv://u:p@h/d?w=1"),
    ],
)
def test_a_given_address_keeps_its_hosts_options_and_login(given: str, named: str) -> None:
    assert GivenServer("MONGODB_TEST_URI", given).uri("d") == named
