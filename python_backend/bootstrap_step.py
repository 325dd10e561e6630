"""One step of the setup: runs a command, tells on stderr that it goes on, and turns its failure into a sentence with a remedy.

Nothing newer than Python 3.8 runs here on import; see bootstrap.py.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

# pip is silent while it downloads a large wheel; its own time-outs end a dead connection long before this.
SILENCE_S = 1800.0
# How often a log that is no terminal is told that work goes on.
HEARTBEAT_S = 10.0
# How long a command that is no longer wanted may take to end by itself.
FAREWELL_S = 10.0

NO_VENV = "this Python lacks 'venv' or 'ensurepip': on Debian and Ubuntu run 'sudo apt install python3-venv', then start again"

# What is printed -> what a person can do. The first match counts: without a network pip also says "No matching distribution".
REMEDIES = (
    (r"ensurepip is not available|No module named '?(ensurepip|venv)", NO_VENV),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        "the package index's certificate is not trusted: run 'pip config set global.cert FILE', then start again",
    ),
    (
        r"Max retries exceeded|name resolution|NameResolutionError|getaddrinfo failed|NewConnectionError|Connection refused"
        r"|ConnectTimeoutError|ReadTimeoutError|ProxyError|Network is unreachable|ENOTFOUND|EAI_AGAIN|ECONNREFUSED",
        "the package index cannot be reached: check the network and the index and proxy settings, then start again",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "a package is not the one that the lock names, so none was installed: check pip's index and cache, then start again",
    ),
    (r"No space left on device|ENOSPC", "the disk is full: make room, then start again"),
    (
        r"No matching distribution found",
        "pip's index offers no ready-made package for this Python and machine: check the index, or try Python 3.11 to 3.14",
    ),
)


class SetupFailed(Exception):
    """The environment could not be made; the text says what is wrong and what to do, without the full stop."""


class Step:
    """One line of progress on stderr: repainted on a terminal, followed by a heartbeat where there is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.terminal = sys.stderr.isatty()
        self.painted = 0
        self.began_s = self.noted_s = time.monotonic()
        self._show(text + " ...")

    def note(self, status: str) -> None:
        """Say how far the step is; as often as one likes, it is shown when it is due."""
        now_s = time.monotonic()
        status = f"{status} ({now_s - self.began_s:.0f} s)"
        if self.terminal:
            self._show(f"{self.text} ... {status}")
        elif now_s - self.noted_s >= HEARTBEAT_S:
            self.noted_s = now_s
            self._show(f"  {status}")

    def done(self) -> None:
        self._show(f"{self.text}: done in {time.monotonic() - self.began_s:.1f} s")
        self.leave()

    def leave(self) -> None:
        """End the painted line, so that what is printed next stands on one of its own."""
        if self.terminal:
            print(file=sys.stderr, flush=True)

    def _show(self, line: str) -> None:
        if not self.terminal:
            print(line, file=sys.stderr, flush=True)
            return
        line = line[: shutil.get_terminal_size().columns - 1]
        print("\r" + line.ljust(self.painted), end="", file=sys.stderr, flush=True)
        self.painted = len(line)


class PipProgress:
    """Reads pip's lines and says how far it is among `count` requirements."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.seen = 0
        self.name = "starting"
        self.installing = False

    def __call__(self, line: str) -> str:
        found = re.match(r"\s*(?:Collecting|Requirement already satisfied:|Ignoring) ([A-Za-z0-9._-]+)", line)
        if found:
            self.seen += 1
            self.name = found.group(1)
        elif line.startswith("Installing collected packages"):
            self.installing = True
        elif "Retrying" in line:
            return f"the package index does not answer, trying again for {self.name}"
        return "unpacking" if self.installing else f"{self.seen} of {self.count}, {self.name}"


def run_step(step: Step, command: Sequence[str], log: Path, lock: IO[str], read: Callable[[str], str]) -> None:
    """Run `command` to its end while `step` tells of it; `read` turns each printed line into a status.

    What it prints goes to `log`. Raises SetupFailed when it fails, with the remedy where one is known.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # The child holds the lock too: when this process is killed, the next start waits until the child is gone as well.
        pass_fds=() if os.name == "nt" else (lock.fileno(),),
        # "--user" from a person's own pip configuration has no meaning in an environment.
        env={**os.environ, "PIP_USER": "0"},
        encoding="utf-8",
        errors="replace",
    )
    try:
        output = "".join(_follow(process, step, read))
        code = process.wait(FAREWELL_S)
    except BaseException:
        step.leave()
        _end(process)
        raise
    log.write_text(output, "utf-8")
    if code != 0:
        step.leave()
        raise SetupFailed(f"{explain(output)} (all that was printed is in {log})")
    step.done()


def explain(output: str) -> str:
    """The remedy for what a failed command printed, else its own last words."""
    for pattern, remedy in REMEDIES:
        if re.search(pattern, output):
            return remedy
    words = re.findall(r"^(?:ERROR|npm error):? (.*)$", output, re.MULTILINE) or output.strip().split("\n")[-1:]
    return " ".join(words).rstrip(". ") or "a command failed without a word"


def _follow(process: subprocess.Popen[str], step: Step, read: Callable[[str], str]) -> Iterator[str]:
    """The process's lines as they come; between them the step shows that time passes."""
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True).start()
    status, heard_s = "at work", time.monotonic()
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            if time.monotonic() - heard_s > SILENCE_S:
                raise SetupFailed(f"for {SILENCE_S / 60:.0f} minutes nothing happened in this step: {step.text}") from None
        else:
            if line is None:
                return
            status, heard_s = read(line), time.monotonic()
            yield line
        step.note(status)


def _pump(source: IO[str], lines: queue.Queue[str | None]) -> None:
    with source:
        for line in source:
            lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(FAREWELL_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(FAREWELL_S)
