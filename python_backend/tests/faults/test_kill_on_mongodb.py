"""The kill -9 rounds once more with everything in MongoDB: where findAndModify is atomic, since two owners may meet."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.test_kill_between_writes import (
    WRITES,
    WRITES_OF_A_TAKEOVER,
    killed_behind_a_write_of_a_message,
    killed_behind_a_write_of_a_takeover,
)
from tests.faults.test_kill_while_answering import ROUNDS, TENTH, killed_at
from tests.faults.upstream import Upstream

pytestmark = pytest.mark.race


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.mark.parametrize(("at", "number"), ROUNDS)
async def test_killed_when_so_many_tokens_were_seen(
    upstream: Upstream, tmp_path: Path, mongo_database: str, at: int, number: int
):
    await killed_at(upstream, tmp_path / "data", at, number, **TENTH, MONGODB_URI=mongo_database)


async def test_killed_in_the_middle_with_the_default_times(upstream: Upstream, tmp_path: Path, mongo_database: str):
    await killed_at(upstream, tmp_path / "data", 50, 0, MONGODB_URI=mongo_database)


@pytest.mark.parametrize("write", range(WRITES))
async def test_killed_between_two_writes_of_a_message(tmp_path: Path, mongo_database: str, write: int):
    await killed_behind_a_write_of_a_message(tmp_path, write, {"MONGODB_URI": mongo_database})


@pytest.mark.parametrize("write", range(2, WRITES_OF_A_TAKEOVER + 1))
async def test_killed_between_two_writes_of_a_message_that_takes_over(tmp_path: Path, mongo_database: str, write: int):
    await killed_behind_a_write_of_a_takeover(tmp_path, write, {"MONGODB_URI": mongo_database})
