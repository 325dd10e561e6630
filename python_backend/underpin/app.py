"""Builds every room and wires them: the only file that knows all."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from .api.rooms import Rooms
from .api.server import build_api
from .api.web import Web
from .bookshelf import open_bookshelf
from .eventlog.journaled import JournaledLog
from .eventlog.thread_log import StoredThreadLog
from .files.arrival import Place
from .files.files import Files
from .files.sweep import FileSweep
from .files.uploads import Uploads
from .knowledge.attachments import Attachments
from .knowledge.file_batches import FileBatches
from .knowledge.library import Library
from .knowledge.passages import Passages
from .knowledge.standing import Standing
from .knowledge.standing_files import StandingFiles
from .knowledge.store_files import StoreFiles
from .knowledge.vector_stores import VectorStores
from .models.base import Model, Models
from .models.catalog import Catalog
from .models.chat_completions import ChatCompletions
from .models.extractive import Extractive
from .models.scripted import Scripted
from .models.tries import Patience
from .models.upstream_stores import StoresClient
from .reading import open_reading
from .runs.claims import Claims
from .runs.first_assistant import ensure_first_assistant, first_assistant_id
from .runs.room import Room
from .runs.runner import Runner, Times
from .runs.search_first import Searching
from .runs.searched import OwnAssistant
from .runs.sweep import Sweep
from .settings import BACKEND_DIR, OPENAI_BASE_URL, Settings
from .start import Start
from .storage import Storage, open_storage
from .store.base import Store
from .tools.file_search import FILE_SEARCH, FileSearch

EMBEDDED: dict[str, Callable[[], Model]] = {"extractive": Extractive, "scripted": Scripted}
"""Models that need no server of their own."""


WEB_FOLDERS = (Path(__file__).parent / "web", BACKEND_DIR.parent / "out")
"""Where the exported web app is: in an installed package, and in a checkout."""


def _as_it_is(store: Store) -> Store:
    return store


@asynccontextmanager
async def open_rooms(settings: Settings, *, wrap_store: Callable[[Store], Store] = _as_it_is) -> AsyncGenerator[Rooms, None]:
    """Every room, open and at work; closed in turn at the end. `wrap_store` puts something around the store: a fault, a count.

    Raises ConfigError with one clear line when a setting cannot work.
    """
    library = Library()
    await library.open()
    async with open_storage(settings) as storage, _rooms(settings, storage, wrap_store(storage.store), library) as rooms:
        yield rooms


@asynccontextmanager
async def _rooms(settings: Settings, storage: Storage, store: Store, library: Library) -> AsyncGenerator[Rooms, None]:
    models = build_models(settings)
    log = JournaledLog(
        store, flush_s=settings.journal_flush_s, lease_s=settings.run_lease_s, heartbeat_s=settings.run_heartbeat_s
    )
    thread_log = StoredThreadLog(store)
    claims = Claims(store, storage.worker, settings.run_lease_s)
    # A client may be silent for as long as the gap; then it is refused, and after that its upload is anybody's to clear away.
    place = Place(store, storage.blobs, storage.worker, lease_s=3 * settings.file_gap_s)
    files = Files(place)
    times = Times(settings.run_timeout_s, settings.run_log_keep_s, settings.idempotency_keep_s)
    vector_stores = VectorStores(store)
    store_files = StoreFiles(store, files, vector_stores, lease_s=settings.run_lease_s)
    place.on_removal.append(store_files.forget_file)
    stores_there = build_stores_client(settings)
    standing = Standing(
        store, stores_there, uploads=settings.openai_vector_store_id, knowledge=settings.openai_knowledge_store_id
    )
    standing_files = StandingFiles(standing, store, files, store_files, stores_there)
    closing = AsyncExitStack()
    bookshelf = await closing.enter_async_context(open_bookshelf(settings, store, vector_stores, library, standing))
    reading = await closing.enter_async_context(
        open_reading(
            settings,
            store=store,
            blobs=storage.blobs,
            worker=storage.worker,
            embedder=bookshelf.embedders.current,
            stores=vector_stores,
            files=store_files,
        )
    )
    assistant_id = first_assistant_id(settings.openai_assistant_id)
    attachments = Attachments(store, vector_stores, store_files, wait_s=settings.file_search_wait_s, remotes=standing)
    room = Room(
        store,
        log,
        thread_log,
        models,
        {FILE_SEARCH: FileSearch(bookshelf.shelves, most_characters=settings.file_search_chars)},
        files,
        own_assistant=OwnAssistant(assistant_id, standing.stores),
        searching=Searching(settings.file_search_mode),
        ready=attachments.until_ready,
    )
    runner = Runner(room, claims, times, settings.max_waiting)
    sweep = Sweep(store, runner, claims, every_s=settings.sweep_s, lease_s=settings.run_lease_s)
    uploads = Uploads(place, files, most_bytes=settings.max_file_bytes, timeout_s=settings.upload_timeout_s)
    file_sweep = FileSweep(place, uploads, every_s=settings.sweep_s)

    async def begin() -> None:
        await ensure_first_assistant(
            store,
            assistant_id,
            last_messages=settings.last_messages,
            max_completion_tokens=settings.max_completion_tokens,
        )
        await standing.begin()
        await bookshelf.begin()
        await reading.begin()
        await sweep.start()
        await file_sweep.start()

    start = Start(begin)
    try:
        await log.start()
        await start.begin()

        async def store_answers() -> str | None:
            await store.ping()
            return None

        async def sweep_works() -> str | None:
            return start.waits_for or sweep.failing or file_sweep.failing or reading.failing

        yield Rooms(
            store=store,
            conversations=storage.conversations,
            log=log,
            thread_log=thread_log,
            models=models,
            runner=runner,
            files=files,
            uploads=uploads,
            knowledge=library,
            shelves=bookshelf.shelves,
            vector_stores=vector_stores,
            store_files=store_files,
            file_batches=FileBatches(store, vector_stores, store_files),
            attachments=attachments,
            standing_files=standing_files,
            passages=Passages(store, files, library, standing_files),
            assistant_id=assistant_id,
            store_name=storage.name,
            adopt_old_threads=settings.adopt_old_threads,
            takeover=settings.takeover,
            refusal_wait_s=settings.refusal_wait_s,
            keep_alive_s=settings.keep_alive_s,
            max_body_bytes=settings.max_body_bytes,
            max_file_bytes=settings.max_file_bytes,
            file_gap_s=settings.file_gap_s,
            checks={"store": store_answers, "model": models.check, "sweep": sweep_works},
        )
    finally:
        await start.stop()
        await file_sweep.stop()
        await sweep.stop()
        await runner.close()
        await log.stop()
        await closing.aclose()
        await standing.stop()
        if stores_there is not None:
            await stores_there.close()
        await models.close()


def build_app(settings: Settings, rooms: Rooms) -> ASGIApp:
    """The HTTP application over open rooms."""
    return build_api(
        rooms,
        origins=settings.cors_origins,
        hosts=[settings.host, *settings.allowed_hosts],
        web=Web(next(filter(Path.is_dir, WEB_FOLDERS), None)),
    )


def build_models(settings: Settings) -> Models:
    """The configured upstream, if any, and the embedded models."""
    key = settings.openai_api_key
    upstream = None
    if settings.model_base_url is not None:
        upstream = ChatCompletions(
            settings.model_base_url,
            key.get_secret_value() if key else None,
            connect_timeout_s=settings.model_connect_timeout_s,
            first_byte_timeout_s=settings.model_first_byte_timeout_s,
            between_bytes_timeout_s=settings.model_gap_timeout_s,
            patience=Patience(longest_retry_after_s=settings.model_retry_after_s),
        )
    return Catalog(
        upstream,
        default_model=settings.openai_model,
        aliases=settings.aliases,
        at_openai=settings.model_base_url is not None and _host(settings.model_base_url) == _host(OPENAI_BASE_URL),
        embedded={name: make() for name, make in EMBEDDED.items()},
        list_timeout_s=settings.model_list_timeout_s,
    )


def build_stores_client(settings: Settings) -> StoresClient | None:
    """The vector stores of the configured upstream, if any."""
    if settings.model_base_url is None:
        return None
    key = settings.openai_api_key
    return StoresClient(
        settings.model_base_url,
        key.get_secret_value() if key else None,
        connect_timeout_s=settings.model_connect_timeout_s,
        patience=Patience(longest_retry_after_s=settings.model_retry_after_s),
    )


def _host(url: str) -> str | None:
    return urlsplit(url).hostname
