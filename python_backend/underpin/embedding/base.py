"""The Embedder seam: texts in, vectors of one space out.

Vectors are of unit length, so that their dot product is their cosine. Those of embedders with
different names are never compared.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Nothing here blocks the event loop. Safe to use from several tasks at once."""

    @property
    def name(self) -> str:
        """Names the space: model and version, and the server for an upstream. Stored beside vectors; fit for a file name's part
        only after escaping."""

    @property
    def dimensions(self) -> int:
        """Numbers in a vector. An upstream's is 0 until its first answer; it never changes after that."""

    @property
    def window_chars(self) -> int:
        """A text longer than about this loses its end: whoever calls cuts it into windows first."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Passages, in their order: (len(texts), dimensions). Any number of them, none included; a text may be empty.

        Raises EmbeddingFailed, whose `retryable` says whether the same call may work later (`retry_after_s`: when, if known).
        """

    async def embed_query(self, text: str) -> Vectors:
        """A question: (dimensions,). Raises EmbeddingFailed."""

    async def close(self) -> None:
        """Let go of what is held. Calls under way may fail."""
