"""Where the index of one vector store lies on this host: `<folder>/<vector store id>/`, an SQLite file and its files of vectors.

It is derived: whatever is wrong with it, it is thrown away and made again from the chunks in the store.

    state        one row: of which generation it is, of which embedder, how many vectors count; written last
    files        what is searched; each file's rows and vectors stand side by side
    rows         the passages as they are shown
    words        their words, for FTS5; it keeps no text of its own
    stems        how many passages have a stem, and short_forms: what the documents call by two names; for quotes
    approximate  up to which vector the approximate index goes
"""

import os
import re
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote

from filelock import FileLock, Timeout

from ..errors import StoreUnavailable
from ..ids import new_id
from . import ranking_words, words

DATABASE = "index.sqlite3"
GONE = ".gone-"
BUSY_S = 10.0

SCHEMA = f"""
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL, embedder TEXT, dimensions INTEGER NOT NULL,
    epoch INTEGER NOT NULL, vectors INTEGER NOT NULL, next_row INTEGER NOT NULL, stemmed INTEGER NOT NULL
);
INSERT INTO state VALUES (1, -1, NULL, 0, 0, 0, 1, 0);
CREATE TABLE files (
    number INTEGER PRIMARY KEY AUTOINCREMENT, file_id TEXT NOT NULL, chunk_set TEXT NOT NULL UNIQUE, filename TEXT NOT NULL,
    attributes TEXT NOT NULL, title TEXT NOT NULL, first_row INTEGER NOT NULL, rows INTEGER NOT NULL,
    first_vector INTEGER NOT NULL, vectors INTEGER NOT NULL, stemmed INTEGER NOT NULL
);
CREATE TABLE rows (
    row INTEGER PRIMARY KEY, file INTEGER NOT NULL, number INTEGER NOT NULL, heading TEXT NOT NULL, page INTEGER,
    begins INTEGER NOT NULL, ends INTEGER NOT NULL, text TEXT NOT NULL
);
{ranking_words.table("words", "content=''")};
CREATE TABLE stems (stem TEXT PRIMARY KEY, rows INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE short_forms (file INTEGER NOT NULL, short TEXT NOT NULL, long TEXT NOT NULL);
CREATE TABLE approximate (epoch INTEGER NOT NULL, trained INTEGER NOT NULL, vectors INTEGER NOT NULL, file TEXT NOT NULL);
"""
LAYOUT = (zlib.crc32(f"{SCHEMA}{words.RULES}".encode()) & 0x7FFFFFFF) or 1
"""A cache of another layout, or of other rules for words, is made again."""

_EPOCH = re.compile(r"(?:vectors|owners|approximate)-(\d+)[.-]")
_OURS_TO_TELL = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_PERM: "it cannot be written",
    sqlite3.SQLITE_BUSY: "another process holds it",
    sqlite3.SQLITE_NOMEM: "memory is short",
}


class CacheBroken(Exception):
    """What lies in a folder is not a sound index; made again it will be. `folder`: which, where that is known."""

    def __init__(self, reason: str, folder: Path | None = None) -> None:
        super().__init__(reason)
        self.folder = folder


class IndexFolder:
    """The folder of one vector store. Everything blocks."""

    def __init__(self, folder: Path, vector_store_id: str) -> None:
        self.path = folder / folder_name(vector_store_id)
        self.lock = self.path / "lock"
        self.database = self.path / DATABASE

    def exists(self) -> bool:
        return self.database.exists()

    def connect(self) -> sqlite3.Connection:
        """A connection that reads. Raises CacheBroken when there is no index of this layout."""
        with told(self.path):
            # mode=rw: a database that is not there is not made.
            connection = sqlite3.connect(
                f"{self.database.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                connection.execute("PRAGMA temp_store = MEMORY")
                if connection.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
                    raise CacheBroken("it was made by another version")
            except BaseException:
                connection.close()
                raise
            return connection

    def connect_to_write(self) -> sqlite3.Connection:
        """The same, the index made where there is none. Its caller holds the lock."""
        if not self.exists():
            # Under another name, so that no reader meets half of it.
            draft = self.database.with_suffix(".draft")
            with told():
                draft.unlink(missing_ok=True)
                with closing(sqlite3.connect(draft, isolation_level=None)) as made:
                    made.execute("PRAGMA journal_mode = WAL")
                    made.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {LAYOUT}; COMMIT")
                draft.rename(self.database)
        connection = self.connect()
        # The store has it all: a power cut may take the last moments with it.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def identity(self) -> int:
        """Another one when somebody has made the index anew; 0 when there is none."""
        try:
            return self.database.stat().st_ino
        except OSError:
            return 0

    def vectors_file(self, epoch: int) -> Path:
        return self.path / f"vectors-{epoch}.f32"

    def owners_file(self, epoch: int) -> Path:
        """The row of each vector, beside the vectors."""
        return self.path / f"owners-{epoch}.i32"

    def clear_old_epochs(self, current: int, approximate: str | None) -> None:
        """Remove what no new reader will open; whoever has it open goes on reading. The next epoch may be under way already."""
        for file in self.path.iterdir():
            epoch = _EPOCH.match(file.name)
            if epoch and (int(epoch[1]) < current or (file.suffix == ".faiss" and file.name != approximate)):
                with suppress(OSError):
                    file.unlink()

    def make(self) -> None:
        """The folder itself. Raises StoreUnavailable."""
        with told():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove(self) -> None:
        """In one move out of everybody's way, then for good. A folder that is not there is removed."""
        aside = self.path.with_name(f"{self.path.name}{GONE}{new_id('')}")
        with told(), suppress(FileNotFoundError):
            self.path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def take(lock: FileLock) -> bool:
    """Whether nobody else has it; does not wait."""
    try:
        lock.acquire(blocking=False)
    except Timeout:  # an OSError, and no fault of the disk
        return False
    return True


def folder_name(vector_store_id: str) -> str:
    """Ids of standing stores are what a user wrote into a setting."""
    return quote(vector_store_id, safe="").replace(".", "%2E")


def kept_ids(folder: Path) -> Iterator[str]:
    """The vector stores of which there is an index. Removes on the way what a killed process was removing."""
    with suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if GONE in entry.name:
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.is_dir():
                yield unquote(entry.name)


@contextmanager
def told(folder: Path | None = None) -> Iterator[None]:
    """Errors of SQLite and of the disk as ours: CacheBroken where making the index of the folder again helps, else
    StoreUnavailable."""
    try:
        yield
    except CacheBroken as error:
        error.folder = error.folder or folder
        raise
    except FileNotFoundError as error:
        raise CacheBroken("files of it are missing", folder) from error
    except OSError as error:
        raise _unavailable(error.strerror or type(error).__name__) from error
    except sqlite3.Error as error:
        if str(error).startswith("fts5: syntax"):
            raise  # a fault of ours in asking; the index is sound
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _OURS_TO_TELL:
            raise _unavailable(_OURS_TO_TELL[code]) from error
        raise CacheBroken(str(error), folder) from error


def _unavailable(reason: str) -> StoreUnavailable:
    return StoreUnavailable(f"The search index of a vector store cannot be used: {reason}. Look at UNDERPIN_DATA_DIR.")
