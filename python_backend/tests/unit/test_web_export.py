"""When the web app is built anew; Node is a shell script here."""

from pathlib import Path

import pytest

import dev_node
import web_export


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An app whose build copies its page, and a Node that runs that build."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "page.tsx").write_text("page", "utf-8")
    (tmp_path / "package-lock.json").write_text("{}", "utf-8")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, body in {
        "npm": "mkdir -p node_modules",
        "node": "mkdir -p out && cp app/page.tsx out/index.html && exit ${FAILS:-0}",
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n", "utf-8")
        (tools / name).chmod(0o755)
    found = dev_node.Node(node=(str(tools / "node"),), npm=(str(tools / "npm"),))
    monkeypatch.setattr(dev_node, "find_node", lambda: found)
    return tmp_path


def test_an_app_that_is_built_is_built_again_only_when_it_changed(root: Path) -> None:
    assert web_export.has_sources(root)
    assert not web_export.is_current(root)
    assert web_export.build(root) == 0
    assert web_export.is_current(root)
    (root / "app" / "page.tsx").write_text("another", "utf-8")
    assert not web_export.is_current(root)
    assert web_export.build(root) == 0
    assert (root / "out" / "index.html").read_text("utf-8") == "another"


def test_a_build_that_fails_leaves_no_word_that_it_is_done(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", "3")
    assert web_export.build(root) == 3
    assert not web_export.is_current(root)


def test_a_folder_without_the_app_has_nothing_to_build(tmp_path: Path) -> None:
    assert not web_export.has_sources(tmp_path)
