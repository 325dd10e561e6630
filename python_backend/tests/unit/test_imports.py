"""The order of the rooms, held by reading every import of the package: who may see whom is in DESIGN's words below, as tables.

objects <- store, eventlog, files, models, parsing, embedding <- knowledge <- tools <- runs <- api <- app <- __main__
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "underpin"

# A room imports from rooms of lower rank. Rooms of one rank are peers and do not know each other.
RANKS = {
    "objects": 0,
    "store": 1,
    "eventlog": 1,
    "files": 1,
    "models": 1,
    "parsing": 1,
    "embedding": 1,
    "knowledge": 2,
    "tools": 3,
    "runs": 4,
    "api": 5,
    "logs": 5,
    "start": 5,
    "storage": 5,
    "bookshelf": 5,
    "reading": 5,
    "app": 6,
    "serve": 7,
    "knowledge_command": 7,
    "__main__": 8,
}
# The journal keeps its chunks, and files their objects and bytes, in the store, through the seam.
PEERS_THAT_MEET = {("eventlog", "store.base"), ("files", "store.base")}
# What any room may import, and what these themselves may: the package itself holds no more than its version.
FOUNDATION = {"": set[str](), "errors": set[str](), "ids": set[str](), "tokens": set[str](), "settings": {"", "errors", "ids"}}
READERS_OF_SETTINGS = {"storage", "bookshelf", "reading", "app", "serve", "knowledge_command", "__main__"}
# They see a seam's base.py, never a backend.
SEAM_ONLY = {"knowledge", "runs", "api"}
# What stands beside a seam and hides no backend: vector stores are kept by the Store seam, whichever store that is.
BESIDE_A_SEAM = {
    f"knowledge.{module}"
    for module in ("filters", "vector_stores", "store_files", "file_batches", "standing_files", "passages", "attachments")
}
# What is imported only when it is needed, by a name that stands in the call: a runtime that many servers never load.
LATE_IMPORTS = {
    ("embedding.minilm", "underpin.embedding.minilm_session"),
    ("knowledge.store_index_approximate", "faiss"),
}
LONGEST_FILE = 350


@dataclass(frozen=True)
class Import:
    """One import of ours: the line it stands on, and the module it reaches without the package's name ("store.base")."""

    line: int
    target: str


def violations(package: Path) -> list[str]:
    """Every import in `package` against the order of the rooms, as `file:line imports module: why`."""
    return [
        f"{shown(package, path)}:{seen.line} imports {package.name}.{seen.target}: {reason}"
        for path in sources(package)
        for seen in dict.fromkeys(imports_of(package, path))
        if (reason := forbidden(package, module_name(package, path), seen.target))
    ]


def forbidden(package: Path, importer: str, target: str) -> str | None:
    room, other = room_of(importer), room_of(target)
    if unknown := {room, other} - RANKS.keys() - FOUNDATION.keys():
        return f"{min(unknown)} has no rank in the order of the rooms"
    if room == other:
        return None
    if room in FOUNDATION:
        return None if other in FOUNDATION[room] else f"{room or 'the package'} stands below every room"
    if other in FOUNDATION:
        return "settings reach a room as arguments" if other == "settings" and room not in READERS_OF_SETTINGS else None
    if RANKS[other] > RANKS[room]:
        return f"{other} stands above {room}"
    if RANKS[other] == RANKS[room] and (room, target) not in PEERS_THAT_MEET:
        return f"{other} and {room} are peers"
    if target in BESIDE_A_SEAM:
        return None
    if room in SEAM_ONLY and (package / other / "base.py").exists() and target != f"{other}.base":
        return f"{room} sees only {other}/base.py"
    return None


