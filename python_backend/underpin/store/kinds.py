"""The kinds that a store keeps: a new one is a line here, and no line in any backend."""

from ..objects.assistant import Assistant
from ..objects.file import File
from ..objects.idempotency_key import IdempotencyKey
from ..objects.journal_chunk import JournalChunk
from ..objects.message import Message
from ..objects.owner import Owner
from ..objects.run import Run
from ..objects.run_step import RunStep
from ..objects.stored import Stored
from ..objects.thread import Thread
from ..objects.thread_event import ThreadEvent
from ..objects.upload import Upload, UploadPart

KINDS: tuple[type[Stored], ...] = (
    Assistant,
    File,
    IdempotencyKey,
    JournalChunk,
    Message,
    Owner,
    Run,
    RunStep,
    Thread,
    ThreadEvent,
    Upload,
    UploadPart,
)
