"""Builds the MongoDB-wire test servers on first use: `python -m tests.mongo_servers.builds`.

A build lies under python_backend/.cache in a folder named after all that went into it, and is there as a whole or not at
all. What is downloaded is checked against go.sum and jars.sha256. Maven's and Go's own caches and settings are the user's.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "mongo_servers"
# With every cache empty both together took 70 s on two idle cores, 110 s on busy ones.
COMMAND_S = 900
TELL_EVERY_S = 10
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"

Tell = Callable[[str], None]


class Unavailable(Exception):
    """The server cannot be had here; the text says why."""


def mongo_java_server(tell: Tell, cache: Path = CACHE) -> list[str]:
    """The command that starts it, to which a port and a file are to be added. Builds it first where need be."""
    (java,) = tools("mongo-java-server", "java")
    sources = HERE / "mongo_java_server"

    def build(folder: Path, javac: str, maven: str) -> None:
        for name in ("pom.xml", "Main.java"):
            shutil.copy(sources / name, folder)
        jars = folder / "jars"
        run([maven, "--batch-mode", "--quiet", COPY_JARS, f"-DoutputDirectory={jars}"], folder, tell)
        check_jars(jars, (sources / "jars.sha256").read_text("utf-8"))
        run([javac, "-classpath", str(jars / "*"), "-d", str(folder / "classes"), "Main.java"], folder, tell)

    home = built("mongo-java-server", sources, ("javac", "mvn"), build, tell, cache)
    return [java, "-Xmx512m", "-classpath", os.pathsep.join((str(home / "jars" / "*"), str(home / "classes"))), "Main"]


def ferretdb(tell: Tell, cache: Path = CACHE) -> list[str]:
    """The command that starts it, to which an address and a folder are to be added. Builds it first where need be."""
    sources = HERE / "ferretdb"
    program = "ferretdb.exe" if os.name == "nt" else "ferretdb"

    def build(folder: Path, go: str) -> None:
        for name in ("go.mod", "go.sum", "main.go"):
            shutil.copy(sources / name, folder)
        environment = {"GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
        run([go, "build", "-trimpath", "-o", program, "."], folder, tell, environment)

    return [str(built("ferretdb", sources, ("go",), build, tell, cache) / program)]


def tools(server: str, *names: str) -> list[str]:
    """Where the programs are. Raises Unavailable when one is not on the PATH."""
    found = {name: shutil.which(name) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise Unavailable(f"{server} needs {' and '.join(missing)} on the PATH")
    return [path for path in found.values() if path is not None]


def built(name: str, sources: Path, needs: Sequence[str], build: Callable[..., None], tell: Tell, cache: Path) -> Path:
    """The folder of a build of these sources. When there is none, `build` fills it, given the folder and where the programs
    are that it needs. Raises Unavailable when that fails."""
    home = cache / f"{name}-{digest(path for path in sources.iterdir() if path.is_file())}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{name}.lock", timeout=2 * COMMAND_S):
        if not home.exists():
            programs = tools(name, *needs)
            began_s = time.monotonic()
            tell(f"Building {name} for the tests, once; it may take some minutes ...")
            with tempfile.TemporaryDirectory(dir=cache, prefix=f"{name}-", ignore_cleanup_errors=True) as folder:
                half = Path(folder) / "build"
                half.mkdir()
                build(half, *programs)
                half.rename(home)
            tell(f"Built {name} in {time.monotonic() - began_s:.0f} s: {home}")
    return home


def digest(files: Iterable[Path]) -> str:
    """Twelve letters that are others when one of the files has changed."""
    parts = [f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.name}\n" for path in sorted(files)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:12]


def check_jars(folder: Path, sums: str) -> None:
    """Raises Unavailable unless the jars are just those that `sums` names, a SHA-256 and a name a line."""
    wanted = sorted(line.split() for line in sums.splitlines())
    found = sorted([hashlib.sha256(path.read_bytes()).hexdigest(), path.name] for path in folder.iterdir())
    if found != wanted:
        others = [name for hexdigest, name in found if [hexdigest, name] not in wanted]
        raise Unavailable(f"the downloaded jars are not those of jars.sha256 ({', '.join(others) or 'some are missing'})")


def run(command: Sequence[str], folder: Path, tell: Tell, environment: Mapping[str, str] | None = None) -> None:
    """Run a command to its end, telling every now and then that it goes on. Raises Unavailable with its last words."""
    log, program = folder / "build.log", Path(command[0]).stem
    began_s = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        try:
            code = wait(process, lambda: tell(f"  {program}: {time.monotonic() - began_s:.0f} s"))
        except subprocess.TimeoutExpired:
            raise Unavailable(f"'{program}' did not end within {COMMAND_S} s") from None
        finally:
            process.kill()  # it has ended, or is no longer wanted
            process.wait()
    if code != 0:
        words = " ".join(log.read_text("utf-8", "replace").split())
        raise Unavailable(f"'{program}' failed: {words[-600:]}")


def wait(process: "subprocess.Popen[bytes]", still: Callable[[], None]) -> int:
    """Its exit code. Raises subprocess.TimeoutExpired after COMMAND_S."""
    for _ in range(COMMAND_S // TELL_EVERY_S):
        try:
            return process.wait(TELL_EVERY_S)
        except subprocess.TimeoutExpired:
            still()
    return process.wait(0)


if __name__ == "__main__":
    try:
        for server in (mongo_java_server, ferretdb):
            print(*server(lambda line: print(line, file=sys.stderr, flush=True)))
    except Unavailable as failed:
        sys.exit(f"{failed}.")
