"""`/embeddings` of the model's server: texts in, vectors as the server made them."""

import asyncio
import binascii
from collections.abc import Sequence

import aiohttp
import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelBroken, ModelRefusedRequest, ModelUnknown, ModelUnreachable
from .tries import NotReached, Patience
from .upstream import REACH, Upstream, read_bounded, read_refusal

PASSAGES = Patience(pauses_s=(0.5, 1, 2, 4, 8), longest_retry_after_s=60)
"""Nobody waits for a file as they do for an answer: a limit that is over in a minute is waited for."""
PASSAGES_TIMEOUT_S = 120.0
QUESTION = Patience(pauses_s=(0.25,), longest_retry_after_s=1)
QUESTION_TIMEOUT_S = 10.0
"""After it the words alone have to do."""

_MAX_BODY_BYTES = 50_000_000
_NO_SUCH_STATUSES = {404, 405, 501}


class _Embedding(msgspec.Struct):
    embedding: str | list[float]
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Embedding]


_decode = msgspec.json.Decoder(_Answer).decode


class EmbeddingsClient:
    """Every call raises ModelError when the server is away, refuses, or answers something else."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        model: str,
        *,
        connect_timeout_s: float,
        passages: Patience = PASSAGES,
        question: Patience = QUESTION,
        question_timeout_s: float = QUESTION_TIMEOUT_S,
    ) -> None:
        """`base_url` is the part before /embeddings. Raises ConfigError when it is no http(s) address."""
        self._upstream = Upstream(base_url, api_key, connect_timeout_s=connect_timeout_s)
        self.address = self._upstream.address
        self.model = model
        self._passages = passages
        self._question = question
        self._question_timeout_s = question_timeout_s
        self._closed = False

    async def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row for each text, in order, of whatever length. Asked again for a while."""
        return await self._vectors(texts, self._passages, PASSAGES_TIMEOUT_S)

    async def question(self, text: str) -> NDArray[np.float32]:
        """One vector; given up soon."""
        vectors = await self._vectors([text], self._question, self._question_timeout_s)
        return np.asarray(vectors[0], np.float32)

    async def close(self) -> None:
        """Close every connection. What is under way fails, and is not asked again."""
        self._closed = True
        await self._upstream.close()

    async def _vectors(self, texts: Sequence[str], patience: Patience, timeout_s: float) -> NDArray[np.float32]:
        # As OpenAI's SDKs ask: a third of the bytes. Servers that do not know it answer with numbers, which are read too.
        body = msgspec.json.encode({"model": self.model, "input": list(texts), "encoding_format": "base64"})
        answer = await patience.ask(lambda: self._ask(body, timeout_s), self.address)
        try:
            found = sorted(_decode(answer).data, key=lambda one: one.index or 0)
            made = np.stack([_numbers(one.embedding) for one in found])
        except (ValueError, RecursionError):
            raise ModelBroken(self._strange("no vectors")) from None
        if len(made) != len(texts) or made.shape[1] == 0 or not np.isfinite(made).all():
            raise ModelBroken(self._strange("vectors that are not those of the texts"))
        return made

    async def _ask(self, body: bytes, timeout_s: float) -> bytes:
        if self._closed:
            text = "The server is stopping and asks for no more vectors."
            raise NotReached(ModelUnreachable(text), "the server is stopping", again=False)
        response = None
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._upstream.send("POST", "embeddings", body=body, headers={"Accept": "application/json"})
                if not 200 <= response.status < 300:
                    raise self._refused(response, await read_refusal(response))
                return await read_bounded(response, _MAX_BODY_BYTES)
        except TimeoutError:
            text = f"The model's server at {self.address} did not embed the text within {timeout_s:g} seconds. {REACH}"
            raise NotReached(ModelUnreachable(text), "no vectors came in time", again=False) from None
        except (aiohttp.ClientError, OSError):
            text = f"The model's server at {self.address} broke off its answer with vectors. {REACH}"
            raise NotReached(ModelUnreachable(text), "the vectors were cut", again=True) from None
        finally:
            if response is not None:
                response.close()

    def _refused(self, response: aiohttp.ClientResponse, body: bytes) -> NotReached:
        refused = self._upstream.refused(response, body, model=self.model)
        if isinstance(refused.error, ModelUnknown):
            name = self._upstream.wording.clean(self.model)
            text = (
                f"The model's server has no embedding model '{name}'. Set EMBEDDING_MODEL to one that it has, or to nothing for "
                "the model that comes along."
            )
            return NotReached(ModelUnknown(text), refused.reason, again=False)
        if response.status in _NO_SUCH_STATUSES:
            text = "The model's server has no /embeddings. Set EMBEDDING_MODEL to nothing, or check OPENAI_BASE_URL."
            return NotReached(ModelRefusedRequest(text), refused.reason, again=False)
        return refused

    def _strange(self, what: str) -> str:
        return f"The model's server at {self.address} answered /embeddings with {what}. Check EMBEDDING_MODEL."


def _numbers(embedding: str | list[float]) -> NDArray[np.float32]:
    if isinstance(embedding, list):
        return np.array(embedding, np.float32)
    return np.frombuffer(binascii.a2b_base64(embedding), "<f4").astype(np.float32)
