"""What tests of every room share."""

from tests.mongo_servers.fixtures import (
    mongo_database,
    mongo_process,
    mongo_servers,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_terminal_summary,
)

__all__ = [
    "mongo_database",
    "mongo_process",
    "mongo_servers",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_terminal_summary",
]
