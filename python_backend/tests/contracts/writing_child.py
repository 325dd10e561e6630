"""A process that writes until it is killed: `python -m tests.contracts.writing_child BACKEND PLACE`.

It prints a number when, and only when, the store has answered both writes of that number.
"""

import asyncio
import sys

from tests.contracts.backends import BACKENDS
from tests.contracts.stored_things import chunk, message, run
from underpin.store.base import JournalWrite

MOST = 100_000


async def main(backend: str, place: str) -> None:
    store = BACKENDS[backend](place).store()
    await store.open()
    await store.add(run(claim="c"))
    for number in range(MOST):
        await store.add(message(str(number), seq=number + 1))
        write = JournalWrite("run_r", chunk("run_r", number + 1, "x" * 500), {"journal_last": number + 1}, {"claim": "c"})
        assert await store.write_journal([write]) == [True]
        print(number, flush=True)


asyncio.run(main(sys.argv[1], sys.argv[2]))