def imports_of(package: Path, path: Path) -> Iterator[Import]:
    """The imports of the package's own modules, absolute and relative, wherever they stand in the file."""
    folder = (package.name, *path.parent.relative_to(package).parts)
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        match node:
            case ast.Import(names=names):
                reached = [name.name for name in names]
            case ast.ImportFrom(module=module, names=names, level=level):
                above = ".".join(folder[: len(folder) - level + 1]) if level else ""
                origin = ".".join(part for part in (above, module) if part)
                reached = [from_import(package, origin, name.name) for name in names]
            case _:
                continue
        for name in reached:
            if name.split(".")[0] == package.name:
                yield Import(node.lineno, name.partition(".")[2])


def from_import(package: Path, origin: str, name: str) -> str:
    """`from origin import name` reaches the module origin.name where there is one, else origin."""
    inside = package.parent.joinpath(*origin.split("."), name)
    return f"{origin}.{name}" if inside.is_dir() or inside.with_suffix(".py").exists() else origin


def hidden_imports(package: Path) -> list[str]:
    """Imports inside functions, and imports by a name made at run time, as `file:line`."""
    found = []
    for path in sources(package):
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        inside = {n.lineno for function in functions for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)}
        calls = [n for n in nodes if isinstance(n, ast.Call) and called(n) in {"__import__", "import_module"}]
        dynamic = {n.lineno for n in calls if (module_name(package, path), literal(n)) not in LATE_IMPORTS}
        found += [f"{shown(package, path)}:{line}" for line in sorted(inside | dynamic)]
    return found


def called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def literal(node: ast.Call) -> object:
    """The first argument, where it is written out."""
    return node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None


