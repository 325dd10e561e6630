import asyncio
import socket
import time

import pytest

from underpin.models.silence import Silence


class Broken(asyncio.Event):
    """Set by the silence."""

    async def within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self.wait(), seconds)
        except TimeoutError:
            return False
        return True


@pytest.fixture
async def broken() -> Broken:
    return Broken()


async def test_a_read_that_waits_longer_than_the_limit_is_broken_once(broken):
    silence = Silence(broken.set)
    silence.limit(0.05)
    silence.reading()
    begin = time.monotonic()
    assert await broken.within(5)
    assert time.monotonic() - begin >= 0.05
    assert silence.broken_after_s == 0.05


async def test_reads_that_bring_something_in_time_are_not(broken):
    silence = Silence(broken.set)
    silence.limit(0.2)
    for _ in range(20):
        silence.reading()
        await asyncio.sleep(0.02)
        silence.heard()
    assert not broken.is_set()
    silence.stop()


async def test_time_in_which_nobody_reads_does_not_count(broken):
    silence = Silence(broken.set)
    silence.limit(0.05)
    assert not await broken.within(0.3)
    silence.reading()
    assert await broken.within(5)


async def test_a_new_limit_counts_from_now_and_stop_ends_it(broken):
    silence = Silence(broken.set)
    silence.limit(60)
    silence.limit(0.05)
    silence.reading()
    assert await broken.within(5)
    broken.clear()
    silence.limit(0.05)
    silence.stop()
    assert not await broken.within(0.3)


async def test_a_stall_of_the_process_is_not_the_servers_silence(broken):
    silence = Silence(broken.set)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        loop = asyncio.get_running_loop()
        silence.limit(0.05)
        silence.reading()
        read = loop.create_task(loop.sock_recv(ours, 10))
        read.add_done_callback(lambda _: silence.heard())
        await asyncio.sleep(0)
        theirs.send(b"token")
        time.sleep(0.3)  # noqa: ASYNC251 -- the stall
        assert not await broken.within(0.3)
        assert await read == b"token"
    silence.stop()
