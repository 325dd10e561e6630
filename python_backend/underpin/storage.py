"""Where everything is kept: MONGODB_URI is the one switch between MongoDB and the embedded store."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .settings import Settings
from .store.base import Blobs, Conversations, Store
from .store.blobs_directory import DirectoryBlobs
from .store.blobs_gridfs import GridFSBlobs
from .store.host import HostWorkers
from .store.mongo import MongoStore
from .store.mongo_conversations import MongoConversations
from .store.sqlite import SqliteStore
from .store.sqlite_conversations import SqliteConversations


@dataclass(frozen=True)
class Storage:
    """`worker` is the name under which this process owns runs; `name` is what the log lines call the place."""

    store: Store
    conversations: Conversations
    blobs: Blobs
    worker: str
    name: str


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncGenerator[Storage, None]:
    """The storage, open; closed at the end. Raises ConfigError with one clear line when a setting cannot work. A MongoDB that is
    away is no error: its store says so until it is there."""
    storage = _on_mongodb(settings) if settings.mongodb_uri else _embedded(settings)
    try:
        await storage.store.open()
        await storage.blobs.open()
        yield storage
    finally:
        await storage.blobs.close()
        await storage.store.close()


def _embedded(settings: Settings) -> Storage:
    store = SqliteStore(settings.underpin_data_dir)
    return Storage(
        store, SqliteConversations(store), DirectoryBlobs(settings.underpin_data_dir), store.worker, "the embedded store"
    )


def _on_mongodb(settings: Settings) -> Storage:
    assert settings.mongodb_uri is not None
    store = MongoStore(settings.mongodb_uri.get_secret_value(), host=HostWorkers(settings.underpin_data_dir))
    return Storage(store, MongoConversations(store), GridFSBlobs(store.connection), store.worker, "MongoDB")
