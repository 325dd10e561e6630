"""The web app's own tests, of bytes → events → state and of Markdown that is being written."""

import subprocess

import dev_node
import web_export


def test_the_web_apps_own_tests_pass() -> None:
    node = dev_node.find_node()
    vitest = web_export.ROOT / "node_modules" / "vitest" / "vitest.mjs"
    ran = subprocess.run(
        [*node.node, str(vitest), "run"], cwd=web_export.ROOT, env=node.environment(), capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
