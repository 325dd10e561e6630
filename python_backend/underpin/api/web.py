"""The web app: files that were exported beforehand, served at `/` by the same process, under a policy that lets a page run no
script and ask no server but its own.

`/` is still the guide's sign of life for programs: only what asks for HTML gets the page.
"""

import base64
import hashlib
import re
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGE = "index.html"
_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    # KaTeX places the parts of a formula by their style attributes. An attribute can neither load nor run anything here.
    "style-src-attr": "'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}

_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Underpin</title>
<h1>Underpin is running</h1>
<p>The API answers; the web app is not built here. Start the server with <code>./start.sh</code> from a checkout, without
<code>--no-web</code>: it builds the app, with Node 20 or newer of this system or one that it installs for itself.</p>
<p><a href="/docs">The routes</a> · <a href="/ready">Is everything ready?</a></p></html>"""


class Web:
    """The exported app of a folder, or, where there is none, one page that says how to get it."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder if folder is not None and (folder / PAGE).is_file() else None
        self._page = (self.folder / PAGE).read_text("utf-8") if self.folder else _NOT_BUILT
        self._headers = {
            "Content-Security-Policy": policy(self._page),
            "Cache-Control": "no-cache",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    def page(self) -> Response:
        """The app's only page; which thread it shows is in the query."""
        return HTMLResponse(self._page, headers={**self._headers, "Vary": "Accept"})

    def join(self, app: FastAPI) -> None:
        """Serve the page's icon and assets beside the other routes."""
        if self.folder is None:
            return
        app.mount("/_next", _Assets(directory=self.folder / "_next"))
        icon = FileResponse(self.folder / "icon.svg", headers={"Cache-Control": "max-age=86400"})
        app.router.add_route("/icon.svg", lambda _: icon, include_in_schema=False)


class _Assets(StaticFiles):
    """Names of assets hold a hash of what is in them, so they may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks: it names HTML in `Accept`, as no program does without meaning it."""
    return "text/html" in request.headers.get("accept", "")


def policy(page: str) -> str:
    """The Content-Security-Policy of a page: its own inline scripts are allowed by their hashes, and no others."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _INLINE_SCRIPT.findall(page)]
    scripts = " ".join(["'self'", *(f"'sha256-{each}'" for each in hashes)])
    return "; ".join(f"{name} {value}" for name, value in {**_POLICY, "script-src": scripts}.items())
