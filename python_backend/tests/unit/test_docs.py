"""What the documents name is there, and what is there is in the documents: settings, routes, commands, files, links."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import underpin
from tests.server_process import ServerProcess
from underpin.app import build_app, open_rooms
from underpin.eventlog import base as eventlog
from underpin.settings import BACKEND_DIR, Settings

ROOT = BACKEND_DIR.parent
README = ROOT / "README.md"
API = BACKEND_DIR / "README.md"
SETUP = BACKEND_DIR / "SETUP.md"
ENV_EXAMPLE = BACKEND_DIR / "env.example"
NOT_OURS = {".venv", "node_modules", ".git", "data", ".pytest_cache", ".hypothesis", ".next", "out"}
PAGES = sorted(path for path in ROOT.rglob("*.md") if not NOT_OURS.intersection(path.relative_to(ROOT).parts))

GUIDES_LINES = {
    "OPENAI_API_KEY": "sk-proj-xxx",
    "OPENAI_ASSISTANT_ID": "asst_xxx",
    "MONGODB_URI": "mongodb+srv://user:pass@cluster.mongodb.net/...",
    "OPENAI_VECTOR_STORE_ID": "vs_xxx",
    "OPENAI_KNOWLEDGE_STORE_ID": "vs_xxx",
}


def default_of(name: str) -> str:
    """A setting's default as one writes it into `.env`; empty where it has none."""
    match Settings.model_fields[name.lower()].default:
        case None:
            return ""
        case bool() as flag:
            return str(flag).lower()
        case list() as values:
            return ",".join(values)
        case Path() as path:
            return str(path.relative_to(BACKEND_DIR))
        case float() as number:
            return f"{number:.15g}"
        case value:
            return str(value)


def unit_of(name: str) -> str | None:
    """The unit that a setting's name tells."""
    return {"S": "s", "BYTES": "bytes"}.get(name.rpartition("_")[2])


def without_code(text: str) -> str:
    """A page without its fenced blocks and code spans, which show links that are none."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.DOTALL | re.MULTILINE))


def fenced(page: Path, language: str) -> Iterator[str]:
    """The fenced blocks of a language, in order."""
    for block in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        if block[2] == language:
            yield block[3]


def rows(page: Path, first_cell: str) -> list[list[str]]:
    """The cells of every table row whose first cell matches."""
    found = []
    for line in page.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and re.fullmatch(first_cell, cells[0]):
            found.append(cells)
    return found


# --- settings ---


def env_example() -> list[tuple[str, str, bool]]:
    """Name, value, and whether the line is on; for each line that holds a setting."""
    lines = [re.fullmatch(r"(#?)([A-Z_]+)=(.*)", line) for line in ENV_EXAMPLE.read_text("utf-8").splitlines()]
    return [(line[2], line[3], not line[1]) for line in lines if line]


def test_env_example_holds_every_setting_once_and_no_other() -> None:
    assert [name for name, _, _ in env_example()] == [name.upper() for name in Settings.model_fields]


def test_env_example_begins_with_the_guides_lines() -> None:
    assert {name: value for name, value, on in env_example() if on} == GUIDES_LINES
    assert [name for name, _, _ in env_example()][:5] == list(GUIDES_LINES)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, value, on in env_example() if not on])
def test_env_example_shows_the_default(name: str, value: str) -> None:
    assert value == default_of(name)


def test_every_setting_of_env_example_stands_under_a_comment() -> None:
    before = ""
    for line in ENV_EXAMPLE.read_text("utf-8").splitlines():
        if re.fullmatch(r"#?[A-Z_]+=.*", line):
            assert before, f"{line} has no comment above it"
        else:
            before = line


def test_copied_env_example_starts_with_warnings_only(tmp_path: Path) -> None:
    copied = tmp_path / ".env"
    copied.write_bytes(ENV_EXAMPLE.read_bytes())
    with ServerProcess(tmp_path / "data", env_file=copied) as server:
        assert httpx.get(server.base_url + "/ready").status_code == 200
    for name in GUIDES_LINES:
        assert f"⚠️ {name} in .env is still the placeholder of the guide: it counts as not set." in server.log
    assert "❌" not in server.log


def test_every_line_of_env_example_can_be_switched_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    switched_on = tmp_path / ".env"
    switched_on.write_text("".join(f"{name}={value}\n" for name, value, _ in env_example()), "utf-8")
    settings, placeholders = Settings.load(switched_on)
    defaults, _ = Settings.load(tmp_path / "none")
    assert placeholders == list(GUIDES_LINES)
    assert settings == defaults.model_copy(update={"underpin_data_dir": settings.underpin_data_dir})


def test_setup_tells_of_every_setting_once_and_of_no_other() -> None:
    named = [cells[0].strip("`") for cells in rows(SETUP, r"`[A-Z_]+`")]
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


@pytest.mark.parametrize("cells", rows(SETUP, r"`[A-Z_]+`"), ids=lambda cells: cells[0].strip("`"))
def test_setup_tells_default_and_unit(cells: list[str]) -> None:
    name, default, unit, why = cells[0].strip("`"), *cells[1:]
    assert default == (default_of(name) or "–")
    assert unit_of(name) in (None, unit)
    assert why


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_settings_that_a_page_assigns_are_settings(page: Path) -> None:
    """`NAME=value` in running text or in a block: a name that is no setting of ours must be the shell's or the tools'."""
    others = {"THREAD", "RUN", "ARGS"}
    for name in re.findall(r"(?<![\w$&?{/-])([A-Z][A-Z_]{2,})=", page.read_text("utf-8")):
        assert name.lower() in Settings.model_fields or name in others, name


# --- routes ---


async def routes_of_the_app(tmp_path: Path) -> set[str]:
    settings = Settings(_env_file=None, underpin_data_dir=tmp_path)  # type: ignore[call-arg]
    async with open_rooms(settings) as rooms:
        transport = httpx.ASGITransport(app=build_app(settings, rooms))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            paths = (await client.get("/openapi.json")).json()["paths"]
    return {f"{method.upper()} {nameless(path)}" for path, methods in paths.items() for method in methods}


def routes_named_in(page: Path) -> list[tuple[str, str]]:
    lines = [line for line in page.read_text("utf-8").splitlines() if "not there yet" not in line]
    return re.findall(r"`(GET|POST|PUT|DELETE) (/[^\s`?…]*)(?:\?[^`]*)?`", "\n".join(lines))


def nameless(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


async def test_routes_of_the_app_are_told_once_each_and_no_others(tmp_path: Path) -> None:
    told = [nameless(cells[0].strip("`")) for cells in rows(API, r"`[A-Z]+ /.*`")]
    assert sorted(told) == sorted(await routes_of_the_app(tmp_path))


@pytest.mark.parametrize(
    "page", [README, API, SETUP, ROOT / "PYTHON_MIGRATION.md", ROOT / "CHANGELOG.md", ROOT / "ARCHITECTURE.md"]
)
async def test_routes_that_running_text_names_are_there(page: Path, tmp_path: Path) -> None:
    """`GET /…` in a code span; a path with … is abbreviated, one with [brackets] is Next.js's."""
    ours = {(method, nameless(path)) for method, path in routes_named_in(page) if "[" not in path}
    pages_of_the_framework = {("GET", "/docs"), ("GET", "/openapi.json")}
    upstreams = {("POST", "/chat/completions"), ("GET", "/models")}
    there = {tuple(route.split(" ")) for route in await routes_of_the_app(tmp_path)}
    assert ours <= there | pages_of_the_framework | upstreams


