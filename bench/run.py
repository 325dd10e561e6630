"""What a token costs: CPU of Underpin as shipped against the floor, in turn, round by round. `make bench` runs it.

CPU µs a token = user and system time of the server's process ÷ tokens offered. It is the figure that holds on a noisy machine;
wall times do not. Read the ratio: the absolute numbers belong to the machine.
"""

import argparse
import asyncio
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load import Reading, post, read_streams

HERE = Path(__file__).parent
BACKEND = HERE.parent / "python_backend"
START_S = 30
LOADS = {"paced": (50, 100, 25.0), "hard": (60, 500, 0.0)}
"""name → streams, tokens a stream, tokens a second in each (0: as fast as they go)"""


@contextmanager
def server(*command: str, **environment: str) -> Iterator[tuple[int, int]]:
    """A child process that prints its port when it listens: its process id and the port. Stopped by the id at the end."""
    child = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        assert child.stdout is not None
        ports = (re.search(r"^(\d+)$|http://127\.0\.0\.1:(\d+)", line) for line in child.stdout)
        found = next(port for port in ports if port)
        threading.Thread(target=child.stdout.read, daemon=True).start()  # what it logs from now on is thrown away
        yield child.pid, int(found[1] or found[2])
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=START_S)


def cpu_s(pid: int) -> float:
    """User and system seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def new_thread(port: int) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/assistants/threads", method="POST")
    with urllib.request.urlopen(request, timeout=START_S) as answer:
        return str(answer.read().split(b'"')[3].decode())


def measure(pid: int, port: int, requests: list[bytes], offered: int) -> tuple[float, Reading]:
    """CPU µs a token of one round."""
    before = cpu_s(pid)
    reading = asyncio.run(read_streams(port, requests))
    if reading.tokens < offered:
        raise SystemExit(f"{offered - reading.tokens} of {offered} tokens are missing.")
    return (cpu_s(pid) - before) / offered * 1e6, reading


def bench(load: str, rounds: int) -> None:
    streams, tokens, rate = LOADS[load]
    ratios: list[float] = []
    ours: list[float] = []
    floors: list[float] = []
    with (
        tempfile.TemporaryDirectory() as data,
        server(str(HERE / "upstream.py"), f"--tokens={tokens}", f"--rate={rate}") as (_, up),
    ):
        settings = {"OPENAI_BASE_URL": f"http://127.0.0.1:{up}/v1", "OPENAI_MODEL": "bench", "MAX_COMPLETION_TOKENS": "100000"}
        with (
            server(str(HERE / "floor.py"), str(up)) as (floor, floor_port),
            server(str(BACKEND / "main.py"), "--port=0", UNDERPIN_DATA_DIR=data, **settings) as (underpin, port),
        ):
            for at in range(rounds + 1):
                asked = [post("/chat/stream", {"content": "soil?", "threadId": new_thread(port)}) for _ in range(streams)]
                mine, reading = measure(underpin, port, asked, streams * tokens)
                least, _ = measure(floor, floor_port, [post("/", {})] * streams, streams * tokens)
                if at:  # the first round warms up
                    ours.append(mine)
                    floors.append(least)
                    ratios.append(mine / max(least, 0.01))
    first = statistics.median(reading.first_ms)
    print(
        f"| {load} | {statistics.median(ours):.1f} | {statistics.median(floors):.1f} | {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f}–{max(ratios):.2f}) | {first:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print("| load | Underpin, CPU µs/token | floor, CPU µs/token | ratio, median (range) | first token, ms |")
    print("| --- | --: | --: | --: | --: |")
    for load in LOADS:
        bench(load, rounds)


if __name__ == "__main__":
    main()
