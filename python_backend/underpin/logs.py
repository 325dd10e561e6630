"""What the log looks like: the guide's lines for a person, or one JSON object a line. Never content, never keys."""

import json
import logging
import sys
import time
import traceback

_FIELDS = {"thread_id": "thread", "run_id": "run", "duration_s": "duration_s"}


class TextFormatter(logging.Formatter):
    """A clock time and the line itself: the emoji says what kind of line it is."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")


class JsonFormatter(logging.Formatter):
    """`time` (ISO 8601, UTC), `level`, `logger`, `message`, and `thread`, `run`, `duration_s` where the line has them."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, field) for field, name in _FIELDS.items() if hasattr(record, field)}
        if record.exc_info and record.exc_info[0] is not None:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def configure(*, json_lines: bool, level: str) -> None:
    """Log to standard output, ours and the server's own lines in one form. Called once, at start."""
    # A terminal of another encoding shows a question mark for an emoji: it must not stop a request.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter() if json_lines else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    # It would tell of every command with the documents in it.
    logging.getLogger("pymongo").setLevel(logging.WARNING)
