"""The web app as the server serves it; the export here is made by hand."""

import base64
import hashlib
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response

from underpin.api.web import Web, policy, wants_page

PAGE = '<html><script src="/_next/a.js"></script><script id="x">go(1)</script><script>go(2)</script></html>'


@pytest.fixture
def export(tmp_path: Path) -> Path:
    (tmp_path / "_next" / "static").mkdir(parents=True)
    (tmp_path / "_next" / "static" / "a-1f.js").write_text("go(0)", "utf-8")
    (tmp_path / "index.html").write_text(PAGE, "utf-8")
    (tmp_path / "icon.svg").write_text("<svg/>", "utf-8")
    (tmp_path / "secret.txt").write_text("not an asset", "utf-8")
    return tmp_path


def client(web: Web) -> httpx.AsyncClient:
    app = FastAPI()

    async def root(request: Request) -> Response:
        return web.page() if wants_page(request) else Response("sign of life")

    app.router.add_route("/", root)
    web.join(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def test_only_what_asks_for_html_gets_the_page(export: Path) -> None:
    async with client(Web(export)) as server:
        page = await server.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert page.text == PAGE
        assert "Accept" in page.headers["vary"]
        assert (await server.get("/", headers={"Accept": "*/*"})).text == "sign of life"


def test_the_policy_allows_the_pages_own_scripts_and_no_others() -> None:
    told = dict(part.split(" ", 1) for part in policy(PAGE).split("; "))
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in (b"go(1)", b"go(2)")]
    assert told["script-src"] == f"'self' 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'"
    assert told["default-src"] == "'none'"
    assert told["connect-src"] == "'self'"
    assert told["img-src"] == "'self' data:"
    assert "unsafe-inline" not in told["script-src"] + told["style-src"]
    assert told["frame-ancestors"] == "'none'"


async def test_assets_may_be_kept_for_ever_and_the_page_not(export: Path) -> None:
    async with client(Web(export)) as server:
        asset = await server.get("/_next/static/a-1f.js")
        assert asset.text == "go(0)"
        assert "immutable" in asset.headers["cache-control"]
        assert (await server.get("/", headers={"Accept": "text/html"})).headers["cache-control"] == "no-cache"
        assert (await server.get("/icon.svg")).headers["content-type"].startswith("image/svg")


@pytest.mark.parametrize("path", ["/_next/../secret.txt", "/_next/%2e%2e/secret.txt", "/_next/static/none.js", "/secret.txt"])
async def test_nothing_but_the_assets_is_served(export: Path, path: str) -> None:
    async with client(Web(export)) as server:
        assert (await server.get(path)).status_code == 404


@pytest.mark.parametrize("folder", [None, Path("nowhere")])
async def test_without_an_export_the_page_says_how_to_get_it(folder: Path | None) -> None:
    async with client(Web(folder)) as server:
        page = await server.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "start.sh" in page.text
        assert (await server.get("/icon.svg")).status_code == 404
