"""Starts the server: `python main.py` inside the environment that start.sh or start.bat makes."""

import sys

try:
    from underpin.__main__ import main
except ModuleNotFoundError as missing:
    if missing.name is None or missing.name.partition(".")[0] == "underpin":
        raise
    sys.exit(
        f"The package '{missing.name}' is missing in this Python ({sys.executable}). "
        "Run ./start.sh (Windows: start.bat): it makes the environment and starts Underpin in it."
    )

if __name__ == "__main__":
    sys.exit(main())
