"""The server's command without the developer's own `.env`: `python -m tests.serve ENV_FILE ARGS...` is `python main.py ARGS...`
with another file of settings (one that need not exist). See server_process.py."""

import sys
from pathlib import Path
from typing import Self

import underpin.__main__ as command
from underpin.settings import Settings


class FromFile(Settings):
    @classmethod
    def load(cls, env_file: Path | None = None) -> tuple[Self, list[str]]:
        # Looked up here: tests that bring their own command import this module too.
        return super().load(env_file or Path(sys.argv[1]))


if __name__ == "__main__":
    command.Settings = FromFile
    sys.exit(command.main(sys.argv[2:]))
