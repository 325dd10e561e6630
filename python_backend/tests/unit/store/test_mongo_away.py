"""MongoDB goes away and comes back: a sentence meanwhile, nothing acknowledged is lost, and it heals by itself within 10 s."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.contracts.stored_things import ANN, chunk, message, run, thread
from tests.mongo_servers.processes import MongoProcess
from tests.mongo_servers.tcp_proxy import TcpProxy
from underpin.errors import AlreadyExists, StoreUnavailable
from underpin.objects.message import Message
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.store.base import Inc, JournalWrite
from underpin.store.mongo import MongoStore
from underpin.store.mongo_address import Timeouts
from underpin.store.mongo_conversations import MongoConversations

HEALS_WITHIN_S = 10.0
QUICK = Timeouts(answer_s=0.5, socket_s=0.5)


@pytest_asyncio.fixture
async def proxy(mongo_database: str) -> AsyncIterator[TcpProxy]:
    port = urlsplit(mongo_database).port
    assert port is not None
    async with TcpProxy(port) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def store(proxy: TcpProxy, mongo_database: str) -> AsyncIterator[MongoStore]:
    """A quick one, that reached the server once."""
    store = MongoStore(through(proxy, mongo_database), timeouts=QUICK, retry_s=0.1)
    await store.open()
    await store.ping()
    yield store
    proxy.let_go()
    await store.close()


def through(proxy: TcpProxy, database: str) -> str:
    parts = urlsplit(database)
    return parts._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()


async def healed_s(store: MongoStore) -> float:
    """How long it takes until the store answers."""
    began = time.monotonic()
    while True:
        try:
            await store.ping()
            return time.monotonic() - began
        except StoreUnavailable:
            assert time.monotonic() - began < 4 * HEALS_WITHIN_S
            await asyncio.sleep(0.05)


async def test_a_database_that_is_away_at_start_is_found_when_it_comes(proxy: TcpProxy, mongo_database: str) -> None:
    """With the times that the product has."""
    await proxy.go()
    store = MongoStore(through(proxy, mongo_database))
    conversations = MongoConversations(store)
    began = time.monotonic()
    await store.open()
    assert time.monotonic() - began < HEALS_WITHIN_S
    for call in (store.ping(), store.add(thread()), store.next_seq("ann"), conversations.page("ann")):
        with pytest.raises(StoreUnavailable, match=f"^MongoDB at 127.0.0.1:{proxy.port} refuses connections") as why:
            await call
        assert why.value.retry_after_s
    with pytest.raises(StoreUnavailable):
        store.now()
    await proxy.come()
    assert await healed_s(store) < HEALS_WITHIN_S
    await store.add(thread())
    assert store.now() > 1_700_000_000
    await store.close()


async def test_a_database_that_goes_and_comes_back(store: MongoStore, proxy: TcpProxy) -> None:
    await store.add(thread(last_seq=1))
    await proxy.go()
    before = store.now()
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match=f"^MongoDB at 127.0.0.1:{proxy.port} "):
            await store.update(Thread, "thread_t", {"last_seq": Inc()}, scope=ANN)
        with pytest.raises(StoreUnavailable):
            await store.ping()
    assert store.now() >= before
    await proxy.come()
    assert await healed_s(store) < HEALS_WITHIN_S
    assert (await store.get(Thread, "thread_t", scope=ANN)).last_seq == 1
    assert (await store.update(Thread, "thread_t", {"last_seq": Inc()}, scope=ANN)).last_seq == 2


async def test_connections_that_were_cut_are_opened_anew(store: MongoStore, proxy: TcpProxy) -> None:
    for number in range(10):
        await proxy.go()
        await proxy.come()
        await healed_s(store)
        await store.add(thread(str(number)))


async def test_a_network_that_holds_everything_is_waited_for_no_longer_than_it_may(store: MongoStore, proxy: TcpProxy) -> None:
    proxy.hold()
    began = time.monotonic()
    calls = [store.add(thread(str(number))) for number in range(20)] + [store.next_seq("ann") for _ in range(20)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, StoreUnavailable) for result in results)
    assert time.monotonic() - began < 4 * (QUICK.answer_s + 3 * QUICK.socket_s)
    proxy.let_go()
    await healed_s(store)
    assert await store.next_seq("bob") == 1


async def test_a_write_without_an_answer_may_be_repeated(store: MongoStore, proxy: TcpProxy) -> None:
    """It may have happened or not; once more, it has happened once."""
    await store.add(run(claim="c"))
    flush = JournalWrite("run_r", chunk("run_r", 3), {"journal_last": 3}, {"claim": "c"})
    proxy.hold()
    for call in (store.add(message(seq=1)), store.write_journal([flush])):
        with pytest.raises(StoreUnavailable):
            await call
    proxy.let_go()
    await healed_s(store)
    assert await store.write_journal([flush]) == [True]
    with suppress(AlreadyExists):
        await store.add(message(seq=1))
    assert [one.id for one in (await store.page(Message, "thread_t", scope=ANN)).data] == ["msg_m"]
    assert (await store.get(Run, "run_r", scope=ANN)).journal_last == 3


async def test_closing_while_nothing_answers_ends(proxy: TcpProxy, mongo_database: str) -> None:
    store = MongoStore(through(proxy, mongo_database), timeouts=Timeouts(answer_s=0.5, socket_s=60, close_s=0.5))
    await store.open()
    proxy.hold()
    waiting = asyncio.gather(*(store.add(thread(str(number))) for number in range(10)), return_exceptions=True)
    await asyncio.sleep(0)
    began = time.monotonic()
    await store.close()
    assert time.monotonic() - began < 4 * (0.5 + 0.5)
    results = await waiting
    assert {str(result) for result in results} == {"The store is closed."}
    assert all(isinstance(result, StoreUnavailable) for result in results)


async def test_a_call_that_fails_when_nobody_waits_any_more_is_no_error(
    store: MongoStore, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        asking = asyncio.create_task(store.get(Thread, "thread_none", scope=ANN))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    await store.ping()
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_what_a_killed_server_answered_is_there_when_it_is_back(mongo_process: MongoProcess) -> None:
    store = MongoStore(mongo_process.uri("kept"), timeouts=QUICK, retry_s=0.1)
    await store.open()
    answered: list[int] = []

    async def write() -> None:
        for number in range(100_000):
            await store.add(message(str(number), seq=number + 1))
            answered.append(number)
            if number == 50:
                await asyncio.to_thread(mongo_process.kill)

    with pytest.raises(StoreUnavailable):
        await write()
    assert len(answered) > 50
    await asyncio.to_thread(mongo_process.start)
    await healed_s(store)
    for number in answered:
        assert (await store.get(Message, f"msg_{number}", scope=ANN)).seq == number + 1
    await store.close()
