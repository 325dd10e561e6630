"""Writes the index of one vector store, file by file. Everything blocks, and belongs to whoever holds the index's lock.

What was written counts from `commit` on, all of it in one moment; a killed writer leaves what was committed before.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..objects.chunk import Chunk
from .abbreviations import pairs
from .extract import plain
from .filters import Value
from .ranking_words import indexed
from .store_index_folder import IndexFolder
from .store_index_vectors import Rows, Vectors, VectorWriter, mapped
from .words import stems

STEMMED_ROWS = 20_000
"""Stems are counted in so many passages of a store: enough to tell how rare a word is, and seconds to make."""


@dataclass(frozen=True)
class State:
    generation: int
    embedder: str | None
    dimensions: int
    epoch: int
    vectors: int
    next_row: int
    stemmed: int


@dataclass(frozen=True)
class Held:
    """A file of the index. Its rows and its vectors stand side by side, from the first of each."""

    number: int
    file_id: str
    chunk_set: str
    filename: str
    attributes: str
    title: str
    first_row: int
    rows: int
    first_vector: int
    vectors: int
    stemmed: int
    """1 when its stems were counted."""


def read_state(connection: sqlite3.Connection) -> State:
    return State(
        *connection.execute(
            "SELECT generation, embedder, dimensions, epoch, vectors, next_row, stemmed FROM state WHERE one = 1"
        ).fetchone()
    )


def read_files(connection: sqlite3.Connection) -> list[Held]:
    """By the order in which they were added."""
    return [Held(*row) for row in connection.execute("SELECT * FROM files ORDER BY number")]


def attributes_text(attributes: Mapping[str, Value]) -> str:
    return json.dumps(dict(attributes), sort_keys=True, ensure_ascii=False)


class IndexWriter:
    def __init__(self, folder: IndexFolder) -> None:
        self._folder = folder
        self._connection = folder.connect_to_write()
        self._vectors: VectorWriter | None = None
        self._file: Held | None = None
        self._stems: Counter[str] = Counter()
        self.state = read_state(self._connection)

    def held(self) -> list[Held]:
        return read_files(self._connection)

    def begin(self) -> None:
        """Raises sqlite3.Error. From here on nobody else writes, whatever became of the lock's file."""
        self._connection.execute("BEGIN IMMEDIATE")
        self.state = read_state(self._connection)

    def commit(self, generation: int | None = None) -> None:
        """All since `begin` counts from now on. `generation`: the index is complete up to there."""
        if generation is not None:
            self.state = replace(self.state, generation=generation)
        self._write_stems()
        if self._vectors is not None:
            self._vectors.flush()
        s = self.state
        self._connection.execute(
            "UPDATE state SET generation = ?, embedder = ?, dimensions = ?, epoch = ?, vectors = ?, next_row = ?, stemmed = ?",
            (s.generation, s.embedder, s.dimensions, s.epoch, s.vectors, s.next_row, s.stemmed),
        )
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """What was not committed is given up."""
        if self._vectors is not None:
            self._vectors.close()
        self._connection.close()

    # A file, from its first chunk to its last vector

    def start_file(self, file_id: str, chunk_set: str, filename: str, attributes: Mapping[str, Value]) -> None:
        cursor = self._connection.execute(
            "INSERT INTO files (file_id, chunk_set, filename, attributes, title, first_row, rows, first_vector, vectors, stemmed)"
            " VALUES (?, ?, ?, ?, '', 0, 0, 0, 0, 0)",
            (file_id, chunk_set, filename, attributes_text(attributes)),
        )
        number, s = cursor.lastrowid or 0, self.state
        stemmed = int(s.stemmed < STEMMED_ROWS)
        self._file = Held(number, file_id, chunk_set, filename, "", filename, s.next_row, 0, s.vectors, 0, stemmed)

    def add_chunks(self, chunks: Sequence[Chunk]) -> None:
        """The next chunks of the file, in their order."""
        file = self._started()
        if not file.rows and chunks and chunks[0].heading:
            file = replace(file, title=chunks[0].heading[0])
        first = self.state.next_row
        self._connection.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (first + at, file.number, c.number, json.dumps(c.heading, ensure_ascii=False), c.page, c.start, c.end, c.text)
                for at, c in enumerate(chunks)
            ),
        )
        self._connection.executemany(
            "INSERT INTO words (rowid, heading, text) VALUES (?, ?, ?)",
            ((first + at, indexed(" ".join(c.heading)), indexed(c.text)) for at, c in enumerate(chunks)),
        )
        if file.stemmed:
            self._count_stems([(c.heading, c.text) for c in chunks], 1)
            self._learn(file.number, [c.text for c in chunks])
        self._file = replace(file, rows=file.rows + len(chunks))
        self.state = replace(self.state, next_row=first + len(chunks))

    def add_vectors(self, numbers: Sequence[int], vectors: Vectors) -> bool:
        """Vectors of the file's chunks, by their numbers. False, and nothing is added, when they are not of the others' space."""
        file, s = self._started(), self.state
        if s.dimensions == 0:
            s = self.state = replace(s, dimensions=int(vectors.shape[1]))
        if vectors.shape[1] != s.dimensions or not np.isfinite(vectors).all():
            return False
        rows = np.asarray(numbers, np.int32) + file.first_row
        order = np.argsort(rows, kind="stable")  # a passage's windows are looked for by bisection
        rows, vectors = rows[order], vectors[order]
        known = (rows >= file.first_row) & (rows < file.first_row + file.rows)
        self._append(rows[known], vectors[known])
        return True

    def end_file(self) -> None:
        file = self._started()
        self._connection.execute(
            "UPDATE files SET title = ?, first_row = ?, rows = ?, first_vector = ?, vectors = ?, stemmed = ? WHERE number = ?",
            (file.title, file.first_row, file.rows, file.first_vector, file.vectors, file.stemmed, file.number),
        )
        self._file = None

    # What is there already

    def remove(self, file: Held) -> None:
        """Its rows and words go; its vectors stay until the next epoch, and nobody looks at them."""
        span = (file.first_row, file.first_row + file.rows - 1)
        select = "SELECT row, heading, text FROM rows WHERE row BETWEEN ? AND ?"
        for row, heading, text in self._connection.execute(select, span):
            # The words' table keeps no text: it has to be told again what it is to forget.
            forget = (row, indexed(" ".join(json.loads(heading))), indexed(text))
            self._connection.execute("INSERT INTO words (words, rowid, heading, text) VALUES ('delete', ?, ?, ?)", forget)
            if file.stemmed:
                self._count_stems([(json.loads(heading), text)], -1)
        self._connection.execute("DELETE FROM rows WHERE row BETWEEN ? AND ?", span)
        self._connection.execute("DELETE FROM short_forms WHERE file = ?", (file.number,))
        self._connection.execute("DELETE FROM files WHERE number = ?", (file.number,))

    def describe(self, file: Held, filename: str, attributes: Mapping[str, Value]) -> None:
        changes = (filename, attributes_text(attributes), file.number)
        self._connection.execute("UPDATE files SET filename = ?, attributes = ? WHERE number = ?", changes)

    # A new file of vectors: of another embedder, or without the dead ones

    def start_epoch(self, embedder: str | None) -> None:
        """No vector counts any more; `resume` each file and add its vectors."""
        if self._vectors is not None:
            self._vectors.close()
            self._vectors = None
        self._connection.execute("UPDATE files SET first_vector = 0, vectors = 0")
        self.state = replace(self.state, embedder=embedder, dimensions=0, epoch=self.state.epoch + 1, vectors=0)

    def resume(self, file: Held) -> None:
        """Begin again with a file's vectors; its rows stay. Ends with `end_file`."""
        self._file = replace(file, first_vector=self.state.vectors, vectors=0)

    def compact(self) -> None:
        """An epoch of the same embedder with the vectors that are searched and no others."""
        self.begin()
        s, files = self.state, [file for file in self.held() if file.vectors]
        old = mapped(self._folder, s.epoch, s.vectors, s.dimensions)
        self.start_epoch(s.embedder)
        for file in sorted(files, key=lambda file: file.first_vector):
            self.resume(file)
            for first, last in old.blocks(file.first_vector, file.first_vector + file.vectors):
                self.state = replace(self.state, dimensions=s.dimensions)
                self._append(old.owners[first:last], old.vectors[first:last])
            self.end_file()
        self._connection.execute("DELETE FROM approximate")
        self.commit()
        self.clear_old_epochs()

    def clear_old_epochs(self) -> None:
        row = self._connection.execute("SELECT file FROM approximate WHERE epoch = ?", (self.state.epoch,)).fetchone()
        self._folder.clear_old_epochs(self.state.epoch, row[0] if row else None)

    def _started(self) -> Held:
        assert self._file is not None, "no file was started"
        return self._file

    def _append(self, rows: Rows, vectors: Vectors) -> None:
        s, file = self.state, self._started()
        writer = self._vectors
        if writer is None or (writer.epoch, writer.count) != (s.epoch, s.vectors):
            if writer is not None:
                writer.close()
            writer = self._vectors = VectorWriter(self._folder, s.epoch, s.vectors, s.dimensions)
        writer.append(rows, vectors)
        self._file = replace(file, vectors=file.vectors + len(rows))
        self.state = replace(s, vectors=writer.count)

    def _count_stems(self, texts: Sequence[tuple[Sequence[str], str]], by: int) -> None:
        for heading, text in texts:
            for stem in {*stems(" ".join(heading)), *stems(text)}:
                self._stems[stem] += by
        self.state = replace(self.state, stemmed=self.state.stemmed + by * len(texts))

    def _learn(self, number: int, texts: Sequence[str]) -> None:
        found = dict.fromkeys((number, short, " ".join(long)) for short, long in pairs(map(plain, texts)))
        self._connection.executemany("INSERT INTO short_forms VALUES (?, ?, ?)", found)

    def _write_stems(self) -> None:
        self._connection.executemany(
            "INSERT INTO stems VALUES (?, ?) ON CONFLICT (stem) DO UPDATE SET rows = rows + excluded.rows",
            ((stem, by) for stem, by in self._stems.items() if by),
        )
        if any(by < 0 for by in self._stems.values()):
            self._connection.execute("DELETE FROM stems WHERE rows <= 0")
        self._stems.clear()


def dead_share(state: State, files: Sequence[Held]) -> float:
    """How much of the file of vectors nobody looks at."""
    return 1 - sum(file.vectors for file in files) / state.vectors if state.vectors else 0.0
