"""The embedder that comes along: all-MiniLM-L6-v2, int8, in this process. Made for English.

Passages and questions have threads of their own, so that a question need not wait for a file. Nothing is loaded before the
first text.
"""

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Protocol

import numpy as np

from ..errors import EmbeddingFailed
from .base import Vectors

DIMENSIONS = 384
MOST_THREADS = 4
QUESTION_THREADS = 2
TEXTS_A_JOB = 16
"""Under a second of one core: what a cancelled call still takes, and how long others of its kind wait for their turn."""


class _Session(Protocol):
    def embed(self, texts: Sequence[str]) -> Vectors: ...
    def give_back(self) -> None: ...


class MiniLM:
    """Implements Embedder. `threads` make passages' vectors side by side, a core each; unless told otherwise all but one."""

    name = "all-MiniLM-L6-v2-int8"
    dimensions = DIMENSIONS
    window_chars = 1200
    """Of English about the 256 tokens that are read at once. A text of more tokens (figures, other scripts) is read in
    pieces, and its vector is their mean."""

    def __init__(self, threads: int | None = None) -> None:
        count = threads or max(1, min(MOST_THREADS, (os.cpu_count() or 2) - 1))
        self._passages = ThreadPoolExecutor(count, "embed")
        self._questions = ThreadPoolExecutor(QUESTION_THREADS, "embed-question")
        self._loading = threading.Lock()
        self._session: _Session | None = None
        self._closed = False

    async def embed(self, texts: Sequence[str]) -> Vectors:
        jobs = [texts[start : start + TEXTS_A_JOB] for start in range(0, len(texts), TEXTS_A_JOB)]
        made = await asyncio.gather(*(self._run(self._passages, job) for job in jobs))
        if len(jobs) > 1 and self._session is not None:
            await asyncio.get_running_loop().run_in_executor(self._passages, self._session.give_back)
        return np.concatenate([np.zeros((0, DIMENSIONS), np.float32), *made])

    async def embed_query(self, text: str) -> Vectors:
        return np.asarray((await self._run(self._questions, [text]))[0], np.float32)

    async def close(self) -> None:
        self._closed = True
        for pool in (self._passages, self._questions):
            pool.shutdown(wait=False, cancel_futures=True)
        self._session = None

    async def _run(self, pool: ThreadPoolExecutor, texts: Sequence[str]) -> Vectors:
        if self._closed:
            raise _stopping()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, self._embed, texts)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                # Not whoever asked was cancelled: the job was, before its turn came.
                raise _stopping() from None
            raise

    def _embed(self, texts: Sequence[str]) -> Vectors:
        return self._loaded().embed(texts)

    def _loaded(self) -> _Session:
        with self._loading:
            if self._session is None:
                self._session = _load()
            return self._session


def _stopping() -> EmbeddingFailed:
    return EmbeddingFailed("The server is stopping and embeds no more text.", retryable=True)


def _load() -> _Session:
    try:
        # Half a second and a hundred megabytes, for servers that may never see a document.
        session: _Session = import_module("underpin.embedding.minilm_session").MiniLMSession()
    except (ImportError, OSError) as error:
        raise EmbeddingFailed(
            f"The embedding model that comes along cannot be loaded ({type(error).__name__}). Install the server again, or set "
            "EMBEDDING_MODEL to one of the model's server.",
            retryable=False,
        ) from error
    return session