def environment_reads(package: Path) -> list[str]:
    """Where a file other than settings.py takes the environment of the process, as `file:line name`. The package's own file sets
    something for a library, and reads nothing."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    found = []
    for path in sources(package):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in names:
                    found.append(f"{shown(package, path)}:{node.lineno} os.{name}")
                case ast.ImportFrom(module="os", names=imported):
                    found += [f"{shown(package, path)}:{node.lineno} os.{n.name}" for n in imported if n.name in names]
    return [one for one in found if not one.startswith((f"{package.name}/settings.py:", f"{package.name}/__init__.py:"))]


def long_files(package: Path) -> list[str]:
    lengths = ((shown(package, path), len(path.read_text("utf-8").splitlines())) for path in sources(package))
    return [f"{name} has {length} lines" for name, length in lengths if length > LONGEST_FILE]


def sources(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def module_name(package: Path, path: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    return module.split(".")[0]


def shown(package: Path, path: Path) -> str:
    return path.relative_to(package.parent).as_posix()


# The package itself


def assert_none(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_imports_run_one_way() -> None:
    assert_none(violations(PACKAGE))


def test_no_import_hides_in_a_function_or_a_string() -> None:
    assert_none(hidden_imports(PACKAGE))


def test_only_settings_reads_the_environment() -> None:
    assert_none(environment_reads(PACKAGE))


def test_no_file_outgrows_its_subject() -> None:
    assert_none(long_files(PACKAGE))


def test_every_room_is_looked_at() -> None:
    assert {room_of(module_name(PACKAGE, path)) for path in sources(PACKAGE)} >= {"errors", "ids", "settings", "objects", "store"}


# The checker, on planted violations

SOUND = {
    "__init__.py": "",
    "errors.py": "",
    "ids.py": "",
    "settings.py": "import os\nfrom underpin import ids\nfrom .errors import X\nprint(os.environ)\n",
    "objects/run.py": "from underpin.ids import new\nfrom underpin import __version__\n",
    "store/base.py": "from underpin.objects.run import Run\n",
    "store/sqlite.py": "from .base import Store\n",
    "eventlog/journal.py": "from underpin.store.base import Store\n",
    "models/base.py": "from ..objects import run\n",
    "tools/base.py": "from underpin.models import base\n",
    "runs/loop.py": "from underpin.store.base import Store\nfrom underpin.tools import base\nimport underpin.errors\n",
    "api/chat.py": "from underpin.runs.loop import run\n",
    "app.py": "from underpin.store.sqlite import SQLite\nfrom underpin.settings import Settings\n",
    "__main__.py": "from underpin import app, settings\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in SOUND.items():
        plant(tmp_path / "underpin", name, text)
    return tmp_path / "underpin"


def plant(package: Path, name: str, text: str) -> None:
    path = package / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_a_sound_package_has_no_violation(package: Path) -> None:
    assert (violations(package), hidden_imports(package), environment_reads(package), long_files(package)) == ([], [], [], [])


@pytest.mark.parametrize(
    ("file", "line", "reported"),
    [
        ("objects/run.py", "import underpin.store.base", "underpin.store.base: store stands above objects"),
        ("objects/run.py", "from ..api import chat", "underpin.api.chat: api stands above objects"),
        ("models/base.py", "from underpin.store.base import Store", "underpin.store.base: store and models are peers"),
        (
            "store/base.py",
            "from underpin.eventlog.journal import Journal",
            "underpin.eventlog.journal: eventlog and store are peers",
        ),
        ("eventlog/journal.py", "from underpin.store.sqlite import S", "underpin.store.sqlite: store and eventlog are peers"),
        ("eventlog/journal.py", "from underpin import store", "underpin.store: store and eventlog are peers"),
        ("runs/loop.py", "from underpin.store import sqlite", "underpin.store.sqlite: runs sees only store/base.py"),
        ("runs/loop.py", "from underpin.store import SQLite", "underpin.store: runs sees only store/base.py"),
        ("api/chat.py", "from underpin.models.openai import M", "underpin.models.openai: api sees only models/base.py"),
        ("runs/loop.py", "from underpin.api.chat import route", "underpin.api.chat: api stands above runs"),
        ("runs/loop.py", "from underpin.settings import Settings", "underpin.settings: settings reach a room as arguments"),
        ("api/chat.py", "from .. import settings", "underpin.settings: settings reach a room as arguments"),
        ("api/chat.py", "from underpin import app", "underpin.app: app stands above api"),
        ("errors.py", "from underpin import ids", "underpin.ids: errors stands below every room"),
        ("ids.py", "from .errors import X", "underpin.errors: ids stands below every room"),
        ("settings.py", "from underpin.objects import run", "underpin.objects.run: settings stands below every room"),
        ("__init__.py", "from .app import build", "underpin.app: the package stands below every room"),
        ("api/chat.py", "import underpin.helpers", "underpin.helpers: helpers has no rank in the order of the rooms"),
        ("api/__init__.py", "from ..app import build", "underpin.app: app stands above api"),
    ],
)
def test_a_planted_import_is_reported_with_its_line(package: Path, file: str, line: str, reported: str) -> None:
    plant(package, file, f'"""A module."""\n\n{line}\n')
    assert violations(package) == [f"underpin/{file}:3 imports {reported}"]


def test_an_import_for_type_checking_only_counts(package: Path) -> None:
    plant(package, "objects/run.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from underpin.runs import loop\n")
    assert violations(package) == ["underpin/objects/run.py:3 imports underpin.runs.loop: runs stands above objects"]


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import json\n",
        "async def f():\n    from json import dumps\n",
        "class A:\n  def f(self): import json\n",
        "import importlib\nJ = importlib.import_module('json')\n",
    ],
)
def test_a_hidden_import_is_found(package: Path, text: str) -> None:
    plant(package, "ids.py", text)
    assert hidden_imports(package) == ["underpin/ids.py:2"]


@pytest.mark.parametrize("text", ["import os\nhome = os.environ['HOME']\n", "import sys\nfrom os import getenv\n"])
def test_an_environment_read_is_found(package: Path, text: str) -> None:
    plant(package, "api/chat.py", text)
    assert len(environment_reads(package)) == 1
    assert environment_reads(package)[0].startswith("underpin/api/chat.py:2 os.")


def test_a_file_that_is_too_long_is_named(package: Path) -> None:
    plant(package, "ids.py", "A = 1\n" * (LONGEST_FILE + 1))
    assert long_files(package) == [f"underpin/ids.py has {LONGEST_FILE + 1} lines"]
