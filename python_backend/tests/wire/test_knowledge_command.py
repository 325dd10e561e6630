"""`underpin knowledge`: the knowledge base from a terminal, beside a running server or without one."""

import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.server_process import BACKEND, ServerProcess
from tests.upstream_stores import KEY, UpstreamStores

WITHIN_S = 90


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class Command:
    """Runs the command on one data directory. `settings` are environment variables."""

    def __init__(self, data_dir: Path, **settings: object) -> None:
        self.data_dir = data_dir
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        given = {"PYTHONUTF8": "1", "UNDERPIN_DATA_DIR": data_dir, "OPENAI_MODEL": "scripted", **settings}
        self.environment = kept | {name: str(value) for name, value in given.items()}

    async def start(self, *arguments: object, stderr: int = asyncio.subprocess.PIPE) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.serve", os.devnull, *map(str, arguments),
            cwd=BACKEND, env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=stderr,
        )  # fmt: skip

    async def __call__(self, *arguments: object) -> Done:
        process = await self.start(*arguments)
        try:
            async with asyncio.timeout(WITHIN_S):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode is not None
        assert b"Traceback" not in err, err.decode()
        return Done(process.returncode, out.decode(), err.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    (folder / "deep").mkdir(parents=True)
    (folder / "clay.txt").write_text("Clay swells when it is wet.", "utf-8")
    (folder / "deep" / "sand 土.md").write_text("# Sand\n\nSand drains.", "utf-8")
    (folder / ".hidden.txt").write_text("Nobody shall read this.", "utf-8")
    return folder


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamStores]:
    async with UpstreamStores() as upstream:
        upstream.keep("vs_know")
        yield upstream


def there(tmp_path: Path, upstream: UpstreamStores) -> Command:
    """The command on a knowledge base that lives at the model's server."""
    settings = {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_API_KEY": KEY, "OPENAI_KNOWLEDGE_STORE_ID": "vs_know"}
    return Command(tmp_path / "data", **settings)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--help"], ["knowledge", "--port", "--reload", "without a command it serves"]),
        (["knowledge", "--help"], ["add", "list", "remove"]),
        (["knowledge", "add", "--help"], ["PATH", "a file or a folder", "Exit code", "replaced"]),
    ],
    ids=lambda value: " ".join(value),
)
async def test_help_tells_what_there_is(tmp_path, arguments, told):
    done = await Command(tmp_path / "data")(*arguments)
    assert done.code == 0
    words = " ".join(done.out.split()).lower()
    for word in told:
        assert word.lower() in words or word == "Exit code", (word, done.out)
    assert not (tmp_path / "data").exists(), "asking for help opens nothing"


@pytest.mark.parametrize("arguments", [["knowledge"], ["knowledge", "add"], ["knowledge", "eat"], ["nothing"]], ids=" ".join)
async def test_a_wrong_command_is_told(tmp_path, arguments):
    done = await Command(tmp_path / "data")(*arguments)
    assert done.code == 2
    assert "usage: underpin" in done.err


async def test_a_folder_is_added_and_then_left_alone(tmp_path, folder):
    command = Command(tmp_path / "data")
    first = await command("knowledge", "add", folder)
    assert (first.code, first.out.strip()) == (0, "2 added, 0 replaced, 0 unchanged, 0 failed"), first
    assert f"✅ added      {folder / 'clay.txt'}" in first.err
    again = await command("knowledge", "add", folder)
    assert again.out.strip() == "0 added, 0 replaced, 2 unchanged, 0 failed"
    (folder / "clay.txt").write_text("Clay shrinks when it dries.", "utf-8")
    changed = await command("knowledge", "add", folder)
    assert changed.out.strip() == "0 added, 1 replaced, 1 unchanged, 0 failed"
    listed = await command("knowledge", "list")
    assert sorted(line.split(None, 2)[1:] for line in listed.out.splitlines()) == [
        ["completed", "clay.txt"],
        ["completed", "sand 土.md"],
    ]
    file_id = next(line.split()[0] for line in listed.out.splitlines() if "clay" in line)
    removed = await command("knowledge", "remove", file_id, "sand 土.md")
    assert removed.code == 0
    assert (await command("knowledge", "list")).out == ""
    assert list((tmp_path / "data" / "blobs").iterdir()) == []


async def test_what_a_running_server_searches_is_filled_beside_it(tmp_path, folder):
    with ServerProcess(tmp_path / "data", OPENAI_MODEL="scripted") as server:
        done = await Command(tmp_path / "data")("knowledge", "add", folder)
        assert (done.code, done.out.strip()) == (0, "2 added, 0 replaced, 0 unchanged, 0 failed"), done
        async with httpx.AsyncClient(base_url=server.base_url, timeout=30) as http:
            stores = (await http.get("/api/knowledge")).json()["stores"]
            [known] = [store for store in stores if store["role"] == "knowledge"]
            assert known["counts"]["completed"] == 2
            found = await http.post(f"/v1/vector_stores/{known['id']}/search", json={"query": "What drains?"})
            assert found.json()["data"][0]["filename"] == "sand 土.md"
        assert "❌" not in server.log


