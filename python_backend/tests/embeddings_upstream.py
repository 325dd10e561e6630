"""A model's server with /embeddings, on 127.0.0.1 and a free port: its vectors count a text's words, by their hash.

async with Embeddings() as upstream:
    upstream.refuse_next(Status(429, headers={"Retry-After": "1"}))  # before it answers again
    ...  # something asks upstream.base_url for vectors of the model "words"
"""

import base64
import zlib
from typing import Any

import numpy as np

from tests.faults.upstream import Behaviour, Request, Status, Upstream

MODEL = "words"
DIMENSIONS = 48


class Embeddings(Upstream):
    """Refuses as OpenAI does: an empty text, an unknown model, more than 64 texts. `as_numbers`: it knows no base64."""

    def __init__(self, *, as_numbers: bool = False, dimensions: int = DIMENSIONS) -> None:
        super().__init__()
        self.as_numbers = as_numbers
        self.dimensions = dimensions
        self.refusals: list[Behaviour] = []

    def refuse_next(self, *behaviours: Behaviour) -> None:
        self.refusals += behaviours

    def choose(self, request: Request) -> Behaviour:
        if request.path != f"{self.root}/embeddings":
            return super().choose(request)
        self.requests.append(request)
        self._questions.release()
        return self.refusals.pop(0) if self.refusals else self.answer(request.json)

    def answer(self, asked: dict[str, Any]) -> Status:
        texts = asked["input"]
        if asked["model"] != MODEL:
            said = f"The model `{asked['model']}` does not exist or you do not have access to it."
            return Status(404, {"error": {"message": said, "type": "invalid_request_error", "code": "model_not_found"}})
        if not 0 < len(texts) <= 64 or not all(texts):
            return Status(400, {"error": {"message": "'$.input' is invalid.", "type": "invalid_request_error"}})
        data = [
            {"object": "embedding", "index": at, "embedding": self._written(vector_of(text, self.dimensions))}
            for at, text in enumerate(texts)
        ]
        # The order is not promised; `index` tells it.
        return Status(
            200, {"object": "list", "model": MODEL, "data": data[::-1], "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        )

    def _written(self, vector: np.ndarray) -> str | list[float]:
        return vector.tolist() if self.as_numbers else base64.b64encode(vector.astype("<f4").tobytes()).decode()


def vector_of(text: str, dimensions: int = DIMENSIONS) -> np.ndarray:
    """Not of unit length: not every server's are."""
    vector = np.full(dimensions, 0.1, np.float32)
    for word in text.lower().split():
        vector[zlib.crc32(word.encode("utf-8", "replace")) % dimensions] += 1
    return vector
