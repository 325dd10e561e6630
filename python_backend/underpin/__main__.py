"""The command: `underpin`, `python -m underpin`, `python main.py`. It reads the settings, opens the rooms and serves them."""

import argparse
import ipaddress
import logging
import socket
import sys
from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp

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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        await self._rooms.drain()
        await super().shutdown(sockets)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped; the process's exit code. 2 for a setting that cannot work."""
    arguments = _parse(sys.argv[1:] if argv is None else argv)
    try:
        settings, placeholders = Settings.load()
        settings = settings.model_copy(update={key: value for key, value in vars(arguments).items() if value is not None})
        logs.configure(json_lines=settings.log_format == "json", level=settings.log_level)
        _warn(settings, placeholders)
        run(_serve(settings))
    except UnderpinError as error:
        print(f"❌ {error.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


async def _serve(settings: Settings) -> None:
    listener = _listen(settings)
    async with open_rooms(settings) as rooms:
        app: ASGIApp = build_app(settings, rooms)
        config = uvicorn.Config(
            app,
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


def _listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises UnderpinError where the address cannot be had, or may not without an explicit setting."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    except OSError:
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


def _warn(settings: Settings, placeholders: Sequence[str]) -> None:
    for name in placeholders:
        logger.warning("⚠️ %s in .env is still the placeholder of the guide: it counts as not set.", name)
    if settings.web_concurrency > 1:
        logger.warning("⚠️ WEB_CONCURRENCY=%d: this version runs one worker.", settings.web_concurrency)
    if settings.model_base_url is None and settings.openai_model is None:
        logger.warning(
            "⚠️ No language model is configured: answers are quoted from the example documents. Set OPENAI_API_KEY or "
            "OPENAI_BASE_URL in python_backend/.env and restart."
        )


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("underpin", description="A self-hosted server for assistants. Settings: env.example.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--host", help="address to listen on (HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (PORT)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
