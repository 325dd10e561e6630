"""Serving the app: the listening socket, uvicorn with a drain of its own, and the reloader of development."""

import ipaddress
import logging
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn
from uvicorn.supervisors import ChangeReload

from . import __version__, logs
from .api.rooms import Rooms
from .app import build_app, open_rooms
from .errors import UnderpinError
from .settings import Settings

if sys.platform == "win32":
    from asyncio import run
else:
    from uvloop import run

logger = logging.getLogger("underpin")

GRACE_S = 10
"""How long open connections may take to end after their runs have."""


class Server(uvicorn.Server):
    """uvicorn, but each stream gets its last event before the connections are closed."""

    def __init__(self, config: uvicorn.Config, rooms: Rooms) -> None:
        super().__init__(config)
        self._rooms = rooms

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; a second SIGINT does not wait for open connections. uvicorn's own raises the signal once more when it is done,
        which would end the process before the rooms are closed."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        await self._rooms.drain()
        await super().shutdown(sockets)


def serve(settings: Settings, listener: socket.socket) -> None:
    """Open the rooms and answer until a signal ends it. Raises ConfigError, StoreUnavailable before it answers anything."""
    run(_serve(settings, listener))


def serve_with_reload(settings: Settings, listener: socket.socket) -> None:
    """`serve` in a child process that is started again when a source file changes. For development: open runs end with it."""
    package = str(Path(__file__).parent)
    config = uvicorn.Config("underpin", reload=True, reload_dirs=[package], log_config=None)
    ChangeReload(config, target=partial(_serve_child, settings), sockets=[listener]).run()


def _serve_child(settings: Settings, sockets: list[socket.socket]) -> None:
    logs.configure(json_lines=settings.log_format == "json", level=settings.log_level)
    serve(settings, sockets[0])


async def _serve(settings: Settings, listener: socket.socket) -> None:
    async with open_rooms(settings) as rooms:
        config = uvicorn.Config(
            build_app(settings, rooms),
            lifespan="off",
            log_config=None,
            access_log=settings.log_level == "DEBUG",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=75,  # longer than proxies keep theirs, so that they, not we, close an idle connection
        )
        host, port = listener.getsockname()[:2]
        address = f"[{host}]" if ":" in host else host
        logger.info("✅ Underpin %s runs on http://%s:%d (Press CTRL+C to quit)", __version__, address, port)
        await Server(config, rooms).serve(sockets=[listener])


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises UnderpinError where the address cannot be had, or may not without an explicit setting."""
    if not 0 <= settings.port <= 65535:
        raise UnderpinError(f"PORT: {settings.port} is no port. Ports are 1 to 65535; 0 takes a free one.")
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise UnderpinError(f"HOST: '{settings.host}' is no address of this machine.") from None
    if not ipaddress.ip_address(str(address[0])).is_loopback and not settings.allow_open_access:
        raise UnderpinError(
            f"HOST={settings.host} is reachable from other machines, and there are no keys yet: anyone who reaches the port "
            "could use the model and read every thread. Set ALLOW_OPEN_ACCESS=true if something in front of it keeps others out."
        )
    listener = socket.socket(family, kind)
    try:
        if sys.platform != "win32":  # there it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise UnderpinError(
            f"Port {settings.port} on {settings.host} cannot be used: {error.strerror}. "
            "Stop what uses it, or set another PORT in python_backend/.env."
        ) from None
    listener.setblocking(False)
    return listener
