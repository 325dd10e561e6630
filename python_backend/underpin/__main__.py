"""The command: `underpin`, `python -m underpin`, `python main.py`. It reads the settings, opens the rooms and serves them. With
`knowledge` it fills the knowledge base instead."""

import argparse
import logging
import sys
from collections.abc import Sequence

from . import __version__, knowledge_command, logs
from .app import EMBEDDED
from .errors import UnderpinError
from .serve import listen, serve, serve_with_reload
from .settings import Settings

logger = logging.getLogger("underpin")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped, or do what a command asks; the process's exit code. 2 for a setting that cannot work."""
    arguments = _parse(sys.argv[1:] if argv is None else argv)
    try:
        settings, placeholders = Settings.load()
        if arguments.command == "knowledge":
            logs.configure(json_lines=settings.log_format == "json", level="WARNING")
            return knowledge_command.run(settings, arguments)
        given = {"host": arguments.host, "port": arguments.port}
        settings = settings.model_copy(update={key: value for key, value in given.items() if value is not None})
        logs.configure(json_lines=settings.log_format == "json", level=settings.log_level)
        _warn(settings, placeholders)
        (serve_with_reload if arguments.reload else serve)(settings, listen(settings))
    except UnderpinError as error:
        print(f"❌ {error.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _warn(settings: Settings, placeholders: Sequence[str]) -> None:
    for name in placeholders:
        logger.warning("⚠️ %s in .env is still the placeholder of the guide: it counts as not set.", name)
    if settings.web_concurrency > 1:
        logger.warning("⚠️ WEB_CONCURRENCY=%d: this version runs one worker.", settings.web_concurrency)
    model = settings.openai_model
    if settings.model_base_url is None and (model is None or settings.aliases.get(model, model) not in EMBEDDED):
        why = f"OPENAI_MODEL is '{model}', but nothing says which server has it" if model else "No language model is configured"
        logger.warning(
            "⚠️ %s: answers are quoted from the example documents. Set OPENAI_API_KEY or OPENAI_BASE_URL in "
            "python_backend/.env and restart.",
            why,
        )


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "underpin", description="A self-hosted server for assistants; without a command it serves. Settings: env.example."
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--host", help="address to listen on (HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (PORT)")
    parser.add_argument("--reload", action="store_true", help="start again when a source file changes (for development)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    words = "fill, list and empty the knowledge base"
    knowledge_command.add_arguments(commands.add_parser("knowledge", help=words, description=words.capitalize() + "."))
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
