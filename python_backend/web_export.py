"""The web app as files: `out/` at the repository's root, made of `app/` when that has changed. Run as a program it makes it.

Nothing newer than Python 3.8 runs on import; see bootstrap.py.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dev_node

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("app", "public", "package-lock.json", "next.config.ts", "tsconfig.json")
OUT = "out"
# Written last, and gone with the folder when the build empties it: a half-finished export has none.
STAMP = ".underpin-built"
BUILD_DEADLINE_S = 900.0


def has_sources(root: Path = ROOT) -> bool:
    """Whether there is an app to build: an installed package brings it ready-made."""
    return (root / "app").is_dir() and (root / "package-lock.json").is_file()


def is_current(root: Path = ROOT) -> bool:
    """True when the export is of the sources as they are."""
    stamp = root / OUT / STAMP
    return stamp.is_file() and stamp.read_text("utf-8") == digest(root)


def digest(root: Path = ROOT) -> str:
    """SHA-256 over the names and bytes of all sources."""
    whole = hashlib.sha256()
    for path in sorted(_files(root)):
        whole.update(path.relative_to(root).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def build(root: Path = ROOT) -> int:
    """Install the app's packages where they are not, and export it; the exit code of what failed, or 0."""
    if not dev_node.is_current(root):
        code = dev_node.install(root)
        if code != 0:
            return code
    before = digest(root)
    node = dev_node.find_node()
    command = [*node.node, str(root / "node_modules" / "next" / "dist" / "bin" / "next"), "build"]
    environment = {**node.environment(), "NEXT_TELEMETRY_DISABLED": "1"}
    code = subprocess.run(command, cwd=root, env=environment, timeout=BUILD_DEADLINE_S, check=False).returncode
    if code == 0:
        (root / OUT / STAMP).write_text(before, "utf-8")
    return code


def _files(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        source = root / name
        if source.is_dir():
            yield from (path for path in source.rglob("*") if path.is_file())
        elif source.is_file():
            yield source


if __name__ == "__main__":
    sys.exit(build())
