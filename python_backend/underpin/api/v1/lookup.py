"""Finding what a path names. What is missing, foreign or in another thread looks the same; an id that cannot be one is 400."""

from typing import TypeVar

from starlette.requests import Request

from ...errors import NotFound, UnderpinError
from ...objects.assistant import Assistant
from ...objects.file_batch import FileBatch
from ...objects.message import Message
from ...objects.run import Run
from ...objects.run_step import RunStep
from ...objects.stored import Stored
from ...objects.thread import Thread
from ...objects.vector_store import VectorStore
from ...objects.vector_store_file import VectorStoreFile
from ...store.base import Scope
from ..auth import owner_of, scope_of
from ..rooms import rooms_of
from .envelope import InvalidRequest

T = TypeVar("T", bound=Stored)

_NAMES: dict[type[Stored], tuple[str, str, str]] = {
    Assistant: ("assistant", "assistant_id", "asst"),
    Thread: ("thread", "thread_id", "thread"),
    Message: ("message", "message_id", "msg"),
    Run: ("run", "run_id", "run"),
    RunStep: ("run step", "step_id", "step"),
    VectorStore: ("vector store", "vector_store_id", "vs"),
    FileBatch: ("vector store file batch", "batch_id", "vsfb"),
}
"""Kind → its noun, the parameter that names one, and how its ids begin."""

MOST_OF_AN_ID = 100
"""As much of a wrong id as an error repeats."""


async def find_assistant(request: Request, assistant_id: str) -> Assistant:
    """Raises NotFound `No assistant found with id 'asst_x'.`, InvalidRequest."""
    return await _find(request, Assistant, assistant_id, Scope(owner_of(request)))


async def find_thread(request: Request, thread_id: str) -> Thread:
    """The same for a thread; a group's thread too."""
    return await _find(request, Thread, thread_id, scope_of(request))


async def find_message(request: Request, thread_id: str, message_id: str) -> Message:
    """The same for a message of a thread."""
    thread = await find_thread(request, thread_id)
    message = await _find(request, Message, message_id, Scope(thread.owner))
    return _of(message, message.thread_id == thread.id)


async def find_run(request: Request, thread_id: str, run_id: str) -> Run:
    """The same for a run of a thread."""
    thread = await find_thread(request, thread_id)
    run = await _find(request, Run, run_id, Scope(thread.owner))
    return _of(run, run.thread_id == thread.id)


async def find_step(request: Request, run: Run, step_id: str) -> RunStep:
    """The same for a step of a run."""
    step = await _find(request, RunStep, step_id, Scope(run.owner))
    return _of(step, step.run_id == run.id)


async def find_store(request: Request, vector_store_id: str) -> VectorStore:
    """The same for a vector store."""
    try:
        return await rooms_of(request).vector_stores.get(owner_of(request), vector_store_id)
    except NotFound:
        raise missing(VectorStore, vector_store_id.replace("\0", "")) from None


async def find_store_file(request: Request, vector_store_id: str, file_id: str) -> VectorStoreFile:
    """The same for a file in a vector store."""
    store, shown = await find_store(request, vector_store_id), file_id.replace("\0", "")
    try:
        return await rooms_of(request).store_files.get(store.owner, store.id, shown)
    except NotFound:
        if not shown.startswith("file"):
            text = f"Invalid 'file_id': '{shown[:MOST_OF_AN_ID]}'. Expected an ID that begins with 'file'."
            raise InvalidRequest(text, param="file_id", code="invalid_value") from None
        raise


def missing(kind: type[Stored], id: str) -> UnderpinError:
    """The error for an id that names nothing."""
    noun, param, prefix = _NAMES[kind]
    if not id.startswith(prefix):
        shown = f"Invalid '{param}': '{id[:MOST_OF_AN_ID]}'. Expected an ID that begins with '{prefix}'."
        return InvalidRequest(shown, param=param, code="invalid_value")
    return NotFound(f"No {noun} found with id '{id[:MOST_OF_AN_ID]}'.")


async def _find(request: Request, kind: type[T], id: str, scope: Scope) -> T:
    if "\0" in id:
        raise missing(kind, id.replace("\0", ""))
    try:
        return await rooms_of(request).store.get(kind, id, scope=scope)
    except NotFound:
        raise missing(kind, id) from None


def _of(found: T, belongs: bool) -> T:
    if not belongs:
        raise missing(type(found), found.id)
    return found
