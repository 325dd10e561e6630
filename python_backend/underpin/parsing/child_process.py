"""One child process as its parent sees it: start, ask, kill. What it says is bounded, and looked at before it is believed."""

import asyncio
import codecs
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from . import wire
from .limits import Limits

_ROOT = Path(__file__).resolve().parents[2]
_START_S = 60.0
_END_S = 10.0
_PIECE = 65_536
# The signals with which a process ends by its own doing or by a limit of the kernel's.
_BY_THE_FILE = {
    getattr(signal, name, None) for name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGXCPU", "SIGSYS")
}
_IN_BACKGROUND = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


class Died(Exception):
    """The child ended before it replied. `by_the_file`: what it was reading made it."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"exit code {code}")
        self.by_the_file = code is not None and -code in {int(number) for number in _BY_THE_FILE if number}


class ChildProcess:
    """Used by one task at a time. Whoever was interrupted while asking has to kill it."""

    def __init__(self, process: asyncio.subprocess.Process, limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self.files = 0

    @classmethod
    async def start(cls, limits: Limits) -> Self:
        """A child that is ready. Raises OSError, Died or TimeoutError when it does not come up."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-s", "-P", "-B", "-m", "underpin.parsing.child",
            json.dumps(limits.as_numbers()), str(os.getpid()),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            # All that it knows: where our code is. No key, no address, no home.
            env={"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1"},
            cwd=_ROOT.anchor,
            limit=wire.LONGEST_LINE,
            # Away from the terminal's signals: it ends when the parent says so or is gone.
            start_new_session=sys.platform != "win32",
            creationflags=_IN_BACKGROUND,
        )  # fmt: skip
        child = cls(process, limits)
        try:
            async with asyncio.timeout(_START_S):
                if await child._line() != wire.READY:
                    raise Died(process.returncode)
        except BaseException:
            child.kill()
            await child.ended()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, path: Path, filename: str) -> tuple[wire.Text | wire.Refusal, str]:
        """The reply for a file and its text. Raises Died, and Garbled for what is no reply; has no deadline of its own."""
        self.files += 1
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(wire.encode_request(path, filename))
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise Died(await self._exit_code()) from None
        reply = wire.decode_reply(await self._line(), self._limits.text_bytes)
        return reply, await self._text(reply) if isinstance(reply, wire.Text) else ""

    def kill(self) -> None:
        if self._process.returncode is None:
            try:
                self._process.kill()
            except ProcessLookupError:
                return  # it ended by itself just now

    async def ended(self) -> None:
        """Until it is gone and its pipes are closed; call `kill` before. What it still says is thrown away."""
        async with asyncio.timeout(_END_S):
            await self._process.communicate()

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        try:
            line = await self._process.stdout.readline()
        except ValueError as error:
            raise wire.Garbled from error
        if not line.endswith(b"\n"):
            raise Died(await self._exit_code())
        return line

    async def _text(self, head: wire.Text) -> str:
        """A piece at a time, so that the loop turns in between."""
        assert self._process.stdout is not None
        decoder = codecs.getincrementaldecoder("utf-8")()
        pieces: list[str] = []
        left = head.size
        try:
            while left:
                piece = await self._process.stdout.read(min(left, _PIECE))
                if not piece:
                    raise Died(await self._exit_code())
                left -= len(piece)
                pieces.append(decoder.decode(piece, final=not left))
                await asyncio.sleep(0)
        except UnicodeDecodeError as error:
            raise wire.Garbled from error
        text = "".join(pieces)
        if "\0" in text or (head.pages and head.pages[-1] > len(text)):
            raise wire.Garbled
        return text

    async def _exit_code(self) -> int | None:
        """Of a child whose pipe has ended: it is about to end, or is made to."""
        try:
            async with asyncio.timeout(_END_S):
                return await self._process.wait()
        except TimeoutError:
            return None
