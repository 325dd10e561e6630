"""Which Node the tests run on, and when its packages are installed; Node and npm are shell scripts here."""

from __future__ import annotations

from pathlib import Path

import pytest

import dev_node


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of PATH but the shell's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize("version", ["v20.0.0", "v22.11.1"])
def test_the_systems_node_is_used_when_it_is_new_enough(on_path: Path, version: str) -> None:
    script(on_path / "node", f"echo {version}")
    script(on_path / "npm", "exit 0")
    assert dev_node.find_node() == dev_node.Node(node=(str(on_path / "node"),), npm=(str(on_path / "npm"),))


@pytest.mark.parametrize("body", ["echo v18.20.4", "echo nonsense", "exit 1"])
def test_an_old_or_broken_node_counts_as_none(on_path: Path, body: str) -> None:
    script(on_path / "node", body)
    script(on_path / "npm", "exit 0")
    assert dev_node.system_node() is None


def test_node_without_npm_counts_as_none(on_path: Path) -> None:
    script(on_path / "node", "echo v22.0.0")
    assert dev_node.system_node() is None


def test_without_any_node_the_remedy_is_named(on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_node, "wheel_node", lambda: None)
    with pytest.raises(FileNotFoundError, match="run 'make setup'"):
        dev_node.find_node()


def test_npm_finds_its_node_first_on_path(on_path: Path) -> None:
    node = dev_node.Node(node=("/some/where/node",), npm=("npm",))
    assert node.environment()["PATH"] == f"/some/where:{on_path}"


@pytest.fixture
def npm_project(on_path: Path, tmp_path: Path) -> Path:
    """A folder with a lock, and an npm whose `ci` makes node_modules anew and counts its runs."""
    script(on_path / "node", "echo v20.0.0")
    script(on_path / "npm", 'PATH=/usr/bin:/bin; rm -rf node_modules; mkdir node_modules; echo "$*" >> runs')
    folder = tmp_path / "wire"
    folder.mkdir()
    (folder / "package-lock.json").write_text("{}", "utf-8")
    return folder


def test_packages_are_installed_once_for_one_lock(npm_project: Path) -> None:
    assert not dev_node.is_current(npm_project)
    assert dev_node.install(npm_project) == 0
    assert dev_node.is_current(npm_project)
    assert (npm_project / "runs").read_text("utf-8") == "ci --ignore-scripts --no-audit --no-fund --loglevel=error\n"


def test_a_changed_lock_is_installed_again(npm_project: Path) -> None:
    dev_node.install(npm_project)
    (npm_project / "package-lock.json").write_text('{"changed": true}', "utf-8")
    assert not dev_node.is_current(npm_project)


def test_a_failed_install_is_not_taken_for_a_whole_one(npm_project: Path, on_path: Path) -> None:
    dev_node.install(npm_project)
    script(on_path / "npm", "PATH=/usr/bin:/bin; rm -rf node_modules; exit 3")
    assert dev_node.install(npm_project) == 3
    assert not dev_node.is_current(npm_project)


def test_a_folder_without_a_lock_needs_nothing(tmp_path: Path) -> None:
    assert dev_node.is_current(tmp_path)
