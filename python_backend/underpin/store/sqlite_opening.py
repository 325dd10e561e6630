"""Opening the database file: the data directory, what SQLite must be able to do, the layout. Everything here blocks.

Processes that start together do this one after the other.
"""

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import ConfigError, StoreUnavailable
from ..objects.stored import Stored
from .migrations import migrate, transaction
from .sqlite_database import error_code, unavailable

FILE = "underpin.sqlite3"
OLDEST_SQLITE = (3, 35, 0)
"""The first with RETURNING."""
TURN_WITHIN_S = 30.0
"""Another process may be migrating."""

REMEDIES: dict[int, str] = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database. Move it away, or choose another UNDERPIN_DATA_DIR",
    sqlite3.SQLITE_CORRUPT: "is damaged. Restore it from a backup, or move it away to start with an empty one",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened. Look at its permissions, or choose another UNDERPIN_DATA_DIR",
    sqlite3.SQLITE_READONLY: "cannot be written. Look at its permissions, or choose another UNDERPIN_DATA_DIR",
    sqlite3.SQLITE_PERM: "cannot be written. Look at its permissions, or choose another UNDERPIN_DATA_DIR",
}


def prepare(data_dir: Path, kinds: Sequence[type[Stored]], started: Callable[[sqlite3.Connection], None]) -> None:
    """Leave a database of this program's layout in `data_dir`, made if need be; `started` runs last, in a transaction.

    Raises ConfigError when that cannot be, StoreUnavailable when it cannot be just now.
    """
    check_sqlite()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(data_dir / "opening.lock", timeout=TURN_WITHIN_S):
            # Made by us, so that nobody else may read it even in a directory that others may enter.
            os.close(os.open(data_dir / FILE, os.O_CREAT | os.O_RDWR, 0o600))
            _lay(data_dir / FILE, kinds, started)
    except Timeout as error:
        raise StoreUnavailable("The database does not answer: another process has been opening it for long.") from error
    except OSError as error:
        raise ConfigError(
            f"The data directory cannot be made or written ({error.strerror}). Look at its permissions, or choose another "
            "UNDERPIN_DATA_DIR."
        ) from error
    except sqlite3.Error as error:
        if remedy := REMEDIES.get(error_code(error)):
            raise ConfigError(f"{FILE} in the data directory {remedy}.") from error
        raise unavailable(error) from error


def check_sqlite() -> None:
    """Raises ConfigError when this Python's SQLite cannot do what the store needs."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise ConfigError(f"SQLite {sqlite3.sqlite_version} is too old: {oldest} or newer is needed. Use a newer Python.")
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("SELECT json_set('{}', '$.a', 1)")
        except sqlite3.OperationalError as error:
            raise ConfigError("This Python's SQLite was built without JSON. Use another Python.") from error


def _lay(path: Path, kinds: Sequence[type[Stored]], started: Callable[[sqlite3.Connection], None]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise ConfigError(
                "The data directory's file system cannot share memory between processes, which SQLite's log needs. "
                "Choose an UNDERPIN_DATA_DIR on a local disk."
            )
        migrate(connection, kinds)
        with transaction(connection):
            started(connection)
