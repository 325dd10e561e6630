"""The Parser that the server uses: a few child processes, each reading one file after another, and replaced when it fails."""

import asyncio
import logging
from pathlib import Path

from . import wire
from .base import Parsed, Unparsable
from .child_process import ChildProcess, Died
from .limits import Limits, too_slow

logger = logging.getLogger("underpin.parsing")

_TRIES = 2


class ChildParser:
    """Reads at most `processes` files at once; more wait their turn, in order. Children start when they are first needed."""

    def __init__(self, limits: Limits, *, processes: int = 2, files_per_child: int = 200) -> None:
        self._limits = limits
        self._files_per_child = files_per_child
        self._processes = processes
        self._free = asyncio.Semaphore(processes)
        self._idle: list[ChildProcess] = []
        self._busy: set[ChildProcess] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False

    async def parse(self, path: Path, filename: str) -> Parsed:
        async with self._free:
            for _ in range(_TRIES):
                try:
                    return await self._parse_once(path, filename)
                except Died as death:
                    if self._closed:
                        raise _closed() from None
                    if death.by_the_file:
                        raise _crashed() from None
                    # Someone killed it, or the kernel did when memory ran out: that need not be this file's fault.
                    logger.warning("A process that reads files ended unasked: %s.", death)
            raise _gone()

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*self._starting, return_exceptions=True)
        idle, self._idle = self._idle, []
        for child in (*idle, *self._busy):
            child.kill()
        for child in idle:
            await child.ended()
        # Whoever was reading, or waiting for its turn, is told; each of them ends its own child.
        for _ in range(self._processes):
            await self._free.acquire()
        for _ in range(self._processes):
            self._free.release()

    @property
    def process_ids(self) -> list[int]:
        """The children that live now, for those who watch memory."""
        return [child.pid for child in (*self._idle, *self._busy)]

    async def _parse_once(self, path: Path, filename: str) -> Parsed:
        if self._closed:
            raise _closed()
        while not self._idle:
            await self._start_one()
            if self._closed:
                raise _closed()
        child = self._idle.pop()
        self._busy.add(child)
        reusable = False
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                reply, text = await child.ask(path, filename)
            reusable = not reply.spent and child.files < self._files_per_child
        except TimeoutError:
            raise too_slow(self._limits) from None
        except wire.Garbled:
            logger.warning("A process that reads files sent what is no reply; it was ended.")
            raise _crashed() from None
        finally:
            self._busy.discard(child)
            if reusable and not self._closed:
                self._idle.append(child)
            else:
                child.kill()
                await child.ended()
        if isinstance(reply, wire.Refusal):
            if reply.fault:
                logger.warning("A parser failed on a file: %s.", reply.fault)
            raise Unparsable(reply.code, reply.message)
        return Parsed(text, reply.pages)

    async def _start_one(self) -> None:
        """Whoever waits for it may be cancelled, the start may not: asyncio loses a process whose start is interrupted, and waits
        for it for ever (CPython 3.11). One that nobody waits for any more is there for the next file."""
        starting = asyncio.create_task(self._start(), name="starting a process that reads files")
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        try:
            await asyncio.shield(starting)
        except (OSError, TimeoutError, Died) as error:
            logger.error("The process that reads files does not start: %s.", error or type(error).__name__)
            raise _not_started() from error

    async def _start(self) -> None:
        child = await ChildProcess.start(self._limits)
        if self._closed or len(self._idle) + len(self._busy) >= self._processes:
            child.kill()
            await child.ended()
        else:
            self._idle.append(child)


# Made anew each time: an error that is raised again keeps the frames of every time before.


def _closed() -> Unparsable:
    return Unparsable("server_error", "The server is stopping. Upload the file again when it is back.")


def _crashed() -> Unparsable:
    return Unparsable(
        "invalid_file",
        "This file made the program that reads it crash: it is damaged, or needs more memory than is allowed. Open it in the "
        "program that made it, save it again and upload that.",
    )


def _gone() -> Unparsable:
    return Unparsable("server_error", "The process that reads files was ended from outside, twice. Try again later.")


def _not_started() -> Unparsable:
    return Unparsable("server_error", "The process that reads files does not start; the server's log says why. Try again later.")
