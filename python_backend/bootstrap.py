"""From a bare Python to a running Underpin: makes `.venv` beside this file, installs the locked packages, then starts `main.py`.

    python bootstrap.py ARGS...         serve: `main.py ARGS...` in the environment, after building the web app where it has
                                        changed; `--no-web` leaves that out
    python bootstrap.py --dev ARGS...   the environment with what tests and checks need; `python ARGS...` in it, if any

Only the standard library is used, and nothing newer than Python 3.8, so that an old Python gets a sentence, not a traceback.
The one rule: the stamp in `.venv` exists only while the environment is whole; without it the environment is made again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import dev_node
import web_export
from bootstrap_step import NO_VENV, PipProgress, SetupFailed, Step, run_step

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "underpin-installed.json"
LOG = VENV / "underpin-install.log"
# Beside the environment, not in it: the environment is deleted while the lock is held.
LOCK = HERE / ".bootstrap.lock"

RUN_PACKAGES = "requirements.lock"
DEV_PACKAGES = ("requirements-dev.lock", "requirements-model.lock")
NODE_PACKAGES = "requirements-node.lock"

OLDEST_PYTHON = (3, 11)
# A first install on a slow line takes minutes; another start waits for it, but not for ever.
LOCK_WAIT_S = 1800.0


def main(argv: Sequence[str]) -> int:
    """Make the environment current and become the command in it. Returns the exit code where it cannot become it."""
    try:
        check_python(sys.version_info[:2])
        dev = argv[:1] == ["--dev"]
        web = not dev and "--no-web" not in argv and is_web_due()
        ensure_environment(dev_locks() if dev else run_locks(web))
        if dev:
            ensure_node_packages()
        elif web:
            ensure_web()
    except SetupFailed as failed:
        print(f"Underpin cannot start: {failed}.", file=sys.stderr)
        return 1
    except OSError as failed:
        print(f"Underpin cannot start: {failed.filename or HERE}: {failed.strerror or failed}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next start goes on from here.", file=sys.stderr)
        return 130
    command = list(argv[1:]) if dev else ["main.py", *(word for word in argv if word != "--no-web")]
    if not command:
        print(f"The development environment is ready: {VENV}", file=sys.stderr)
        return 0
    os.chdir(HERE)
    return become([str(VENV_PYTHON), *command])


def check_python(version: tuple[int, int]) -> None:
    """Raises SetupFailed when `version` is too old for Underpin."""
    if version < OLDEST_PYTHON:
        raise SetupFailed(
            f"it needs Python {'.'.join(map(str, OLDEST_PYTHON))} or newer, and this is {version[0]}.{version[1]} "
            f"({sys.executable}); install a newer one from https://www.python.org/downloads/ and start again"
        )


def dev_locks() -> list[str]:
    """The lock files that tests and checks need on this machine."""
    node = [] if dev_node.system_node() else [NODE_PACKAGES]
    return [RUN_PACKAGES, *DEV_PACKAGES, *node]


def run_locks(web: bool) -> list[str]:
    """The lock files that serving needs, and building the web app before it where that is due."""
    return [RUN_PACKAGES, NODE_PACKAGES] if web and not dev_node.system_node() else [RUN_PACKAGES]


def ensure_environment(locks: Sequence[str]) -> None:
    """Make or complete `.venv` so that it holds all of `locks`; two at once wait for each other.

    Raises SetupFailed with the remedy, and OSError where the folder cannot be written.
    """
    wanted = {name: hashlib.sha256((HERE / name).read_bytes()).hexdigest() for name in locks}
    if is_current(wanted):
        return
    with one_at_a_time() as lock:
        if is_current(wanted):
            return
        print(f"Setting up {VENV} from {', '.join(wanted)}; later starts need none of this.", file=sys.stderr, flush=True)
        if installed() is None:
            make_environment(lock)
        install(wanted, lock)


def is_current(wanted: dict[str, str]) -> bool:
    found = installed()
    return found is not None and all(found.get(name) == digest for name, digest in wanted.items())


def installed() -> dict[str, str] | None:
    """The locks in a whole environment, name to SHA-256; None when it is missing, half-finished or its Python is gone."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
        if stamp["python"] == probe_python():
            return {str(name): str(digest) for name, digest in stamp["locks"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # whatever is wrong with the stamp, the answer is the same
    return None


def probe_python() -> str | None:
    """What compiled packages depend on, asked of the environment's own Python; None when that does not run."""
    ask = "import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform())"
    try:
        asked = subprocess.run([str(VENV_PYTHON), "-I", "-c", ask], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None


def make_environment(lock: IO[str]) -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise SetupFailed(f"{NO_VENV} ({sys.executable})")
    if VENV.exists():
        print("It is there but not whole, or its Python is gone: making it again.", file=sys.stderr, flush=True)
        STAMP.unlink(missing_ok=True)
        shutil.rmtree(VENV)
    VENV.mkdir()
    version = ".".join(map(str, sys.version_info[:3]))
    step = Step(f"Making a virtual environment with Python {version}")
    run_step(step, [sys.executable, "-m", "venv", str(VENV)], LOG, lock, lambda _: "preparing pip")


def install(wanted: dict[str, str], lock: IO[str]) -> None:
    """Install just what the locks name, hashes checked, ready-made packages only; pip's configuration says from where."""
    before = STAMP.read_text("utf-8") if STAMP.exists() else None
    STAMP.unlink(missing_ok=True)
    count = count_packages(wanted)
    progress = PipProgress(count)
    files = [part for name in wanted for part in ("-r", str(HERE / name))]
    strict = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
    pip = [str(VENV_PYTHON), "-I", "-u", "-m", "pip", "install", "--progress-bar", "off", *strict, *files]
    step = Step(f"Installing up to {count} packages, hashes checked")
    try:
        run_step(step, pip, LOG, lock, progress)
    except SetupFailed:
        if before is not None and not progress.installing:
            write_stamp(before)  # pip gave up before it changed anything: the old environment is whole
        raise
    write_stamp(json.dumps({"python": probe_python(), "locks": wanted}))


def count_packages(locks: Iterable[str]) -> int:
    """How many packages the locks name; some are for other systems only."""
    return len(
        {name for lock in locks for name in re.findall(r"^([A-Za-z0-9._-]+)==", (HERE / lock).read_text("utf-8"), re.MULTILINE)}
    )


def write_stamp(text: str) -> None:
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    os.replace(fresh, STAMP)


def ensure_node_packages() -> None:
    """Install the Node packages of the web app and of the wire tests, where their folders exist."""
    for folder, of in ((web_export.ROOT, "web app"), (dev_node.WIRE_TESTS, "tests")):
        if dev_node.is_current(folder):
            continue
        with one_at_a_time() as lock:
            if not dev_node.is_current(folder):
                step = Step(f"Installing the Node packages of the {of} (npm ci)")
                command = [str(VENV_PYTHON), str(HERE / "dev_node.py"), str(folder)]
                run_step(step, command, LOG, lock, lambda _: "npm ci")


def is_web_due() -> bool:
    """Whether there is a web app whose export is missing or old."""
    return web_export.has_sources() and not web_export.is_current()


def ensure_web() -> None:
    """Build the web app. Where that fails the server starts without it, and says why."""
    with one_at_a_time() as lock:
        if not is_web_due():
            return
        step = Step("Building the web app, once; about a minute")
        command = [str(VENV_PYTHON), str(HERE / "web_export.py")]
        try:
            run_step(step, command, LOG, lock, lambda _: "npm ci, next build")
        except SetupFailed as failed:
            why = str(failed)[:300]
            print(f"The web app is left out: {why}. {LOG} tells all; --no-web starts without trying.", file=sys.stderr)


@contextmanager
def one_at_a_time() -> Iterator[IO[str]]:
    """Hold the lock file; it frees itself when its holder dies. Raises SetupFailed after LOCK_WAIT_S."""
    deadline_s = time.monotonic() + LOCK_WAIT_S
    told = False
    with LOCK.open("a") as file:
        while not try_lock(file):
            if not told:
                print("Another start is installing; waiting for it to finish ...", file=sys.stderr, flush=True)
                told = True
            if time.monotonic() > deadline_s:
                raise SetupFailed(
                    f"another start has been installing for {LOCK_WAIT_S / 60:.0f} minutes: end it, then start again"
                )
            time.sleep(0.2)
        yield file


def try_lock(file: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def become(command: list[str]) -> int:
    """Replace this process with `command`. Windows cannot: there it is a child that Ctrl-C reaches, and its exit code is ours."""
    if os.name != "nt":
        os.execv(command[0], command)
    return run_as_child(command)


def run_as_child(command: list[str]) -> int:
    child = subprocess.Popen(command)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue  # the console sent it to the child too, which ends in its own way


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
