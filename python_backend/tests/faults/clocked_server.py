"""The server's command with clocks that a test sets: `python -m tests.faults.clocked_server ENV_FILE CLOCKS` adds the seconds in
the file CLOCKS, `WALL BOOT`, to the time of day and to the boot clock of the host.

    with ClockedServer(folder, OPENAI_MODEL="scripted") as server:
        server.step(wall_s=-3600)   # somebody sets the time of day
        server.step(boot_s=601)     # time passes
"""

import os
import sys
import time
from functools import partial
from pathlib import Path

import underpin.__main__ as command
from tests.serve import FromFile
from tests.server_process import ServerProcess
from underpin.store import sqlite
from underpin.store.sqlite_clock import HostClocks, boot_clock


class ClockedServer(ServerProcess):
    """Its clocks are stepped while it runs or is dead."""

    module = "tests.faults.clocked_server"

    def __init__(self, folder: Path, **settings: object) -> None:
        self._clocks = folder / "clocks"
        self._stepped_s = [0.0, 0.0]
        super().__init__(folder / "data", str(self._clocks), **settings)
        self.step()

    def step(self, *, wall_s: float = 0.0, boot_s: float = 0.0) -> None:
        """Both clocks, from now on. Time that passes moves the time of day too."""
        self._stepped_s = [self._stepped_s[0] + wall_s + boot_s, self._stepped_s[1] + boot_s]
        fresh = self._clocks.with_suffix(".new")
        fresh.write_text(" ".join(map(str, self._stepped_s)))
        os.replace(fresh, self._clocks)


def stepped(file: Path, which: int) -> float:
    return float(file.read_text().split()[which])


if __name__ == "__main__":
    clocks = Path(sys.argv.pop(2))
    time_of_day = time.time
    # Whoever asks for the time of day in this process: what is created, and the store's clock when it starts.
    time.time = lambda: time_of_day() + stepped(clocks, 0)
    sqlite.HostClocks = partial(HostClocks, boot=lambda: boot_clock() + stepped(clocks, 1), wall=lambda: time.time())
    command.Settings = FromFile
    sys.exit(command.main(sys.argv[2:]))
