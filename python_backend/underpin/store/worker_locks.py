"""Which workers of this host live: each holds a lock on a file of its own, and the kernel lets go of it when the process dies.

Nothing is written into the files and no process id is trusted, so that a reused id deceives nobody.
"""

import re
from contextlib import suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from ..errors import ConfigError

HOLD_WITHIN_S = 5.0
"""Another worker may have our file for a moment, to see whether we live; longer, and it is somebody who lives."""
LOOK_AGAIN_S = 0.001
"""Whoever holds a file may be another who looks, for less than this."""

NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


class WorkerLocks:
    """The lock of `worker` in a folder of all workers' locks. Every method is quick, and none waits but `hold`."""

    def __init__(self, folder: Path, worker: str) -> None:
        if not NAME.fullmatch(worker):
            raise ConfigError(f"The worker's name {worker!r} must be 1 to 100 of A-Z a-z 0-9 _ and -.")
        self.folder = folder
        self.worker = worker
        self._held: BaseFileLock | None = None

    def hold(self) -> None:
        """Take the own lock, and clear away the files of the dead. Raises ConfigError when another process has that name."""
        lock = self._lock(self.worker)
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            lock.acquire(timeout=HOLD_WITHIN_S)
        except Timeout as error:
            raise ConfigError(f"The worker's name {self.worker!r} is another process's. Give each worker its own.") from error
        except OSError as error:
            raise ConfigError(
                f"The folder of the workers' locks in the data directory cannot be written ({error.strerror}). Look at its "
                "permissions, or choose another UNDERPIN_DATA_DIR."
            ) from error
        self._held = lock
        for file in self.folder.glob("*.lock"):
            self.lives(file.stem)

    def lives(self, worker: str) -> bool | None:
        """Whether that worker's process lives; None for a name that no worker of this host can have."""
        if not NAME.fullmatch(worker):
            return None
        if worker == self.worker and self._held is not None:
            return True
        if not self._file(worker).exists():
            return False
        lock = self._lock(worker)
        try:
            lock.acquire(timeout=LOOK_AGAIN_S, poll_interval=LOOK_AGAIN_S)
        except Timeout:
            return True
        self._remove(worker)
        lock.release()
        return False

    def release(self) -> None:
        """Be dead for the others. May be called twice."""
        if self._held is not None:
            self._remove(self.worker)
            self._held.release()
            self._held = None

    def _remove(self, worker: str) -> None:
        """While it is locked: whoever opened the same file meanwhile then sees that it is no longer the one with the name."""
        with suppress(PermissionError):  # Windows keeps open files; the next one who looks finds it unlocked again
            self._file(worker).unlink(missing_ok=True)

    def _file(self, worker: str) -> Path:
        return self.folder / f"{worker}.lock"

    def _lock(self, worker: str) -> BaseFileLock:
        # Not of one thread: taken in the thread that opens the store, let go in another.
        return FileLock(self._file(worker), thread_local=False)
