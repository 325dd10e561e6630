"""The kinds that a store keeps: a new one is a line here, and no line in any backend."""

from ..objects.assistant import Assistant
from ..objects.chunk import Chunk, VectorBlock
from ..objects.file import File
from ..objects.file_batch import FileBatch
from ..objects.idempotency_key import IdempotencyKey
from ..objects.journal_chunk import JournalChunk
from ..objects.leftover import Leftover
from ..objects.message import Message
from ..objects.owner import Owner
from ..objects.run import Run
from ..objects.run_step import RunStep
from ..objects.stored import Stored
from ..objects.thread import Thread
from ..objects.thread_event import ThreadEvent
from ..objects.upload import Upload, UploadPart
from ..objects.vector_store import VectorStore
from ..objects.vector_store_file import VectorStoreFile

KINDS: tuple[type[Stored], ...] = (
    Assistant,
    Chunk,
    File,
    FileBatch,
    IdempotencyKey,
    JournalChunk,
    Leftover,
    Message,
    Owner,
    Run,
    RunStep,
    Thread,
    ThreadEvent,
    Upload,
    UploadPart,
    VectorBlock,
    VectorStore,
    VectorStoreFile,
)
