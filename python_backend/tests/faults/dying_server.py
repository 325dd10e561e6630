"""The server's command, which kills itself behind a write: `python -m tests.faults.dying_server ENV_FILE MESSAGE WRITE`.

Writes are counted from the first one of that message, which has to come with an Idempotency-Key; 0 is before it. Each is
printed, so that a test knows how many there are.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import underpin.__main__ as command
from tests.faults.watched_store import Call, WatchedStore
from tests.serve import FromFile
from underpin import serve
from underpin.app import open_rooms
from underpin.store.base import Store


class Watcher:
    def __init__(self, message: int, last: int) -> None:
        self._message = message
        self._last = last
        self._count = 0

    async def __call__(self, call: Call, do: Callable[[], Awaitable[Any]]) -> Any:
        if call.verb == "add" and call.what == "idempotency_keys":
            self._message -= 1
        if self._message > 0 or not call.writes:
            return await do()
        self._count += 1
        if self._count > self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        print(f"write: {call.verb} {call.what}", flush=True)
        answer = await do()
        if self._count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def watched(watcher: Watcher, store: Store) -> Store:
    return WatchedStore(store, watcher)


if __name__ == "__main__":
    _, _, message, write, *arguments = sys.argv
    serve.open_rooms = partial(open_rooms, wrap_store=partial(watched, Watcher(int(message), int(write))))
    command.Settings = FromFile
    sys.exit(command.main(arguments))
