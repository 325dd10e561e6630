"""The HTTP application: every route, every error, behind the guard."""

from collections.abc import Collection

from fastapi import FastAPI
from starlette.types import ASGIApp

from .. import __version__
from . import assistant_files, chat, errors, health, knowledge, next_routes
from .answers import REFUSALS
from .guard import guarded
from .history import history_routes
from .rooms import Rooms
from .threads import thread_routes
from .v1.headers import OpenAIHeaders
from .v1.routes import v1_routes
from .web import Web

DESCRIPTION = "Threads, messages and runs in your own database, any OpenAI-compatible model behind them."


def build_api(rooms: Rooms, *, origins: Collection[str], hosts: Collection[str], web: Web) -> ASGIApp:
    """The finished ASGI app over open rooms, and the web app with it."""
    app = build_routes()
    app.state.rooms = rooms
    app.state.web = web
    web.join(app)
    return guarded(OpenAIHeaders(app), origins=origins, hosts=hosts)


def build_routes() -> FastAPI:
    """Every route and every error, without the rooms that answer: enough for the OpenAPI document."""
    app = FastAPI(title="Underpin", version=__version__, description=DESCRIPTION, redoc_url=None, redirect_slashes=False)
    errors.install(app)
    # Lists before threads: `/threads/history` is no thread.
    next_js = (next_routes.router, assistant_files.router, knowledge.router)
    for router in (health.router, chat.router, history_routes(), thread_routes(), *next_js):
        app.include_router(router, responses=REFUSALS)
    app.include_router(v1_routes())
    return app
