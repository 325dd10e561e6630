"""A batch: files that were put into a vector store together."""

from typing import ClassVar, Literal

from .stored import Stored
from .vector_store import FileCounts
from .vector_store_file import FileStatus


class FileBatch(Stored):
    """Its files name it in `batch_id`; status and counts are theirs, told when asked."""

    kind: ClassVar[str] = "file_batches"
    parent: ClassVar[str | None] = "vector_store_id"

    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"
    created_at: int
    vector_store_id: str
    status: FileStatus = "in_progress"
    file_counts: FileCounts = FileCounts()
