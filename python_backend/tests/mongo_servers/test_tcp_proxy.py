"""The proxy of the tests itself: bytes go through whole, and each of its faults is what a client meets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from tests.mongo_servers.tcp_proxy import TcpProxy

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Connection]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends back what comes, and ends when it does."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[TcpProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with TcpProxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


@pytest_asyncio.fixture
async def connect(proxy: TcpProxy) -> AsyncIterator[Connect]:
    opened: list[asyncio.StreamWriter] = []

    async def connection() -> Connection:
        made = await asyncio.open_connection("127.0.0.1", proxy.port)
        opened.append(made[1])
        return made

    yield connection
    for writer in opened:
        writer.close()


async def read(reader: asyncio.StreamReader, size: int) -> bytes:
    async with asyncio.timeout(10):
        return await reader.readexactly(size)


async def test_bytes_come_back_whole_and_in_order(connect: Connect) -> None:
    sent = bytes(range(256)) * 20_000
    reader, writer = await connect()
    writer.write(sent)
    assert await read(reader, len(sent)) == sent


async def test_away_refuses_and_ends_what_is_open_and_is_back_on_the_same_port(proxy: TcpProxy, connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"one")
    await read(reader, 3)
    port = proxy.port
    await proxy.go()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await read(reader, 1)
    with pytest.raises(ConnectionError):
        await connect()
    await proxy.come()
    assert proxy.port == port
    reader, writer = await connect()
    writer.write(b"two")
    assert await read(reader, 3) == b"two"
    assert proxy.accepted == 2


async def test_a_cut_ends_what_is_open_and_takes_the_next(proxy: TcpProxy, connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"one")
    await read(reader, 3)
    await proxy.cut()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await read(reader, 1)
    reader, writer = await connect()
    writer.write(b"two")
    assert await read(reader, 3) == b"two"


async def test_what_is_held_comes_when_it_is_let_go(proxy: TcpProxy, connect: Connect) -> None:
    reader, writer = await connect()
    proxy.hold()
    writer.write(b"one")
    answer = asyncio.create_task(read(reader, 3))
    done, _ = await asyncio.wait([answer], timeout=0.2)
    assert not done
    proxy.let_go()
    assert await answer == b"one"


async def test_what_is_held_can_be_cut(proxy: TcpProxy, connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"one")
    await read(reader, 3)
    proxy.hold()
    writer.write(b"two")
    await proxy.go()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await read(reader, 3)


async def test_a_server_that_is_gone_ends_the_connection() -> None:
    nobody = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = nobody.sockets[0].getsockname()[1]
    nobody.close()
    async with TcpProxy(port) as lonely:
        reader, writer = await asyncio.open_connection("127.0.0.1", lonely.port)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await read(reader, 1)
        writer.close()
