"""Opening MONGODB_URI: a clear line for each that cannot work, a server that is away is waited for, the secret is in no text."""

import asyncio
import gc
import logging
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.unreachable import black_hole
from tests.mongo_servers.scripted import Answer, ScriptedMongo, failing
from underpin.errors import ConfigError, StoreUnavailable
from underpin.objects.thread import Thread
from underpin.store.base import EVERYONE
from underpin.store.mongo import MongoStore
from underpin.store.mongo_address import Timeouts

SECRET = "geheim-7f3a"
QUICK = Timeouts(answer_s=0.5, socket_s=1.0)


def store_at(uri: str) -> MongoStore:
    return MongoStore(uri, timeouts=QUICK, retry_s=0.05)


async def refusal(uri: str, caplog: pytest.LogCaptureFixture) -> str:
    """What a person is told who starts with this URI."""
    store = store_at(uri)
    with pytest.raises(ConfigError) as refused:
        await store.open()
    await store.close()
    text = refused.value.message
    assert "\n" not in text
    assert SECRET not in text + caplog.text
    return text


@asynccontextmanager
async def away(uri: str) -> AsyncIterator[tuple[MongoStore, str]]:
    """A store that opened although nothing answers there, and why it says that it cannot be used."""
    store = store_at(uri)
    await store.open()
    try:
        with pytest.raises(StoreUnavailable) as why:
            await store.ping()
        assert why.value.retry_after_s is not None
        yield store, why.value.message
    finally:
        await store.close()


@pytest.fixture
def driver_forgets_sockets() -> Iterator[None]:
    """The driver does not close the socket of a connection that did not come about; it goes with the garbage, and says so."""
    yield
    gc.collect()


FORGOTTEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


# What the URI is


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("http://db.example/x", "it is not an address of MongoDB"),
        ("mongodb://", "it is not an address of MongoDB"),
        ("", "it is not an address of MongoDB"),
        (f"mongodb://ann:{SECRET}@ss@db.example/x", "must be percent-encoded"),
        (f"mongodb://ann:{SECRET}%zz@db.example/x", "must be percent-encoded"),
        (f"mongodb://ann:{SECRET}@db.example:99999/x", "its port is not a number from 1 to 65535"),
        (f"mongodb://ann:{SECRET}/1@db.example/x", "percent-encoded"),
        (f'mongodb://ann:{SECRET}@db.example/a b"c', "it is not an address of MongoDB"),
        (f"mongodb://ann:{SECRET}@db.example/x?tls=true&ssl=false", "MONGODB_URI cannot be used"),
        (f"mongodb://ann:{SECRET}@db.example/x?tls=true&tlsCAFile=/no/such/{SECRET}", "certificate file that cannot be read"),
        (f"mongodb+srv://ann:{SECRET}@127.0.0.1/x", "mongodb+srv:// goes with a name of the DNS"),
        (f"mongodb+srv://ann:{SECRET}@one.example,two.example/x", "it is not an address of MongoDB"),
    ],
)
async def test_a_uri_that_cannot_be_used_is_one_line(caplog: pytest.LogCaptureFixture, uri: str, why: str) -> None:
    assert why in await refusal(uri, caplog)


async def test_options_that_nobody_knows_do_not_stop_anything(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedMongo() as server:
        store = store_at(f"mongodb://127.0.0.1:{server.port}/x?unheardOf={SECRET}&maxPoolSize={SECRET}")
        await store.open()
        await store.ping()
        await store.close()
    assert "values cannot be used: unheardof, maxpoolsize" in caplog.text
    assert SECRET not in caplog.text


# A server that answers, and refuses


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"saslstart": failing(18, f"Authentication failed for {SECRET}")}, "does not accept the user or the password"),
        ({"saslstart": failing(8000, f"bad auth : {SECRET}")}, "does not accept the user or the password"),
        ({"listindexes": failing(13, f"not authorized {SECRET}")}, "does not let the user of MONGODB_URI read and write"),
        ({"createindexes": failing(13, f"not authorized {SECRET}")}, "Give it the role readWrite there"),
    ],
)
async def test_a_refusal_of_the_server_is_one_line(
    caplog: pytest.LogCaptureFixture, answers: dict[str, Answer], why: str
) -> None:
    async with ScriptedMongo(answers) as server:
        user = f"ann:{SECRET}@" if "saslstart" in answers else ""
        text = await refusal(f"mongodb://{user}127.0.0.1:{server.port}/soil", caplog)
        assert why in text
        assert text.startswith(f"MongoDB at 127.0.0.1:{server.port} ")
        assert "It is tried again" not in caplog.text


async def test_a_server_that_is_too_old_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    server = ScriptedMongo()
    server.answers = dict.fromkeys(("hello", "ismaster"), lambda command: {**server.hello(command), "maxWireVersion": 6})
    async with server:
        assert "is too old: MongoDB 4.4 or newer" in await refusal(f"mongodb://127.0.0.1:{server.port}/x", caplog)


