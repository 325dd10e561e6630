"""A process that writes blobs until it is killed: `python -m tests.contracts.writing_blobs_child BACKEND PLACE`.

It prints `begun ID` before it begins, and `done ID` when, and only when, the bytes were answered for.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from tests.contracts.blob_backends import BLOB_BACKENDS
from underpin.ids import new_id

MOST = 10_000
REPEATED = 100_000


async def pieces(blob_id: str) -> AsyncIterator[bytes]:
    for _ in range(100):
        yield blob_id.encode() * (REPEATED // 100)


async def main(backend: str, place: str) -> None:
    blobs = BLOB_BACKENDS[backend](place).blobs()
    await blobs.open()
    for _ in range(MOST):
        blob_id = new_id("file-")
        print("begun", blob_id, flush=True)
        assert await blobs.write(blob_id, pieces(blob_id)) == len(blob_id) * REPEATED
        print("done", blob_id, flush=True)


asyncio.run(main(sys.argv[1], sys.argv[2]))
