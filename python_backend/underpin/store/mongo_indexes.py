"""The indexes that every query walks, made beside what is there. None is unique, partial or expires: any server has these."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from ..objects.stored import Stored
from .mongo_address import Document

logger = logging.getLogger("underpin.store")

PREFIX = "underpin_"
"""Before the name of each collection and index of ours: the database is the user's, and may have a `threads` or a `files`
already."""
CONVERSATIONS = "conversations"
"""The guide's name, and the one collection that is shared with other programs."""

_CONFLICTS = {85, 86}  # the same keys under other options or another name; other keys under this name


@dataclass(frozen=True)
class Index:
    collection: str
    keys: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        return PREFIX + "_".join(field for field, _ in self.keys)


def indexes_of(kind: type[Stored]) -> list[Index]:
    """The order of a parent, and what the sweep searches."""
    parent = kind.parent or "owner"
    every: list[tuple[str, ...]] = [(parent, "seq")]
    # One that begins with the parent keeps its order too, so that a filtered page stops at its limit.
    every += [(*fields, "seq") if fields[0] == parent else fields for fields in kind.indexes]
    return [Index(collection_name(kind), tuple((field, ASCENDING) for field in fields)) for fields in every]


def indexes_of_conversations() -> list[Index]:
    return [
        Index(CONVERSATIONS, (("userId", ASCENDING), ("threadId", ASCENDING))),
        Index(CONVERSATIONS, (("userId", ASCENDING), ("createdAt", DESCENDING))),
    ]


def collection_name(kind: type[Stored]) -> str:
    return PREFIX + kind.kind


async def make_indexes(database: AsyncDatabase[Document], indexes: Sequence[Index]) -> None:
    """Make those that nothing serves for yet. An index of another shape or name that is in the way is left, with a warning."""
    collections = sorted({index.collection for index in indexes})
    making = [_make(database, name, [index for index in indexes if index.collection == name]) for name in collections]
    # All are waited for, so that none goes on beside a close that follows the first failure.
    for failure in await asyncio.gather(*making, return_exceptions=True):
        if failure is not None:
            raise failure


async def _make(database: AsyncDatabase[Document], name: str, indexes: Sequence[Index]) -> None:
    collection = database.get_collection(name)
    there = [dict(one) async for one in await collection.list_indexes()]
    for index in indexes:
        if any(serves(one, index) for one in there):
            continue
        try:
            await collection.create_index(list(index.keys), name=index.name)
        except OperationFailure as error:
            if error.code not in _CONFLICTS:
                raise
            logger.warning("⚠️ %s has an index that is in the way of %s: queries there may be slow.", name, index.name)


def serves(there: Mapping[str, Any], wanted: Index) -> bool:
    """Whether an index as the server lists it does what ours would: it begins with the same fields and holds every document."""
    if any(there.get(option) for option in ("partialFilterExpression", "sparse", "collation", "hidden")):
        return False
    keys = [(str(field), direction) for field, direction in there["key"].items()][: len(wanted.keys)]
    forwards = [(field, direction) for field, direction in wanted.keys]
    return keys in (forwards, [(field, -direction) for field, direction in forwards])
