"""The journal's batch on MongoDB: a few calls, however many runs it carries.

The chunks come first, and nobody reads them before their run's head has moved. The heads are moved by bulks of conditional
updates. A bulk's answer says how many held, and not which; so each leaves the flush's own mark, and where some did not hold, the
marks tell.
"""

import logging
from collections.abc import Iterator, Sequence

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

from ..ids import new_id
from ..objects.run import Run
from . import mongo_query as query
from .base import EVERYONE, JournalWrite
from .mongo_address import Document
from .mongo_documents import document_of
from .mongo_query import Update

logger = logging.getLogger("underpin.store")

MARK = "flush"
"""The field of a run that holds the mark: bookkeeping of this module alone."""
MOST_BYTES = 15_000_000
"""MongoDB keeps 16 MB in one piece; the rest is for the other fields."""
MOST_UPDATES = 50
"""In one bulk: FerretDB 1 keeps a connection for each until its end, and at a hundred it waits for itself."""
DUPLICATE_KEY = 11000


def updates(batch: Sequence[JournalWrite]) -> list[Update]:
    """The heads' updates. Raises ValueError or TypeError for what a run cannot hold or be asked for."""
    return [query.update(Run, write.run_id, write.changes, write.only_if, EVERYONE) for write in batch]


async def write(
    chunks: AsyncCollection[Document], runs: AsyncCollection[Document], batch: Sequence[JournalWrite], heads: Sequence[Update]
) -> list[bool]:
    """Insert the chunks and move the heads; False for each that did not move."""
    held = [_fits(one) for one in batch]
    documents = [document_of(one.chunk) for one, fits in zip(batch, held, strict=True) if fits and one.chunk is not None]
    if documents:
        await insert_new(chunks, documents)
    for turn in _turns([at for at, fits in enumerate(held) if fits], heads):
        for at, moved in zip(turn, await _move(runs, [heads[at] for at in turn]), strict=True):
            held[at] = moved
    return held


async def insert_new(collection: AsyncCollection[Document], documents: Sequence[Document]) -> None:
    """Insert what is not there yet."""
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        details = error.details or {}
        if details.get("writeConcernErrors") or any(one["code"] != DUPLICATE_KEY for one in details.get("writeErrors", [])):
            raise


async def _move(runs: AsyncCollection[Document], heads: Sequence[Update]) -> list[bool]:
    mark = new_id("")
    changes = [{**head.change, "$set": {**head.change.get("$set", {}), MARK: mark}} for head in heads]
    bulk = [UpdateOne(head.where, change) for head, change in zip(heads, changes, strict=True)]
    answer = await runs.bulk_write(bulk, ordered=False)
    if answer.matched_count == len(heads):
        return [True] * len(heads)
    named = [head.where["_id"] for head in heads]
    marked = {one["_id"] async for one in runs.find({"_id": {"$in": named}, MARK: mark}, {"_id": 1})}
    return [run_id in marked for run_id in named]


def _turns(places: Sequence[int], heads: Sequence[Update]) -> Iterator[list[int]]:
    """The batch in bulks that name each run once, in the batch's order."""
    while places:
        first = {heads[at].where["_id"]: at for at in reversed(places)}
        turn = [at for at in places if first[heads[at].where["_id"]] == at][:MOST_UPDATES]
        yield turn
        places = [at for at in places if at not in set(turn)]


def _fits(one: JournalWrite) -> bool:
    """Whether a chunk is no larger than a document may be. One that is ends its own run and nobody else's."""
    lines = "" if one.chunk is None else one.chunk.lines
    if 4 * len(lines) <= MOST_BYTES or len(lines.encode()) <= MOST_BYTES:
        return True
    logger.error("❌ Run %s said more at once than MongoDB keeps in one piece (16 MB): it is given up", one.run_id)
    return False
