import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.parsing.made import DOCUMENTS, parsed
from underpin.parsing.base import Parsed, Unparsable
from underpin.parsing.children import ChildParser
from underpin.parsing.limits import Limits

BACKEND = Path(__file__).parents[3]
REPORT = DOCUMENTS / "report.docx"
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, which only Linux has")


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A file that is never read to its end: a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "endless.txt")
    return tmp_path / "endless.txt"


def ended(pid: int, within_s: float) -> bool:
    """Whether a process that may be anyone's child is gone in time."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within_s)[0])
    finally:
        os.close(handle)


async def refusal(parser: ChildParser, path: Path) -> Unparsable:
    with pytest.raises(Unparsable) as refused:
        await parser.parse(path, path.name)
    return refused.value


async def test_a_child_reads_what_is_read_here(parser: ChildParser) -> None:
    for document in ("report.docx", "report.pdf", "borings.xlsx", "ground.pptx"):
        assert await parser.parse(DOCUMENTS / document, document) == parsed(DOCUMENTS / document)


async def test_a_path_may_be_relative(parser: ChildParser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DOCUMENTS)
    assert isinstance(await parser.parse(REPORT.relative_to(DOCUMENTS), "a.docx"), Parsed)


async def test_a_refusal_arrives_and_the_child_goes_on(parser: ChildParser, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    first = await refusal(parser, tmp_path / "a.txt")
    assert (first.code, first.message) == ("invalid_file", "This file is empty.")
    children = parser.process_ids
    await parser.parse(REPORT, "a.docx")
    assert parser.process_ids == children


async def test_many_at_once_are_read_by_no_more_children_than_allowed(parser: ChildParser) -> None:
    texts = await asyncio.gather(*(parser.parse(REPORT, "a.docx") for _ in range(40)))
    assert len(set(texts)) == 1
    assert len(parser.process_ids) == 2


async def test_a_child_is_replaced_after_its_share_of_files() -> None:
    parser = ChildParser(Limits(), processes=1, files_per_child=3)
    seen = []
    for _ in range(6):
        await parser.parse(REPORT, "a.docx")
        seen.append(tuple(parser.process_ids))
    await parser.close()
    assert seen[0] == seen[1] != ()
    assert seen[2] == seen[5] == ()
    assert seen[3] == seen[4] != seen[0]


async def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read(endless: Path) -> None:
    parser = ChildParser(Limits(timeout_s=0.5), processes=1)
    error = await refusal(parser, endless)
    assert (error.code, "longer than 0.5 seconds" in error.message) == ("invalid_file", True)
    assert parser.process_ids == []
    assert isinstance(await parser.parse(REPORT, "a.docx"), Parsed)
    await parser.close()


async def test_a_slow_file_does_not_hold_up_the_others(parser: ChildParser, endless: Path) -> None:
    slow = asyncio.create_task(parser.parse(endless, "a.txt"))
    async with asyncio.timeout(30):
        await asyncio.gather(*(parser.parse(REPORT, "a.docx") for _ in range(5)))
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


@linux
async def test_whoever_goes_away_ends_the_work(parser: ChildParser, endless: Path) -> None:
    await parser.parse(REPORT, "a.docx")
    (child,) = parser.process_ids
    reading = asyncio.create_task(parser.parse(endless, "a.txt"))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert ended(child, 0)
    assert parser.process_ids == []
    assert isinstance(await parser.parse(REPORT, "a.docx"), Parsed)


async def test_close_ends_everything_and_tells_those_who_wait(endless: Path) -> None:
    parser = ChildParser(Limits(), processes=1)
    await parser.parse(REPORT, "a.docx")
    tasks = [asyncio.create_task(parser.parse(endless, "a.txt")) for _ in range(3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await parser.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [(type(result), getattr(result, "code", "")) for result in results] == [(Unparsable, "server_error")] * 3
    assert (await refusal(parser, REPORT)).code == "server_error"
    await parser.close()
    assert parser.process_ids == []


async def test_a_child_that_someone_killed_is_replaced_in_silence(parser: ChildParser) -> None:
    await parser.parse(REPORT, "a.docx")
    os.kill(parser.process_ids[0], signal.SIGKILL)
    assert isinstance(await parser.parse(REPORT, "a.docx"), Parsed)


async def test_a_crash_is_the_files_and_is_not_tried_twice(endless: Path) -> None:
    parser = ChildParser(Limits(), processes=1)
    await parser.parse(REPORT, "a.docx")
    reading = asyncio.create_task(parser.parse(endless, "a.txt"))
    await asyncio.sleep(0)
    os.kill(parser.process_ids[0], signal.SIGSEGV)
    with pytest.raises(Unparsable, match="crash") as refused:
        await reading
    assert refused.value.code == "invalid_file"
    await parser.close()


async def test_a_fault_of_a_parser_is_logged_without_the_files_words(
    parser: ChildParser, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    error = await refusal(parser, tmp_path / "secret-name-that-is-not-there.txt")
    assert error.code == "server_error"
    assert "FileNotFoundError" in caplog.text
    assert "secret" not in caplog.text + error.message


async def test_a_child_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    parser = ChildParser(Limits(), processes=1)
    error = await refusal(parser, REPORT)
    await parser.close()
    assert (error.code, "does not start" in error.message) == ("server_error", True)
    assert "/nowhere/python" in caplog.text


# --- what the child may ---


@linux
async def test_a_child_knows_no_keys(parser: ChildParser, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "MONGODB_URI", "ANYTHING"):
        monkeypatch.setenv(name, "sk-secret")
    await parser.parse(REPORT, "a.docx")
    environment = await asyncio.to_thread(Path(f"/proc/{parser.process_ids[0]}/environ").read_bytes)
    assert sorted(entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry) == [b"PYTHONPATH", b"PYTHONUTF8"]


@linux
async def test_a_child_has_the_limits_that_were_set() -> None:
    parser = ChildParser(Limits(memory_bytes=300_000_000, timeout_s=17), processes=1)
    await parser.parse(REPORT, "a.docx")
    child = parser.process_ids[0]
    limits = await asyncio.to_thread(Path(f"/proc/{child}/limits").read_text)
    rows = [line.rsplit(None, 3) for line in limits.splitlines()[1:]]
    soft = {" ".join(row[:-3]) if len(row) == 4 else row[0]: row[-3] for row in rows}
    niceness = os.getpriority(os.PRIO_PROCESS, child)
    await parser.close()
    assert soft["Max address space"] == "300000000"
    assert soft["Max file size"] == "0"
    assert soft["Max core file size"] == "0"
    assert 17 <= int(soft["Max cpu time"]) <= 19
    assert niceness >= 10


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "open('written', 'w')",
        "import os; os.open('written', os.O_CREAT | os.O_WRONLY)",
        "import os; os.remove('there')",
    ],
)
def test_a_confined_process_may_not(tmp_path: Path, attempt: str) -> None:
    (tmp_path / "there").write_text("x")
    code = f"import os; from underpin.parsing.confine import confine; confine(512_000_000, os.getppid())\n{attempt}"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(BACKEND)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "PermissionError: A file that is read may not cause" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@linux
def test_no_child_outlives_a_parent_that_was_killed(endless: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.parsing.parent", "--wait", str(endless)],
        cwd=BACKEND,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent, parent.stdout:
        children = json.loads(parent.stdout.readline())
        parent.kill()
    assert len(children) == 2
    began = time.monotonic()
    assert [ended(child, 5) for child in children] == [True, True]
    assert time.monotonic() - began < 5


async def test_close_waits_for_a_child_that_is_starting() -> None:
    parser = ChildParser(Limits(), processes=1)
    reading = asyncio.create_task(parser.parse(REPORT, "a.docx"))
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await parser.close()
        with pytest.raises(Unparsable, match="stopping"):
            await reading
    assert parser.process_ids == []


async def test_a_child_whose_start_nobody_waits_for_reads_the_next_file(parser: ChildParser) -> None:
    reading = asyncio.create_task(parser.parse(REPORT, "a.docx"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    async with asyncio.timeout(60):
        texts = await asyncio.gather(*(parser.parse(REPORT, "a.docx") for _ in range(4)))
    assert len(set(texts)) == 1
    assert len(parser.process_ids) <= 2


@linux
async def test_the_size_of_the_parent_spends_no_child(parser: ChildParser) -> None:
    held = bytearray(Limits().memory_bytes // 2)
    held[::4096] = b"x" * len(held[::4096])  # resident, not only promised
    await parser.parse(REPORT, "a.docx")
    children = parser.process_ids
    await parser.parse(REPORT, "a.docx")
    assert parser.process_ids == children != []
    assert held[0] == ord("x")
