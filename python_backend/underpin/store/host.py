"""This host's workers, for a store that others share: whose process lives is known for the workers of this data directory alone.

A worker's name begins with a mark that its data directory got once, so that another machine's worker is never taken for a dead
one of this: for those only the lease tells.
"""

from pathlib import Path

from ..errors import ConfigError
from ..ids import new_id
from .worker_locks import WorkerLocks

MARK = "host"


class HostWorkers:
    """Its locks lie in `<data_dir>/workers`, the mark in `<data_dir>/host`."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._mark = ""
        self._locks: WorkerLocks | None = None

    def name(self) -> str:
        """A fresh name for this process. Raises ConfigError when the data directory cannot be written."""
        file = self._data_dir / MARK
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not file.exists():
                # Linked into place, so that of two first starts at once one decides for both.
                draft = self._data_dir / new_id(f"{MARK}-")
                draft.write_text(new_id("host_"))
                try:
                    file.hardlink_to(draft)
                except FileExistsError:
                    pass
                finally:
                    draft.unlink()
            self._mark = file.read_text().strip()
        except OSError as error:
            raise ConfigError(
                f"UNDERPIN_DATA_DIR cannot be written ({error.strerror}). Look at its permissions, or choose another."
            ) from None
        return f"{self._mark}-{new_id('worker_')}"

    def hold(self, worker: str) -> None:
        """Be alive under this name. Blocks for a moment. Raises ConfigError."""
        self._locks = WorkerLocks(self._data_dir / "workers", worker)
        self._locks.hold()

    def lives(self, worker: str) -> bool | None:
        """Whether a worker of this data directory lives; None for any other. Blocks for a moment."""
        if self._locks is None or not worker.startswith(f"{self._mark}-"):
            return None
        return self._locks.lives(worker)

    def release(self) -> None:
        """Be dead for the others. May be called twice."""
        if self._locks is not None:
            self._locks.release()
