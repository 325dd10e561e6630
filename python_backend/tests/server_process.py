"""The server as a child process, on 127.0.0.1 and a free port.

    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted") as server:
        httpx.get(server.base_url + "/health")
        server.line("Run .*: completed", within_s=5)  # until the log says so
        server.kill()                                 # kill -9; start() again on the same data
    assert "❌" not in server.log

It gets no setting but those named: neither this process's environment nor the developer's `.env`.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

BACKEND = Path(__file__).resolve().parent.parent
START_S = 60
STOP_S = 20
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT", "SSL_CERT_FILE")


class ServerProcess:
    """`settings` are environment variables. After `start` (or `with`) it answers."""

    module = "tests.serve"

    def __init__(self, data_dir: Path, *arguments: str, env_file: Path = Path(os.devnull), **settings: object) -> None:
        self.data_dir = data_dir
        self.base_url = ""
        self._arguments = (str(env_file), *arguments)
        self._settings = {"PORT": 0, "UNDERPIN_DATA_DIR": data_dir, **settings}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []
        self._more = threading.Condition()
        self._read_to_end = False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it has printed, over all its starts."""
        with self._more:
            return "".join(self._lines)

    def launch(self) -> None:
        """Start it and return at once. Its standard error goes where its log goes."""
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"} | {name: str(value) for name, value in self._settings.items()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module, *self._arguments],
            cwd=BACKEND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        )  # fmt: skip
        self._read_to_end = False
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def start(self) -> Self:
        """Start it; returns when it answers. Raises AssertionError with its log when it does not."""
        before = len(self.log)
        self.launch()
        try:
            self.base_url = self.line(r"runs on (http://\S+)", within_s=START_S, after=before)[1]
        except BaseException:
            self.kill()
            raise
        return self

    def line(self, pattern: str, *, within_s: float, after: int = 0) -> "re.Match[str]":
        """Wait until the log, from the character `after` on, matches. Raises AssertionError when it does not in time."""
        deadline = time.monotonic() + within_s
        with self._more:
            while True:
                text = "".join(self._lines)
                if found := re.search(pattern, text[after:]):
                    return found
                if self._read_to_end or not self._more.wait(deadline - time.monotonic()):
                    raise AssertionError(f"The log never said {pattern!r}:\n{text[-4000:]}")

    def stop(self) -> int:
        """SIGTERM, and wait; its exit code. Raises subprocess.TimeoutExpired, having killed it, when it takes too long."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        return self.wait(STOP_S)

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self.wait(STOP_S)

    def send(self, signal_number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT, SIGINT, ... and return at once."""
        os.kill(self.pid, signal_number)

    def wait(self, within_s: float) -> int:
        """Until it ends by itself; its exit code. Raises subprocess.TimeoutExpired, having killed it, when it does not."""
        assert self._process is not None
        assert self._reader is not None
        try:
            code = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._reader.join(STOP_S)
            if self._process.stdout is not None:
                self._process.stdout.close()
        return code

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for text in process.stdout:
            with self._more:
                self._lines.append(text)
                self._more.notify_all()
        with self._more:
            self._read_to_end = True
            self._more.notify_all()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        elif self._process is not None and self._reader is not None and self._reader.is_alive():
            self.wait(STOP_S)