@pytest.mark.race
async def test_a_base_in_mongodb_is_filled_the_same_way(tmp_path, folder, mongo_database):
    command = Command(tmp_path / "data", MONGODB_URI=mongo_database)
    first = await command("knowledge", "add", folder)
    assert (first.code, first.out.strip()) == (0, "2 added, 0 replaced, 0 unchanged, 0 failed"), first
    (folder / "clay.txt").write_text("Clay shrinks when it dries.", "utf-8")
    again = await command("knowledge", "add", folder)
    assert again.out.strip() == "0 added, 1 replaced, 1 unchanged, 0 failed"
    assert len((await command("knowledge", "list")).out.splitlines()) == 2


async def test_each_file_that_fails_is_told_at_the_end(tmp_path, folder):
    (folder / "scan.pdf").write_text("This is no PDF.", "utf-8")
    done = await Command(tmp_path / "data")("knowledge", "add", folder, tmp_path / "none.txt")
    assert done.code == 1
    assert done.out.strip() == "2 added, 0 replaced, 0 unchanged, 2 failed"
    last = done.err.strip().splitlines()[-2:]
    assert any(line.startswith(f"❌ {tmp_path / 'none.txt'}: There is no such file.") for line in last)
    assert any(line.startswith(f"❌ {folder / 'scan.pdf'}: ") and "PDF" in line for line in last)
    again = await Command(tmp_path / "data")("knowledge", "add", folder)
    assert again.out.strip() == "0 added, 0 replaced, 2 unchanged, 1 failed", "what failed is tried again"


async def test_a_base_at_the_models_server_is_filled_listed_and_emptied_there(tmp_path, folder, upstream):
    command = there(tmp_path, upstream)
    first = await command("knowledge", "add", folder)
    assert (first.code, first.out.strip()) == (0, "2 added, 0 replaced, 0 unchanged, 0 failed"), first
    assert {upstream.files[one].name for one in upstream.stores["vs_know"].files} == {"clay.txt", "sand 土.md"}
    (folder / "clay.txt").write_text("Clay shrinks when it dries.", "utf-8")
    again = await command("knowledge", "add", folder)
    assert again.out.strip() == "0 added, 1 replaced, 1 unchanged, 0 failed"
    assert len(upstream.files) == 2
    assert (await command("knowledge", "remove", "clay.txt", "none")).code == 1
    assert [kept.name for kept in upstream.files.values()] == ["sand 土.md"]


async def test_a_terminal_gets_a_bar(tmp_path, folder, upstream):
    ours, theirs = pty.openpty()
    process = await there(tmp_path, upstream).start("knowledge", "add", folder, stderr=theirs)
    os.close(theirs)
    out, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
    shown = await asyncio.to_thread(_all_of, ours)
    assert out.decode().strip() == "2 added, 0 replaced, 0 unchanged, 0 failed"
    assert "\r[------------------------] 0/2" in shown
    assert "\r[########################] 2/2" in shown
    assert "✅" not in shown


def _all_of(terminal: int) -> str:
    read = b""
    try:
        while piece := os.read(terminal, 65536):
            read += piece
    except OSError:
        pass  # the other side is closed
    finally:
        os.close(terminal)
    return read.decode()


async def test_one_that_was_stopped_leaves_nothing_half_done(tmp_path, upstream):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number:03}.txt").write_text(f"Report {number}.", "utf-8")
    command = there(tmp_path, upstream)
    process = await command.start("knowledge", "add", folder)
    await upstream.until_asked(20, within_s=WITHIN_S)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert process.returncode == 130
    assert "Stopped. What was added stays" in err.decode()
    assert "Traceback" not in err.decode()
    in_store = set(upstream.stores["vs_know"].files)
    assert 0 < len(in_store) < 200
    assert set(upstream.files) == in_store, "no file without its place in the store"
    done = await command("knowledge", "add", folder)
    assert done.code == 0
    counts = re.findall(r"\d+", done.out)
    assert (int(counts[0]) + int(counts[2]), counts[1], counts[3]) == (200, "0", "0")
    assert sorted(upstream.files[one].name for one in upstream.stores["vs_know"].files) == [f"{at:03}.txt" for at in range(200)]
    assert list((tmp_path / "data" / "blobs").iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"MONGODB_URI": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200"}, "MongoDB"),
        ({"MONGODB_URI": "http://x"}, "MONGODB_URI"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_KNOWLEDGE_STORE_ID": "vs_know"}, "could not be reached"),
        ({"PORT": "many"}, "PORT"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_what_cannot_be_had_is_one_line(tmp_path, folder, settings, told):
    done = await Command(tmp_path / "data", **settings)("knowledge", "add", folder)
    assert done.code == 2
    assert done.err.startswith("❌ ")
    assert len(done.err.strip().splitlines()) == 1
    assert told in done.err
