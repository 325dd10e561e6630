"""The bootstrap, run for real on a tiny project: its lock names one package, whose wheel is made here; no index is asked."""

from __future__ import annotations

import ast
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import bootstrap
import bootstrap_step

BACKEND = Path(bootstrap.__file__).parent
PROGRAMS = ("bootstrap.py", "bootstrap_step.py", "dev_node.py", "web_export.py", "start.sh")
MAIN = "import os, sys, tiny\nprint('tiny', tiny.VERSION, sys.argv[1:], os.getcwd())\nsys.exit(7)\n"
DEADLINE_S = 60.0


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    told: str


@dataclass(frozen=True)
class Project:
    """A checkout with the real start programs and a package of one line."""

    root: Path

    @property
    def wheels(self) -> Path:
        return self.root / "wheels"

    def lock(self, version: str, name: str = "requirements.lock") -> None:
        """Let the lock name `tiny` in `version`, and put its wheel where pip finds it."""
        wheel = make_wheel(self.wheels, version)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.root / name).write_text(f"tiny=={version} \\\n    --hash=sha256:{digest}\n", "utf-8")

    def begin(self, *args: str, program: str = "bootstrap.py", **changed: str) -> subprocess.Popen[str]:
        command = (
            [str(self.root / program), *args] if program == "start.sh" else [sys.executable, str(self.root / program), *args]
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_RETRIES": "0"}
        return subprocess.Popen(
            command,
            env={**kept, **pip, **changed},
            cwd=self.root.parent,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def start(self, *args: str, program: str = "bootstrap.py", **changed: str) -> Outcome:
        return finish(self.begin(*args, program=program, **changed))


def finish(process: subprocess.Popen[str]) -> Outcome:
    with process:
        out, told = process.communicate(timeout=DEADLINE_S)
    return Outcome(process.returncode, out, told)


def make_wheel(folder: Path, version: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"tiny-{version}-py3-none-any.whl"
    about = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny.py", f"VERSION = {version!r}\n")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", f"tiny.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")
    return path


def new_project(root: Path) -> Project:
    root.mkdir()
    for name in PROGRAMS:
        shutil.copy2(BACKEND / name, root / name)
    (root / "main.py").write_text(MAIN, "utf-8")
    project = Project(root)
    project.lock("1.0")
    return project


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Outcome]:
    """A project after its first start, and what that start said. Not to be changed."""
    project = new_project(tmp_path_factory.mktemp("first") / "project")
    return project, project.start("--port", "8001")


@pytest.fixture
def ready(first: tuple[Project, Outcome], tmp_path: Path) -> Project:
    """A copy of a project that was started once."""
    shutil.copytree(first[0].root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    return new_project(tmp_path / "project")


@pytest.fixture
def silent_index() -> Iterator[socket.socket]:
    """A package index that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_S)
        yield server


def index_at(port: int) -> dict[str, str]:
    return {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": f"http://127.0.0.1:{port}/"}


def served(project: Project, version: str = "1.0", args: str = "[]") -> str:
    return f"tiny {version} {args} {project.root}\n"


def test_first_start_installs_the_lock_and_becomes_the_server(first: tuple[Project, Outcome]) -> None:
    project, outcome = first
    assert (outcome.code, outcome.out) == (7, served(project, args="['--port', '8001']"))
    told = outcome.told.splitlines()
    assert told[0] == f"Setting up {project.root}/.venv from requirements.lock; later starts need none of this."
    assert [line.partition(":")[0] for line in told if "done in" in line] == [
        f"Making a virtual environment with Python {'.'.join(map(str, sys.version_info[:3]))}",
        "Installing up to 1 packages, hashes checked",
    ]


def test_second_start_installs_nothing_and_says_nothing(ready: Project) -> None:
    shutil.rmtree(ready.wheels)
    assert ready.start() == Outcome(7, served(ready), "")


def test_start_sh_works_from_another_folder_and_passes_arguments_on(ready: Project, tmp_path: Path) -> None:
    too_old, new_enough = "exit 1", f'exec "{sys.executable}" "$@"'
    path = pythons(
        tmp_path / "bin", {"python3.14": too_old, "python3.13": too_old, "python3.12": too_old, "python3.11": new_enough}
    )
    outcome = ready.start("--port", "two words", program="start.sh", PATH=path)
    assert outcome == Outcome(7, served(ready, args="['--port', 'two words']"), "")


def test_start_sh_without_a_python_that_is_new_enough_says_what_to_do(fresh: Project, tmp_path: Path) -> None:
    names = ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python")
    outcome = fresh.start(program="start.sh", PATH=pythons(tmp_path / "bin", dict.fromkeys(names, "exit 1")))
    assert (outcome.code, outcome.out, outcome.told.count("\n")) == (1, "", 1)
    assert outcome.told.startswith("Underpin needs Python 3.11 or newer and found none: install one")


def pythons(folder: Path, scripts: dict[str, str]) -> str:
    """A PATH on which each of `scripts` is a Python of that name, before the system's own folders."""
    folder.mkdir()
    for name, body in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n", "utf-8")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_a_changed_lock_is_installed_into_the_same_environment(ready: Project) -> None:
    (ready.root / ".venv" / "kept").touch()
    ready.lock("2.0")
    outcome = ready.start()
    assert (outcome.code, outcome.out) == (7, served(ready, "2.0"))
    assert "Making" not in outcome.told
    assert (ready.root / ".venv" / "kept").exists()


def test_a_lock_that_cannot_be_had_leaves_the_old_environment_whole(ready: Project) -> None:
    old_lock = (ready.root / "requirements.lock").read_text("utf-8")
    ready.lock("3.0")
    (ready.wheels / "tiny-3.0-py3-none-any.whl").unlink()
    refused = ready.start()
    assert (refused.code, refused.out) == (1, "")
    assert "Underpin cannot start: pip's index offers no ready-made package" in refused.told.splitlines()[-1]
    (ready.root / "requirements.lock").write_text(old_lock, "utf-8")
    assert ready.start() == Outcome(7, served(ready), "")


def test_a_package_with_another_hash_is_refused(ready: Project) -> None:
    ready.lock("2.0")
    with zipfile.ZipFile(ready.wheels / "tiny-2.0-py3-none-any.whl", "a") as wheel:
        wheel.writestr("planted_by_the_test.py", "")
    outcome = ready.start()
    assert (outcome.code, outcome.out) == (1, "")
    assert "a package is not the one that the lock names" in outcome.told
    assert not list((ready.root / ".venv").rglob("planted_by_the_test.py"))


def test_an_index_that_cannot_be_reached_is_one_clear_line(ready: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ready.lock("2.0")
    outcome = ready.start(PIP_RETRIES="1", **index_at(port))
    assert outcome.code == 1
    assert "Underpin cannot start: the package index cannot be reached: check the network" in outcome.told.splitlines()[-1]


def test_a_start_killed_half_way_is_noticed_and_done_again(ready: Project, silent_index: socket.socket) -> None:
    ready.lock("2.0")
    port = silent_index.getsockname()[1]
    killed = ready.begin(**index_at(port))
    asked, _ = silent_index.accept()
    killed.kill()
    assert finish(killed).code == -signal.SIGKILL
    again = ready.begin()
    assert again.stderr is not None
    assert "waiting for it to finish" in again.stderr.readline(), "pip of the killed start is still at work"
    asked.close()
    silent_index.close()
    outcome = finish(again)
    assert (outcome.code, outcome.out) == (7, served(ready, "2.0"))
    assert "not whole, or its Python is gone: making it again" in outcome.told


def test_an_environment_whose_python_is_gone_is_made_again(ready: Project) -> None:
    for python in (ready.root / ".venv" / "bin").glob("python*"):
        python.unlink()
    (ready.root / ".venv" / "bin" / "python").symlink_to(ready.root / "gone")
    outcome = ready.start()
    assert (outcome.code, outcome.out) == (7, served(ready))
    assert "making it again" in outcome.told


def test_two_starts_at_once_make_one_environment(fresh: Project) -> None:
    both = [fresh.begin(), fresh.begin()]
    outcomes = [finish(process) for process in both]
    assert [(outcome.code, outcome.out) for outcome in outcomes] == [(7, served(fresh))] * 2
    assert sum("Making a virtual environment" in line for o in outcomes for line in o.told.splitlines() if "done in" in line) == 1


def test_a_start_waits_for_another_and_says_so(ready: Project) -> None:
    ready.lock("2.0")
    with (ready.root / ".bootstrap.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = ready.begin()
        assert waiting.stderr is not None
        assert waiting.stderr.readline() == "Another start is installing; waiting for it to finish ...\n"
        assert waiting.poll() is None
    assert finish(waiting).out == served(ready, "2.0")


def test_ctrl_c_during_an_install_stops_pip_and_says_so(ready: Project, silent_index: socket.socket) -> None:
    ready.lock("2.0")
    port = silent_index.getsockname()[1]
    stopped = ready.begin(**index_at(port))
    asked, _ = silent_index.accept()
    stopped.send_signal(signal.SIGINT)
    outcome = finish(stopped)
    with asked:
        asked.settimeout(DEADLINE_S)
        while asked.recv(4096):
            pass  # the end of the stream: pip has let go of the connection
    assert outcome.code == 130
    assert outcome.told.endswith("Stopped. The next start goes on from here.\n")


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_gets_one_line_with_the_remedy(fresh: Project, tmp_path: Path, module: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{module!r}] = None\n", "utf-8")
    outcome = fresh.start(PYTHONPATH=str(tmp_path))
    assert (outcome.code, outcome.out) == (1, "")
    assert "run 'sudo apt install python3-venv'" in outcome.told.splitlines()[-1]
    assert not (fresh.root / ".venv").exists()


def test_dev_adds_the_locks_of_the_tests_and_runs_any_command(ready: Project, tmp_path: Path) -> None:
    for name in (*bootstrap.DEV_PACKAGES, bootstrap.NODE_PACKAGES):
        ready.lock("1.0", name)
    node = pythons(tmp_path / "bin", {"node": "echo v18.0.0", "npm": "exit 1"})
    outcome = ready.start("--dev", "-c", "import tiny; print(tiny.VERSION)", PATH=node)
    assert (outcome.code, outcome.out) == (0, "1.0\n")
    assert "requirements-dev.lock, requirements-model.lock, requirements-node.lock;" in outcome.told
    assert ready.start().told == "", "what tests need contains what the server needs"


def test_an_old_python_is_refused_with_a_sentence() -> None:
    with pytest.raises(bootstrap_step.SetupFailed, match=r"needs Python 3\.11 or newer, and this is 3\.10"):
        bootstrap.check_python((3, 10))
    bootstrap.check_python((3, 11))


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.endswith(".py")])
def test_an_old_python_can_read_the_bootstrap(name: str) -> None:
    ast.parse((BACKEND / name).read_text("utf-8"), feature_version=(3, 8))


def test_main_outside_of_the_environment_names_start_sh(tmp_path: Path) -> None:
    (tmp_path / "underpin").mkdir()
    (tmp_path / "underpin" / "__main__.py").write_text("import missing_package.deep\n", "utf-8")
    shutil.copy2(BACKEND / "main.py", tmp_path)
    ran = subprocess.run([sys.executable, tmp_path / "main.py"], capture_output=True, text=True, timeout=DEADLINE_S)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert ran.stderr.startswith("The package 'missing_package' is missing in this Python")
    assert "Run ./start.sh" in ran.stderr


def test_a_child_on_windows_passes_its_exit_code_on() -> None:
    assert bootstrap.run_as_child([sys.executable, "-c", "raise SystemExit(5)"]) == 5


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full: make room, then start again"),
        ("ERROR: Could not do it.\nhint", "Could not do it"),
        ("only words\n", "only words"),
        ("", "a command failed without a word"),
    ],
)
def test_a_failure_is_explained_by_its_own_words(printed: str, told: str) -> None:
    assert bootstrap_step.explain(printed) == told


def test_the_locks_name_no_index_and_pin_every_package_by_hash() -> None:
    for lock in BACKEND.glob("requirements*.lock"):
        text = lock.read_text("utf-8")
        assert "index-url" not in text
        assert "://" not in text
        packages = text.count("==")
        assert 0 < packages <= text.count("--hash=sha256:")
