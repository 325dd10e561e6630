"""The driver's own log lines hold what people wrote: they are not ours to write."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient

ROOT = Path(__file__).resolve().parents[3]
SAID = "Der Löß reicht bis 4 m"

PROGRAM = f"""
import asyncio, sys
from underpin import logs
from underpin.objects.thread import Thread
from underpin.store.mongo import MongoStore

logs.configure(json_lines=False, level="DEBUG")

async def main():
    store = MongoStore(sys.argv[1])
    await store.open()
    await store.add(Thread(id="thread_t", created_at=1, metadata={{"said": "{SAID}"}}))
    await store.close()

asyncio.run(main())
"""


def test_nothing_that_is_kept_is_logged(mongo_database: str) -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM, mongo_database], cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert b"Connected to MongoDB" in ran.stdout
    assert b"reicht bis 4 m" not in ran.stdout + ran.stderr
    assert b"thread_t" not in ran.stdout + ran.stderr


async def test_the_driver_would_log_it(mongo_database: str, caplog: pytest.LogCaptureFixture) -> None:
    """Should this fail one day, the test above shows nothing."""
    caplog.set_level(logging.DEBUG, "pymongo")
    async with AsyncMongoClient(mongo_database) as client:
        await client.get_default_database()["things"].insert_one({"said": SAID})
    assert "reicht bis 4 m" in caplog.text