def test_events_of_a_thread_are_told_once_each_and_no_others() -> None:
    told = [cells[0].strip("`") for cells in rows(API, r"`thread\.[a-z.]+`")]
    there = [value for name, value in vars(eventlog).items() if name.isupper() and str(value).startswith("thread.")]
    assert sorted(told) == sorted(there)


# --- commands and files ---


def test_readme_gives_the_two_commands() -> None:
    assert next(fenced(README, "bash")) == "./python_backend/start.sh\n"
    below = README.read_text("utf-8").partition("\n## Run the tests\n")[2]
    assert re.match(r"\n```bash\nmake test\n```\n", below)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in "".join(fenced(page, "bash")).splitlines():
        match line.split():
            case ["make", target, *_]:
                assert target in targets, line
            case [program, *_] if program.startswith("./"):
                assert os.access(page.parent / program, os.X_OK), line
            case ["cd", folder]:
                assert (ROOT / folder).is_dir(), line
            case ["cp", source, _]:
                assert (page.parent / source).is_file(), line
            case []:
                pass
            case [program, *_]:
                assert program == "curl" or program.startswith("THREAD=$(curl"), line


def test_architecture_tells_of_every_make_target() -> None:
    told = re.findall(r"^make (\S+)", "".join(fenced(ROOT / "ARCHITECTURE.md", "bash")), re.MULTILINE)
    assert sorted(told) == sorted(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_files_of_the_tree_exist_and_have_a_comment() -> None:
    tree = next(block for block in fenced(README, "") if block.startswith(".\n"))
    above: list[str] = []
    for line in tree.splitlines()[1:]:
        entry = re.fullmatch(r"((?:│   |    )*)[├└]── (\S+)(?: {2,}(\S.*))?", line)
        assert entry, line
        above = [*above[: len(entry[1]) // 4], entry[2]]
        path = ROOT.joinpath(*above)
        assert path.is_dir() if entry[2].endswith("/") else path.is_file(), line
        assert entry[3] or entry[2] in ("python_backend/", "underpin/"), line
        if entry[2] == "tests/":
            assert all((path / name).is_dir() for name in entry[3].split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page if not path else (page.parent / path)
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors_of(file), f"{page.name} links to {target}"


def anchors_of(page: Path) -> set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_modules_that_architecture_names_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for name in re.findall(r"`((?:[a-z_]+/)+[a-z_]*(?:\.py)?)`", text):
        places = (BACKEND_DIR / "underpin", BACKEND_DIR, ROOT)
        assert any((place / name).exists() for place in places) or name == "workers/", name


def test_changelog_has_the_version() -> None:
    assert f"\n## [{underpin.__version__}] - " in (ROOT / "CHANGELOG.md").read_text("utf-8")