async def test_a_server_that_knows_hello_by_its_former_name_is_good_enough() -> None:
    async with ScriptedMongo({"hello": failing(59, "no such command: 'hello'")}) as server:
        store = store_at(f"mongodb://127.0.0.1:{server.port}/x")
        await store.open()
        await store.ping()
        assert store.now() > 1_700_000_000
        await store.close()


async def test_a_server_that_does_not_tell_its_time_is_none_for_us() -> None:
    server = ScriptedMongo()
    server.answers["hello"] = lambda command: {**server.hello(command), "localTime": None}
    async with server, away(f"mongodb://127.0.0.1:{server.port}/x") as (_, why):
        assert "does not tell its time" in why


async def test_any_other_refusal_is_told_by_its_number() -> None:
    answers = {"createindexes": failing(8, SECRET)}
    async with ScriptedMongo(answers) as server, away(f"mongodb://127.0.0.1:{server.port}/x") as (_, why):
        assert why == f"MongoDB at 127.0.0.1:{server.port} refused an operation (its error 8)."


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody signed, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not on the PATH: no certificate can be made")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    subprocess.run(made, check=True, capture_output=True, timeout=60)
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


def speaking(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@FORGOTTEN
@pytest.mark.usefixtures("driver_forgets_sockets")
async def test_a_certificate_that_nobody_knows_is_one_line(certificate: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedMongo(tls=speaking(certificate)) as server:
        text = await refusal(f"mongodb://127.0.0.1:{server.port}/x?tls=true", caplog)
    assert "has a TLS certificate that is not trusted here" in text


async def test_a_certificate_of_a_known_authority_is_good(certificate: Path) -> None:
    async with ScriptedMongo(tls=speaking(certificate)) as server:
        store = store_at(f"mongodb://127.0.0.1:{server.port}/x?tls=true&tlsCAFile={certificate}")
        await store.open()
        await store.ping()
        await store.close()


async def test_a_server_that_asks_for_tls_says_so(certificate: Path) -> None:
    async with ScriptedMongo(tls=speaking(certificate)) as server, away(f"mongodb://127.0.0.1:{server.port}/x") as (_, why):
        assert "it may ask for TLS (tls=true in MONGODB_URI)" in why


async def test_a_server_that_speaks_no_tls_says_so() -> None:
    async with ScriptedMongo() as server, away(f"mongodb://127.0.0.1:{server.port}/x?tls=true") as (_, why):
        assert "TLS" in why


# A server that is away


async def test_a_port_where_nothing_listens(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedMongo() as gone:
        pass
    async with away(f"mongodb://ann:{SECRET}@127.0.0.1:{gone.port}/x") as (store, why):
        assert why == f"MongoDB at 127.0.0.1:{gone.port} refuses connections: look whether it runs, and at the port."
        with pytest.raises(StoreUnavailable, match="refuses connections"):
            await store.get(Thread, "thread_t", scope=EVERYONE)
        with pytest.raises(StoreUnavailable):
            store.now()
    assert SECRET not in caplog.text
    assert caplog.text.count("It is tried again") == 1


async def test_a_host_that_nobody_knows() -> None:
    async with away(f"mongodb://ann:{SECRET}@no-such-host.invalid/x") as (_, why):
        assert why == "MongoDB at no-such-host.invalid:27017 is not found: no address is known for that host name."


@FORGOTTEN
@pytest.mark.usefixtures("driver_forgets_sockets")
async def test_a_host_that_never_takes_a_connection() -> None:
    with black_hole() as hole:
        async with away(f"mongodb://{hole.host}/x") as (_, why):
            assert why == f"MongoDB at {hole.host} does not answer."


async def test_a_set_that_the_server_is_no_member_of() -> None:
    async with ScriptedMongo() as server, away(f"mongodb://127.0.0.1:{server.port}/x?replicaSet=rs0") as (_, why):
        assert "has no member of the replica set that MONGODB_URI names" in why


@pytest.mark.parametrize("spoil", [False, True])
async def test_a_server_that_comes_later_is_found(spoil: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "underpin.store")
    server = ScriptedMongo()
    async with server:
        pass
    async with away(f"mongodb://127.0.0.1:{server.port}/x") as (store, _):
        if spoil:  # its first words are a refusal, and then somebody mends it
            server.answers["listindexes"] = failing(13)
        async with server:
            if spoil:
                await until(lambda: "does not let the user" in caplog.text)
                with pytest.raises(StoreUnavailable, match="readWrite"):
                    await store.ping()
                server.answers.clear()
            await until(lambda: "Connected to MongoDB" in caplog.text)
            await store.ping()
            assert store.now() > 1_700_000_000


async def test_closing_ends_the_waiting() -> None:
    async with ScriptedMongo() as gone:
        pass
    store = store_at(f"mongodb://127.0.0.1:{gone.port}/x")
    await store.open()
    await store.close()
    with pytest.raises(StoreUnavailable, match=r"^The store is closed\.$"):
        await store.ping()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 (a log line is no event)
            await asyncio.sleep(0.01)
