"""The door, outside of everything else: which hosts this server answers as, which web pages may ask for changes, and CORS on all
answers, errors included.

Any web page can send text/plain POSTs to 127.0.0.1 without asking first, so a foreign Origin is refused before any work; any
domain can be made to point at 127.0.0.1, so an unknown Host is refused too.
"""

import ipaddress
import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import OriginRefused, UnderpinError, UnknownHost
from .errors import error_answer

# Stricter than what parsers of addresses take: `evil.example@localhost` has localhost as its host to some of them.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")
_READING = {"GET", "HEAD", "OPTIONS"}
EXPOSED = ["X-Run-Id", "X-Thread-Id", "Retry-After", "x-request-id", "openai-processing-ms", "openai-poll-after-ms"]


def guarded(app: ASGIApp, *, origins: Collection[str], hosts: Collection[str]) -> ASGIApp:
    """The app behind its door. `origins` are the web pages that may call besides the server's own; `hosts` the names besides
    localhost and IP addresses."""
    pages = [origin.lower() for origin in origins]  # as browsers write them
    return CORSMiddleware(
        Guard(app, origins=frozenset(pages), hosts=frozenset(host.lower() for host in hosts)),
        allow_origins=pages,
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["*"],
        # Browsers ask this of a page elsewhere that calls 127.0.0.1. It is granted to the pages above alone.
        allow_private_network=True,
        expose_headers=EXPOSED,
        max_age=600,
    )


class Guard:
    """Plain ASGI: it looks at two headers and passes the rest on untouched."""

    def __init__(self, app: ASGIApp, *, origins: frozenset[str], hosts: frozenset[str]) -> None:
        self._app = app
        self._origins = origins
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope["method"], Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await error_answer(scope["path"], refused)(scope, receive, send)

    def _refused(self, method: str, headers: Headers) -> UnderpinError | None:
        host, *more = headers.getlist("host") or [""]
        if more or not self._known(host):
            return UnknownHost(f"This server does not answer as '{host[:100]}'. Add the name to ALLOWED_HOSTS to let it.")
        origin = headers.get("origin")
        if method in _READING or origin is None or origin in self._origins:
            return None
        if _same_server(origin, host):
            return None
        return OriginRefused(f"Pages of '{origin[:100]}' may not use this server. Add the origin to CORS_ORIGINS to let them.")

    def _known(self, host: str) -> bool:
        name = _host_name(host)
        if name in self._hosts or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True  # no domain was resolved, so none can have been pointed here


def _host_name(host: str) -> str:
    """The name of a Host header, without its port; empty where it is malformed."""
    parts = _HOST.fullmatch(host)
    return (parts[1] or parts[2]).lower() if parts else ""


def _same_server(origin: str, host: str) -> bool:
    return origin in (f"http://{host}", f"https://{host}")
