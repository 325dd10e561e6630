"""A question's vector, by the embedder of the vectors that are searched; made once for all stores that are asked."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Set

from ..embedding.base import Embedder, Vectors
from ..errors import EmbeddingFailed

logger = logging.getLogger("underpin.knowledge")

MOST_KEPT = 64


class QuestionVectors:
    """`embedders` gives the embedder of a name, None when it cannot be had any more."""

    def __init__(self, embedders: Callable[[str], Embedder | None]) -> None:
        self._embedders = embedders
        self._asked: OrderedDict[tuple[str, str], asyncio.Task[Vectors]] = OrderedDict()
        self._silent: set[str] = set()
        """Embedders of which the log knows that words alone are searched."""

    async def of(self, embedder: str | None, question: str, dimensions: Set[int]) -> Vectors | None:
        """The vector, if it has as many numbers as those of the documents. None where there are none, or the embedder does not
        answer: words alone are searched then, and the log says so once, until it answers again."""
        if embedder is None or not dimensions:
            return None
        found = self._embedders(embedder)
        if found is None:
            self._say_once(embedder, "it cannot be had with these settings.")
            return None
        task = self._task(found, embedder, question)
        try:
            vector = await asyncio.shield(task)
        except EmbeddingFailed as error:
            self._asked.pop((embedder, question), None)
            self._say_once(embedder, error.message)
            return None
        if dimensions != {len(vector)}:
            self._say_once(embedder, "its vectors have another length than those of the documents, so its model was changed.")
            return None
        self._silent.discard(embedder)
        return vector

    async def close(self) -> None:
        tasks = list(self._asked.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _task(self, found: Embedder, embedder: str, question: str) -> asyncio.Task[Vectors]:
        key = (embedder, question)
        task = self._asked.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._asked[key] = asyncio.create_task(found.embed_query(question), name="embed a question")
            task.add_done_callback(_seen)
        self._asked.move_to_end(key)
        while len(self._asked) > MOST_KEPT and next(iter(self._asked.values())).done():
            self._asked.popitem(last=False)
        return task

    def _say_once(self, embedder: str, reason: str) -> None:
        if embedder not in self._silent:
            self._silent.add(embedder)
            logger.warning("⚠️ Questions cannot be embedded by %s: %s Documents are searched by words alone.", embedder, reason)


def _seen(task: "asyncio.Task[Vectors]") -> None:
    """Whoever asked may have gone: then nobody else looks at why it failed."""
    if not task.cancelled():
        task.exception()
