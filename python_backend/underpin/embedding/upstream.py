"""The model's server as embedder: in batches, a few at once, each vector brought to unit length."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from typing import Protocol

import numpy as np

from ..errors import EmbeddingFailed, ModelError, ModelKeyRejected, ModelRefusedRequest, ModelUnknown
from .base import Vectors

MOST_TEXTS = 64
MOST_CHARS = 100_000
"""Of one request: about 25,000 tokens; OpenAI takes 300,000, small servers far fewer."""
AT_ONCE = 4
_AT = " at "
_FINAL = (ModelKeyRejected, ModelUnknown, ModelRefusedRequest)


class Client(Protocol):
    """models.embeddings.EmbeddingsClient."""

    address: str
    model: str

    async def passages(self, texts: Sequence[str]) -> Vectors: ...
    async def question(self, text: str) -> Vectors: ...
    async def close(self) -> None: ...


class UpstreamEmbedder:
    """Implements Embedder."""

    def __init__(self, client: Client, *, window_chars: int) -> None:
        self._client = client
        self._window_chars = window_chars
        self._dimensions = 0
        self._places = asyncio.Semaphore(AT_ONCE)
        self._closed = False

    @property
    def name(self) -> str:
        return f"{self._client.model}{_AT}{self._client.address}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def window_chars(self) -> int:
        return self._window_chars

    async def embed(self, texts: Sequence[str]) -> Vectors:
        batches = _batches([self._cleaned(text) for text in texts])
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._batch(batch), name="embed a batch") for batch in batches]
        except ExceptionGroup as failed:
            # They fail for one reason, and the others were cancelled.
            raise failed.exceptions[0] from None
        return np.concatenate([np.zeros((0, self._dimensions), np.float32), *(task.result() for task in tasks)])

    async def embed_query(self, text: str) -> Vectors:
        return await self._made(self._client.question(self._cleaned(text)))

    async def close(self) -> None:
        self._closed = True
        await self._client.close()

    async def _batch(self, texts: Sequence[str]) -> Vectors:
        async with self._places:
            return await self._made(self._client.passages(texts))

    async def _made(self, asking: Coroutine[object, object, Vectors]) -> Vectors:
        """What was asked for, at unit length; every failure as EmbeddingFailed."""
        if self._closed:
            asking.close()
            raise EmbeddingFailed("The server is stopping and embeds no more text.", retryable=True)
        try:
            vectors = await asking
        except ModelError as error:
            final = isinstance(error, _FINAL)
            raise EmbeddingFailed(error.message, retryable=not final, retry_after_s=error.retry_after_s) from error
        if self._dimensions not in (0, vectors.shape[-1]):
            raise EmbeddingFailed(
                f"The model's server gave vectors of {vectors.shape[-1]} numbers for '{self._client.model}', and of "
                f"{self._dimensions} before: its model was changed. Start the server again.",
                retryable=False,
            )
        self._dimensions = vectors.shape[-1]
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)

    def _cleaned(self, text: str) -> str:
        """Servers refuse an empty text, and one that is too long for their model."""
        return text.encode("utf-8", "replace").decode()[: self._window_chars].strip() or "-"


def model_of(name: str, address: str) -> str | None:
    """The model in an embedder's name, where that is one of the server at this address."""
    model, at, there = name.rpartition(_AT)
    return model if at and there == address else None


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start, chars = 0, 0
    for at, text in enumerate(texts):
        if at > start and (at - start == MOST_TEXTS or chars + len(text) > MOST_CHARS):
            yield texts[start:at]
            start, chars = at, 0
        chars += len(text)
    if start < len(texts):
        yield texts[start:]
